//! The models behind the router: one trait, and the dialects that it is spoken in.
//!
//! An upstream takes a [`ChatRequest`] and gives either a whole [`Completion`] or a stream of [`Chunk`]s, both in
//! OpenAI's shape and in the upstream's own words. A dialect of another shape translates inside its own file.

pub mod chunk;
pub mod completion;
pub mod document;
pub mod error;
pub mod fold;
pub mod openai;
pub mod replay;
pub mod sse;
pub mod usage;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use chunk::Chunk;
pub use completion::Completion;
pub use document::Document;
pub use error::{Phase, UpstreamError};
pub use fold::Fold;
pub use openai::OpenAi;

use crate::chat::ChatRequest;
use crate::config::TierConfig;

/// Calls one model.
///
/// An implementation names its own model in the call, keeps its own time limits, and ends soon after the future or
/// stream is dropped.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// A whole answer.
    ///
    /// # Errors
    /// When the upstream cannot be reached, is too slow, refuses, or answers with anything but a completion with at
    /// least one choice.
    async fn complete(&self, request: &ChatRequest) -> Result<Completion, UpstreamError>;

    /// The answer in pieces. The stream ends without an error only where the upstream said that the answer is
    /// complete; a connection that closes earlier is [`UpstreamError::Cut`].
    ///
    /// # Errors
    /// As for [`Upstream::complete`]; what goes wrong after the headers is an item of the stream.
    async fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, UpstreamError>;
}

/// Pieces of one answer, in order; nothing follows an error.
pub type ChunkStream = BoxStream<'static, Result<Chunk, UpstreamError>>;

/// A tier, ready to be called.
#[derive(Clone)]
pub struct Tier {
    /// Its name, prices, limits and what its server can do.
    pub config: TierConfig,
    /// How it is called.
    pub upstream: Arc<dyn Upstream>,
    /// Whether it only stands in for a model, which every answer then says.
    pub stand_in: bool,
}

impl Tier {
    /// A tier that speaks OpenAI's dialect, as configured.
    ///
    /// # Errors
    /// When its key cannot be read or its address is not one; the message names the tier.
    pub fn open(config: TierConfig) -> Result<Self, String> {
        let upstream = Arc::new(OpenAi::new(&config)?);
        Ok(Self { config, upstream, stand_in: false })
    }

    /// The tier's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }
}

impl std::fmt::Debug for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").field("name", &self.config.name).field("stand_in", &self.stand_in).finish()
    }
}

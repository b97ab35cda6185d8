//! The models behind the router: one trait, and the dialects that it is spoken in.
//!
//! An upstream takes a [`ChatRequest`] and gives either a whole [`Completion`] or a stream of [`Chunk`]s, both in
//! OpenAI's shape and in the upstream's own words. A dialect of another shape translates inside its own file.

pub mod anthropic;
pub mod batch;
pub mod breaker;
pub mod chunk;
pub mod completion;
pub mod document;
pub mod error;
mod finish;
pub mod fold;
pub mod openai;
pub mod pool;
pub mod replay;
pub mod retry;
pub mod sse;
mod transport;
pub mod usage;
pub mod watch;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use anthropic::Anthropic;
pub use chunk::Chunk;
pub use completion::Completion;
pub use document::Document;
pub use error::{Phase, UpstreamError};
pub use fold::Fold;
pub use openai::OpenAi;
pub use pool::{Endpoint, Pool};
pub(crate) use transport::retry_after::read as retry_after;
pub use watch::{FailedCall, Watch};

use crate::chat::ChatRequest;
use crate::config::{TierConfig, UpstreamsConfig};
use crate::dialect::Dialect;

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
    /// Where its model can be had.
    pub endpoints: Arc<Pool>,
    /// Whether it only stands in for a model, which every answer then says.
    pub stand_in: bool,
}

impl Tier {
    /// A tier over its endpoints, as configured.
    ///
    /// # Errors
    /// When a key cannot be read or an address is not one; the message names the tier.
    pub fn open(config: TierConfig, upstreams: &UpstreamsConfig) -> Result<Self, String> {
        let endpoint = |place: TierConfig| {
            let upstream: Arc<dyn Upstream> = match place.kind {
                Dialect::OpenAi | Dialect::Responses => Arc::new(OpenAi::new(&place)?),
                Dialect::Anthropic => Arc::new(Anthropic::new(&place)?),
            };
            Ok(Endpoint { name: place.host(), weight: place.weight, upstream })
        };
        let endpoints = config.places().map(endpoint).collect::<Result<Vec<_>, String>>()?;
        let endpoints =
            Arc::new(Pool::new(endpoints, upstreams.retry(), upstreams.breaker()).hedging(upstreams.hedge_after()));
        Ok(Self { config, endpoints, stand_in: false })
    }

    /// A tier of one upstream of this process, which is neither asked twice nor left alone.
    pub fn of(config: TierConfig, upstream: Arc<dyn Upstream>) -> Self {
        let endpoint = Endpoint { name: config.name.clone(), weight: 1, upstream };
        let upstreams = UpstreamsConfig { retries: 0, breaker_failures: u32::MAX, ..UpstreamsConfig::default() };
        let endpoints = Arc::new(Pool::new(vec![endpoint], upstreams.retry(), upstreams.breaker()));
        Self { config, endpoints, stand_in: false }
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

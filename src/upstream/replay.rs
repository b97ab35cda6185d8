//! An upstream that answers from recorded outcomes, so that the whole engine runs against recorded reality.

mod choice;
mod error;
mod http;
mod reply;
mod tape;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;

pub use error::Unrecorded;
pub use http::router;
pub use reply::Reply;
pub use tape::Tape;

use super::{Chunk, ChunkStream, Completion, Upstream, UpstreamError};
use crate::chat::ChatRequest;

/// One recorded tier as an upstream of this process.
#[derive(Debug, Clone)]
pub struct Replay {
    tape: Arc<Tape>,
    tier: String,
    /// Part of the recorded duration that a call takes; 0 answers at once.
    pace: f64,
    /// What is said to a question that is not recorded; `None` makes that an error.
    otherwise: Option<&'static str>,
}

impl Replay {
    /// A tier of the tape that answers at once, and refuses questions that are not recorded.
    #[must_use]
    pub fn new(tape: Arc<Tape>, tier: impl Into<String>) -> Self {
        Self { tape, tier: tier.into(), pace: 0.0, otherwise: None }
    }

    /// Takes this part of the recorded duration for each call; a number that is not finite and positive means none.
    #[must_use]
    pub fn paced(self, pace: f64) -> Self {
        Self { pace: if pace.is_finite() { pace.max(0.0) } else { 0.0 }, ..self }
    }

    /// Says this to questions that are not recorded.
    #[must_use]
    pub fn or_else(self, otherwise: &'static str) -> Self {
        Self { otherwise: Some(otherwise), ..self }
    }

    /// The recorded answer to a request.
    ///
    /// # Errors
    /// When the question, or this tier's answer to it, is not recorded.
    pub fn reply(&self, request: &ChatRequest) -> Result<Reply, Unrecorded> {
        match (self.tape.reply(request, &self.tier), self.otherwise) {
            (Err(Unrecorded::Question | Unrecorded::Outcome { .. }), Some(sentence)) => {
                Ok(Reply::sentence(request, &self.tier, sentence))
            }
            (reply, _) => reply,
        }
    }

    fn share_of(&self, latency: Duration, parts: usize) -> Duration {
        // The factor is finite, not negative and bounded: the product neither overflows nor panics.
        latency.mul_f64(self.pace.min(1000.0) / parts.max(1) as f64)
    }
}

#[async_trait]
impl Upstream for Replay {
    async fn complete(&self, request: &ChatRequest) -> Result<Completion, UpstreamError> {
        let reply = self.reply(request)?;
        pause(self.share_of(reply.latency(), 1)).await;
        Completion::parse(Bytes::from(reply.completion().to_string()))
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, UpstreamError> {
        let reply = self.reply(request)?;
        let chunks = reply.chunks(true);
        let rest = self.share_of(reply.latency(), chunks.len());
        Ok(paced(chunks, rest).map(|chunk| Chunk::parse(chunk.to_string())).boxed())
    }
}

/// Hands out chunks with a rest before each.
fn paced(chunks: Vec<Value>, rest: Duration) -> impl futures_util::Stream<Item = Value> + Send {
    stream::iter(chunks).then(move |chunk| async move {
        pause(rest).await;
        chunk
    })
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

//! Upstreams that speak OpenAI's chat completions.

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::Response;

use super::error::UpstreamError;
use super::transport::events::{self, Decode};
use super::transport::limits::Running;
use super::transport::{Transport, body, is_json};
use super::{Chunk, ChunkStream, Completion, Upstream};
use crate::chat::ChatRequest;
use crate::config::TierConfig;

/// One model of an OpenAI-compatible API. Clones share their connections.
#[derive(Debug, Clone)]
pub struct OpenAi {
    transport: Transport,
    model: String,
    /// OpenAI's newer models only know `max_completion_tokens`; other servers may only know `max_tokens`.
    renames_limit: bool,
}

impl OpenAi {
    /// Prepares the calls of a tier; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be read, the address is not a URL, or no TLS roots are to be had; the message names the tier.
    pub fn new(tier: &TierConfig) -> Result<Self, String> {
        let transport = Transport::new(tier, "/chat/completions", &[])?;
        let host = tier.host();
        let renames_limit = host == "api.openai.com" || host.ends_with(".azure.com");
        Ok(Self { transport, model: tier.model.clone(), renames_limit })
    }

    async fn send(&self, request: ChatRequest, limits: &Running) -> Result<Response, UpstreamError> {
        let request = self.in_its_words(request).with("model", &self.model.as_str().into());
        self.transport.send(request.to_body(), None, limits).await
    }

    /// A request that was translated says things as this server knows them; one of a client that speaks the dialect says
    /// them as the client does.
    fn in_its_words(&self, request: ChatRequest) -> ChatRequest {
        match request.get::<u64>("max_tokens") {
            Some(limit) if self.renames_limit && request.is_translated() => {
                request.without("max_tokens").with("max_completion_tokens", &limit.into())
            }
            _ => request,
        }
    }
}

#[async_trait]
impl Upstream for OpenAi {
    async fn complete(&self, request: &ChatRequest) -> Result<Completion, UpstreamError> {
        let limits = self.transport.start();
        let request = request.clone();
        let request = if request.stream() { request.without("stream").without("stream_options") } else { request };
        let response = self.send(request, &limits).await?;
        Completion::parse(body::read(response, &limits, body::MAX_BYTES).await?)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, UpstreamError> {
        let limits = self.transport.start();
        let mut options: serde_json::Map<String, serde_json::Value> = request.get("stream_options").unwrap_or_default();
        options.insert("include_usage".to_owned(), true.into());
        let request = request.clone().with("stream", &true.into()).with("stream_options", &options.into());
        let response = self.send(request, &limits).await?;
        if is_json(&response) {
            // A server that answers a stream with a whole body has most likely put an error there.
            Completion::parse(body::read(response, &limits, body::MAX_BYTES).await?)?;
            return Err(UpstreamError::Malformed("a whole completion where a stream was asked for".to_owned()));
        }
        Ok(events::chunks(response, limits, Plain).boxed())
    }
}

/// Each event is a chunk, up to `[DONE]`.
struct Plain;

impl Decode for Plain {
    fn decode(&mut self, data: String) -> Result<Option<Vec<Chunk>>, UpstreamError> {
        if data.trim() == "[DONE]" { Ok(None) } else { Chunk::parse(data).map(|chunk| Some(vec![chunk])) }
    }
}

//! Upstreams that speak OpenAI's chat completions.

mod events;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};

use super::error::UpstreamError;
use super::transport::limits::Running;
use super::transport::{Transport, body, is_json, key_header};
use super::{ChunkStream, Completion, Upstream};
use crate::chat::ChatRequest;
use crate::config::TierConfig;

/// One model of an OpenAI-compatible API. Clones share their connections.
#[derive(Debug, Clone)]
pub struct OpenAi {
    transport: Transport,
    model: String,
}

impl OpenAi {
    /// Prepares the calls of a tier; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be read, the address is not a URL, or no TLS roots are to be had; the message names the tier.
    pub fn new(tier: &TierConfig) -> Result<Self, String> {
        let transport = Transport::new(tier, "/chat/completions", headers)?;
        Ok(Self { transport, model: tier.model.clone() })
    }

    async fn send(&self, request: ChatRequest, limits: &Running) -> Result<Response, UpstreamError> {
        self.transport.send(request.with("model", &self.model.as_str().into()).to_body(), limits).await
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
        Ok(events::chunks(response, limits).boxed())
    }
}

fn headers(key: Option<&SecretString>) -> Result<HeaderMap, String> {
    key.map_or_else(
        || Ok(HeaderMap::new()),
        |key| key_header(AUTHORIZATION, &format!("Bearer {}", key.expose_secret())),
    )
}

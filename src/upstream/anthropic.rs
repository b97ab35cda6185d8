//! Upstreams that speak Anthropic's Messages.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::Response;
use reqwest::header::HeaderName;
use serde_json::Value;

use super::error::UpstreamError;
use super::finish;
use super::transport::events::{self, Decode};
use super::transport::limits::Running;
use super::transport::{Transport, body, is_json};
use super::usage::AnthropicUsage;
use super::{Chunk, ChunkStream, Completion, Upstream};
use crate::chat::ChatRequest;
use crate::config::TierConfig;
use crate::dialect::Dialect;
use crate::dialect::anthropic::decode::Decoded;
use crate::dialect::anthropic::{Decoder, ask, completion};

/// The version of the dialect that is spoken.
pub(super) const VERSION: (HeaderName, &str) = (HeaderName::from_static("anthropic-version"), "2023-06-01");

/// Features that a client asks for beside that version.
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// The longest answer where neither the client nor the configuration says: the dialect demands one.
pub(super) const MAX_TOKENS: u64 = 8192;

/// One model of an API that speaks Anthropic's dialect. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Anthropic {
    transport: Transport,
    model: String,
    max_tokens: u64,
}

impl Anthropic {
    /// Prepares the calls of a tier; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be read, the address is not a URL, or no TLS roots are to be had; the message names the tier.
    pub fn new(tier: &TierConfig) -> Result<Self, String> {
        let transport = Transport::new(tier, "/messages", &[VERSION])?;
        let max_tokens = tier.max_output_tokens.unwrap_or(MAX_TOKENS);
        Ok(Self { transport, model: tier.model.clone(), max_tokens })
    }

    async fn send(&self, request: &ChatRequest, limits: &Running) -> Result<Response, UpstreamError> {
        let body = ask(request, &self.model, self.max_tokens).map_err(UpstreamError::Unfit)?;
        let beta = request.native(Dialect::Anthropic).and_then(|native| native.beta());
        self.transport.send(body, beta.map(|beta| (BETA, beta)), limits).await
    }
}

#[async_trait]
impl Upstream for Anthropic {
    async fn complete(&self, request: &ChatRequest) -> Result<Completion, UpstreamError> {
        let limits = self.transport.start();
        let response = self.send(&request.clone().without("stream"), &limits).await?;
        whole(body::read(response, &limits, body::MAX_BYTES).await?)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, UpstreamError> {
        let limits = self.transport.start();
        let response = self.send(&request.clone().with("stream", &true.into()), &limits).await?;
        if is_json(&response) {
            // A server that answers a stream with a whole body has most likely put an error there.
            whole(body::read(response, &limits, body::MAX_BYTES).await?)?;
            return Err(UpstreamError::Malformed("a whole message where a stream was asked for".to_owned()));
        }
        Ok(events::chunks(response, limits, Translated(Decoder::default())).boxed())
    }
}

pub(super) fn whole(text: Bytes) -> Result<Completion, UpstreamError> {
    let malformed = |what: String| UpstreamError::Malformed(format!("not a message of Anthropic's: {what}"));
    let message: Value = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if message["type"] == "error" || message["error"].is_object() {
        return Err(UpstreamError::Reported(message["error"].clone()));
    }
    let Some(content) = message["content"].as_array() else {
        return Err(malformed("no `content`".to_owned()));
    };
    let usage = serde_json::from_value::<AnthropicUsage>(message["usage"].clone()).ok().and_then(|usage| usage.read());
    let translated = completion(&message, usage);
    let reason = translated["choices"][0]["finish_reason"].as_str();
    if let Some(failure) = reason.and_then(|reason| finish::failure(reason, !content.is_empty())) {
        return Err(UpstreamError::Reported(failure.into()));
    }
    let mut completion = Completion::parse(Bytes::from(translated.to_string()))?;
    completion.answer.usage = usage;
    completion.native = Some(text);
    Ok(completion)
}

/// Events as chunks, which keep the event that they came from.
struct Translated(Decoder);

impl Decode for Translated {
    fn decode(&mut self, data: String) -> Result<Option<Vec<Chunk>>, UpstreamError> {
        let event: Value = serde_json::from_str(&data)
            .map_err(|error| UpstreamError::Malformed(format!("an event that is not JSON: {error}")))?;
        let chunks = match self.0.push(&event) {
            Decoded::Chunks(chunks) => chunks,
            Decoded::End => return Ok(None),
            Decoded::Error(error) => return Err(UpstreamError::Reported(error)),
        };
        let mut chunks = chunks.iter().map(|chunk| Chunk::parse(chunk.to_string())).collect::<Result<Vec<_>, _>>()?;
        for chunk in &mut chunks {
            if chunk.usage.is_some() {
                chunk.usage = self.0.usage();
            }
        }
        if let Some(first) = chunks.first_mut() {
            first.native = Some(Bytes::from(data));
        }
        Ok(Some(chunks))
    }
}

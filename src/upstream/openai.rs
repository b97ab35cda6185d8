//! Upstreams that speak OpenAI's chat completions.

mod body;
mod events;
mod limits;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};

use self::limits::Limits;
use super::error::{Phase, UpstreamError};
use super::{ChunkStream, Completion, Upstream};
use crate::chat::ChatRequest;
use crate::config::TierConfig;

/// One model of an OpenAI-compatible API. Clones share their connections.
#[derive(Debug, Clone)]
pub struct OpenAi {
    client: Client,
    url: reqwest::Url,
    model: String,
    key: Option<SecretString>,
    limits: Limits,
}

impl OpenAi {
    /// Prepares the calls of a tier; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be read, the address is not a URL, or no TLS roots are to be had; the message names the tier.
    pub fn new(tier: &TierConfig) -> Result<Self, String> {
        let fail = |error: &dyn std::fmt::Display| format!("tier {}: {error}", tier.name);
        // Only the first provider of a process is kept; a second one is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = tier.read_key()?;
        let limits = Limits::of(tier);
        let client = Client::builder()
            .user_agent(concat!("rungs/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(key.as_ref()).map_err(|error| fail(&error))?)
            .connect_timeout(limits.connect)
            .tcp_nodelay(true)
            // A redirect could carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| fail(&error))?;
        let url = format!("{}/chat/completions", tier.base_url.trim_end_matches('/'));
        let url = url.parse().map_err(|error| fail(&format_args!("base_url: {error}")))?;
        Ok(Self { client, url, model: tier.model.clone(), key, limits })
    }

    /// Sends the request and waits for the head of a successful answer.
    async fn send(&self, request: &ChatRequest, limits: &limits::Running) -> Result<Response, UpstreamError> {
        let body = request.clone().with("model", &self.model.as_str().into()).to_body();
        let call = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body).send();
        let response = limits.first_byte(call).await?.map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        Err(UpstreamError::Status { code, body: self.refusal(code, response, limits).await })
    }

    /// The `error` object of a refusal. One that may quote a key is not kept.
    async fn refusal(&self, code: u16, response: Response, limits: &limits::Running) -> Option<serde_json::Value> {
        if matches!(code, 401 | 403) {
            return None;
        }
        let text = body::read(response, limits, body::MAX_ERROR_BYTES).await.ok()?;
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if let Some(key) = &self.key {
            text = text.replace(key.expose_secret(), "***");
        }
        let mut body: serde_json::Value = serde_json::from_str(&text).ok()?;
        body.get_mut("error").map(serde_json::Value::take).filter(|error| !error.is_null())
    }
}

#[async_trait]
impl Upstream for OpenAi {
    async fn complete(&self, request: &ChatRequest) -> Result<Completion, UpstreamError> {
        let limits = self.limits.start();
        let response = if request.stream() {
            self.send(&request.clone().without("stream").without("stream_options"), &limits).await?
        } else {
            self.send(request, &limits).await?
        };
        Completion::parse(body::read(response, &limits, body::MAX_BYTES).await?)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChunkStream, UpstreamError> {
        let limits = self.limits.start();
        let mut options: serde_json::Map<String, serde_json::Value> = request.get("stream_options").unwrap_or_default();
        options.insert("include_usage".to_owned(), true.into());
        let request = request.clone().with("stream", &true.into()).with("stream_options", &options.into());
        let response = self.send(&request, &limits).await?;
        if is_json(&response) {
            // A server that answers a stream with a whole body has most likely put an error there.
            Completion::parse(body::read(response, &limits, body::MAX_BYTES).await?)?;
            return Err(UpstreamError::Malformed("a whole completion where a stream was asked for".to_owned()));
        }
        Ok(events::chunks(response, limits).boxed())
    }
}

fn headers(key: Option<&SecretString>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_| "the key holds characters that no HTTP header can carry".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

/// A failure before the answer's head. The address is left out: it may hold credentials.
fn unreachable(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() {
        return UpstreamError::Timeout(if error.is_connect() { Phase::Connect } else { Phase::Total });
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let innermost = if std::ptr::addr_eq(cause, error) { "the call failed".to_owned() } else { cause.to_string() };
    UpstreamError::Connect(innermost)
}

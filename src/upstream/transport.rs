//! HTTP to an endpoint, the same for every dialect: keys, time limits, bounded bodies, refusals.

pub(super) mod body;
pub(super) mod events;
mod key;
pub(super) mod limits;
pub(crate) mod retry_after;

use std::time::SystemTime;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::multipart::Form;
use reqwest::{Client, Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use self::limits::{Limits, Running};
use super::error::{Phase, UpstreamError};
use crate::client::client;
use crate::config::TierConfig;

/// How calls of one endpoint are sent. Clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: Client,
    url: reqwest::Url,
    key: Option<SecretString>,
    limits: Limits,
}

impl Transport {
    /// Prepares calls of `path` below the tier's address; nothing is sent yet. Every call has these headers beside the key.
    ///
    /// # Errors
    /// When the key cannot be read, the address is not a URL, or no TLS roots are to be had; the message names the tier.
    pub(super) fn new(tier: &TierConfig, path: &str, headers: &[(HeaderName, &'static str)]) -> Result<Self, String> {
        let fail = |error: &dyn std::fmt::Display| format!("tier {}: {error}", tier.name);
        let key = tier.read_key()?;
        let limits = Limits::of(tier);
        let client = client()
            .default_headers(key::headers(tier, key.as_ref(), headers).map_err(|error| fail(&error))?)
            .connect_timeout(limits.connect)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| fail(&error))?;
        let url = url(&tier.base_url, path).map_err(|error| fail(&format_args!("base_url: {error}")))?;
        Ok(Self { client, url, key, limits })
    }

    /// Starts the clock of one call.
    pub(super) fn start(&self) -> Running {
        self.limits.start()
    }

    /// Sends a JSON body, with one more header, and waits for the head of a successful answer.
    pub(super) async fn send(
        &self,
        body: Bytes,
        header: Option<(HeaderName, &HeaderValue)>,
        limits: &Running,
    ) -> Result<Response, UpstreamError> {
        let mut call = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some((name, value)) = header {
            call = call.header(name, value);
        }
        let response = limits.first_byte(call.send()).await?.map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        let retry_after = retry_after::read(response.headers(), SystemTime::now());
        Err(UpstreamError::Status { code, body: self.refusal(code, response, limits).await, retry_after })
    }

    /// Calls another place below the address, and reads the whole answer.
    pub(super) async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
        max: usize,
    ) -> Result<Bytes, UpstreamError> {
        let limits = self.start();
        let mut url = self.url.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        if let Some(query) = query {
            url.set_query(Some(&[url.query(), Some(query)].into_iter().flatten().collect::<Vec<_>>().join("&")));
        }
        let call = self.client.request(method, url);
        let call = match body {
            Some(Content::Json(body)) => call.header(CONTENT_TYPE, "application/json").body(body),
            Some(Content::Form(form)) => call.multipart(form),
            None => call,
        };
        let response = limits.first_byte(call.send()).await?.map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return body::read(response, &limits, max).await;
        }
        let code = response.status().as_u16();
        let retry_after = retry_after::read(response.headers(), SystemTime::now());
        Err(UpstreamError::Status { code, body: self.refusal(code, response, &limits).await, retry_after })
    }

    /// The `error` object of a refusal. One that may quote a key is not kept.
    async fn refusal(&self, code: u16, response: Response, limits: &Running) -> Option<Value> {
        if matches!(code, 401 | 403) {
            return None;
        }
        let text = body::read(response, limits, body::MAX_ERROR_BYTES).await.ok()?;
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if let Some(key) = &self.key {
            text = text.replace(key.expose_secret(), "***");
        }
        let mut body: Value = serde_json::from_str(&text).ok()?;
        body.get_mut("error").map(Value::take).filter(|error| !error.is_null())
    }
}

/// What a call brings.
#[derive(Debug)]
pub(super) enum Content {
    /// JSON.
    Json(Bytes),
    /// A form, with files in it.
    Form(Form),
}

/// The address with the path appended; a query, as Azure's `?api-version=…`, stays at its end.
fn url(base: &str, path: &str) -> Result<reqwest::Url, String> {
    let mut url: reqwest::Url = base.parse().map_err(|error| format!("{error}"))?;
    let joined = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&joined);
    Ok(url)
}

/// Whether an answer says that it is one JSON value, not a stream.
pub(super) fn is_json(response: &Response) -> bool {
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

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn the_path_is_appended_and_a_query_stays() {
        let of = |base| url(base, "/chat/completions").unwrap().to_string();
        assert_eq!(of("http://h/v1/"), "http://h/v1/chat/completions");
        assert_eq!(
            of("https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21"),
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
        );
        assert!(url("not an address", "/x").is_err());
    }
}

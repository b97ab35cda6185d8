//! One attempt at one delivery.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{address, format, sign};
use crate::alert::group::Message;
use crate::client::client;
use crate::config::{AlertsConfig, ReceiverConfig, ReceiverKind};
use crate::upstream::retry_after;

/// How one receiver is called.
#[derive(Debug)]
pub struct Caller {
    name: String,
    kind: ReceiverKind,
    client: Client,
    url: SecretString,
    secrets: Vec<SecretString>,
    token: Option<SecretString>,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Answered with success.
    Delivered(u16),
    /// To be tried again.
    Failed {
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// What went wrong, without secrets.
        error: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
    /// The receiver is gone (410).
    Gone,
}

impl Caller {
    /// Reads the receiver's address and secrets; nothing is sent yet.
    ///
    /// # Errors
    /// When one of them cannot be read, or the address is private and may not be.
    pub fn new(receiver: &ReceiverConfig, config: &AlertsConfig) -> Result<Self, String> {
        let fail = |error: &dyn std::fmt::Display| format!("alerts.receivers.{}: {error}", receiver.name);
        let url = receiver.address()?;
        let parsed: Url = url.expose_secret().parse().map_err(|_| fail(&"the address is none"))?;
        if !receiver.allow_private && address::is_private_literal(&parsed) {
            return Err(fail(&"its address is private: set allow_private = true to allow it"));
        }
        // It follows no redirect, which could lead where the address check does not look.
        let mut client = client().timeout(Duration::from_secs_f64(config.timeout_s));
        if !receiver.allow_private {
            client = client.dns_resolver(address::public_only());
        }
        Ok(Self {
            name: receiver.name.clone(),
            kind: receiver.kind,
            client: client.build().map_err(|error| fail(&error))?,
            url,
            secrets: receiver.secrets()?,
            token: receiver.token()?,
        })
    }

    /// Tells the receiver once. The id is the same for every attempt at a message.
    pub async fn call(&self, id: &str, message: &Message) -> Outcome {
        let failed = |error: String| Outcome::Failed { status: None, error, retry_after: None };
        let token = self.token.as_ref().map(ExposeSecret::expose_secret);
        let body = format::body(self.kind, &self.name, message, token).to_string().into_bytes();
        let headers = match self.headers(id, &body) {
            Ok(headers) => headers,
            Err(error) => return failed(error.to_owned()),
        };
        let mut call = self.client.post(self.url.expose_secret()).headers(headers);
        if let Some(token) = token.filter(|_| self.kind != ReceiverKind::Pagerduty) {
            call = call.bearer_auth(token);
        }
        match call.header(CONTENT_TYPE, "application/json").body(body).send().await {
            Ok(response) => judge(response.status().as_u16(), response.headers()),
            // The address may be a secret.
            Err(error) => failed(innermost(&error.without_url())),
        }
    }

    fn headers(&self, id: &str, body: &[u8]) -> Result<HeaderMap, &'static str> {
        if self.secrets.is_empty() {
            Ok(HeaderMap::new())
        } else {
            sign::headers(&self.secrets, id, Timestamp::now(), body)
        }
    }
}

fn judge(status: u16, headers: &HeaderMap) -> Outcome {
    let failed = |error: &str| Outcome::Failed {
        status: Some(status),
        error: format!("answered with status {status}{error}"),
        retry_after: retry_after(headers, SystemTime::now()),
    };
    match status {
        200..=299 => Outcome::Delivered(status),
        300..=399 => failed(": redirects are not followed"),
        410 => Outcome::Gone,
        _ => failed(""),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "took too long".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_judged_as_the_specification_says() {
        let judged = |status| judge(status, &HeaderMap::new());
        assert_eq!((judged(204), judged(410)), (Outcome::Delivered(204), Outcome::Gone));
        assert!(matches!(judged(301), Outcome::Failed { error, .. } if error.contains("redirects")));
        let asked = HeaderMap::from_iter([("retry-after".parse().unwrap(), "7".parse().unwrap())]);
        let seven = Some(Duration::from_secs(7));
        assert!(matches!(judge(429, &asked), Outcome::Failed { retry_after, .. } if retry_after == seven));
    }
}

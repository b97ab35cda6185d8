//! What can go wrong with an upstream, in kinds that the cascade and the client can act on.

use std::time::Duration;

use serde_json::Value;

/// Why a call gave no usable answer. No variant ever holds a key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or it broke before the answer began.
    #[error("cannot be reached: {0}")]
    Connect(String),
    /// A time limit passed.
    #[error("took too long: {0}")]
    Timeout(Phase),
    /// The upstream answered with an HTTP status that is not a success.
    #[error("answered with status {code}{}{}", told(body.as_ref()), meant(*code, body.as_ref()))]
    Status {
        /// The HTTP status.
        code: u16,
        /// The `error` object that came with it; `None` when there was none, or it may hold a key (401, 403).
        body: Option<Value>,
        /// How long it asks callers to wait.
        retry_after: Option<Duration>,
    },
    /// The upstream is not called for a while, because it kept failing.
    #[error("is left alone for another {} s after repeated failures", retry_after.as_secs_f64().ceil())]
    Resting {
        /// How long that lasts.
        retry_after: Duration,
    },
    /// The upstream answered with success and an error in the body or in the stream.
    #[error("reported an error{}", told(Some(.0)))]
    Reported(Value),
    /// The answer is not what its dialect says.
    #[error("sent a malformed answer: {0}")]
    Malformed(String),
    /// The upstream's dialect has no words for a part of the request; nothing was sent.
    #[error("cannot be asked for {0}")]
    Unfit(String),
    /// The answer ended before it was complete.
    #[error("cut the answer off before its end")]
    Cut,
    /// The answer is larger than any that is taken.
    #[error("sent more than {0} bytes")]
    TooLarge(usize),
}

/// Which time limit passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Phase {
    /// Until the connection stands.
    #[error("no connection in time")]
    Connect,
    /// Until the first byte of the answer.
    #[error("no first byte in time")]
    FirstByte,
    /// Between two pieces of the answer.
    #[error("a pause in the answer")]
    Idle,
    /// From the start of the call to its end.
    #[error("the call's total time")]
    Total,
    /// The whole request's, every attempt included.
    #[error("the request's total time")]
    Request,
}

impl UpstreamError {
    /// An HTTP status with nothing beside it.
    #[must_use]
    pub fn status(code: u16, body: Option<Value>) -> Self {
        Self::Status { code, body, retry_after: None }
    }

    /// Whether the request itself was refused: another upstream of the same kind would refuse it too, and the client
    /// has to see why.
    #[must_use]
    pub fn is_clients_fault(&self) -> bool {
        match self {
            Self::Status { code: 404, body, .. } => is_about_a_field(body.as_ref()),
            Self::Status { code, .. } => matches!(code, 400 | 413 | 422),
            Self::Unfit(_) => true,
            _ => false,
        }
    }

    /// Whether what the configuration says of the upstream was refused: its key, its account, its address or its
    /// model. No request can be better until the operator changes it.
    #[must_use]
    pub fn is_operators_fault(&self) -> bool {
        matches!(self, Self::Status { code: 401..=404, .. }) && !self.is_clients_fault()
    }

    /// Whether the same call may succeed a little later. One that took too long is not worth the same time again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { code: 429, body, .. } => !is_out_of_quota(body.as_ref()),
            Self::Status { code, .. } => matches!(code, 408 | 409 | 425 | 500..=599),
            Self::Connect(_) => true,
            _ => false,
        }
    }

    /// How long the upstream asks callers to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Resting { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether a model may have worked, and be paid for, before the call failed.
    #[must_use]
    pub fn may_cost(&self) -> bool {
        !matches!(
            self,
            Self::Connect(_)
                | Self::Status { .. }
                | Self::Resting { .. }
                | Self::Unfit(_)
                | Self::Timeout(Phase::Connect)
        )
    }
}

/// Whether something that the request names is missing, and not the model, which the router names.
fn is_about_a_field(error: Option<&Value>) -> bool {
    error.and_then(|error| error.get("param")?.as_str()).is_some_and(|param| param != "model")
}

/// A spent account answers like too many requests, but no pause helps.
fn is_out_of_quota(error: Option<&Value>) -> bool {
    let is = |field| error.and_then(|error| error.get(field)?.as_str()) == Some("insufficient_quota");
    is("code") || is("type")
}

/// What a status says of the configuration, for whoever has to change it.
fn meant(code: u16, body: Option<&Value>) -> &'static str {
    match code {
        401 | 403 => " to the key that the router's configuration gives for this tier",
        402 => ": the account of the router's key for this tier has to be paid for",
        404 if !is_about_a_field(body) => ": check base_url and model in the router's configuration of this tier",
        _ => "",
    }
}

/// The upstream's own message, bounded: it ends up in records and in the client's error.
fn told(error: Option<&Value>) -> String {
    let message = match error {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Object(fields)) => fields.get("message").and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    if message.is_empty() { String::new() } else { format!(": {}", message.chars().take(300).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstreams_message_is_told_and_bounded() {
        let status = UpstreamError::status(400, Some(serde_json::json!({"message": "too hot"})));
        assert_eq!(status.to_string(), "answered with status 400: too hot");
        let long = UpstreamError::Reported(Value::String("é".repeat(9_000)));
        assert!(long.to_string().chars().count() < 400);
        assert_eq!(UpstreamError::Reported(Value::Null).to_string(), "reported an error");
    }

    #[test]
    fn only_a_refused_request_is_the_clients_fault() {
        let status = |code| UpstreamError::status(code, None);
        assert!(status(400).is_clients_fault() && status(422).is_clients_fault());
        assert!(!status(401).is_clients_fault() && !status(429).is_clients_fault() && !status(500).is_clients_fault());
        assert!(
            status(401).is_operators_fault() && status(404).is_operators_fault() && !status(404).is_clients_fault()
        );
        assert!(status(429).is_retryable() && !status(400).is_retryable() && !status(403).is_retryable());
        assert!(UpstreamError::Connect("refused".to_owned()).is_retryable());
        assert!(!UpstreamError::Timeout(Phase::Connect).is_retryable());
        let spent = UpstreamError::status(429, Some(serde_json::json!({"code": "insufficient_quota"})));
        assert!(!spent.is_retryable());
        assert!(!status(500).may_cost() && UpstreamError::Cut.may_cost());
    }
}

//! What can go wrong with an upstream, in kinds that the cascade and the client can act on.

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
    #[error("answered with status {code}{}", told(body.as_ref()))]
    Status {
        /// The HTTP status.
        code: u16,
        /// The `error` object that came with it; `None` when there was none, or it may hold a key (401, 403).
        body: Option<Value>,
    },
    /// The upstream answered with success and an error in the body or in the stream.
    #[error("reported an error{}", told(Some(.0)))]
    Reported(Value),
    /// The answer is not what OpenAI's dialect says.
    #[error("sent a malformed answer: {0}")]
    Malformed(String),
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
    /// Whether the request itself was refused: another upstream of the same kind would refuse it too, and the client
    /// has to see why.
    #[must_use]
    pub fn is_clients_fault(&self) -> bool {
        matches!(self, Self::Status { code: 400 | 404 | 413 | 422, .. })
    }

    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 409 | 425 | 429 | 500..=599),
            Self::Connect(_) | Self::Timeout(_) | Self::Reported(_) | Self::Cut => true,
            Self::Malformed(_) | Self::TooLarge(_) => false,
        }
    }

    /// Whether a model may have worked, and be paid for, before the call failed.
    #[must_use]
    pub fn may_cost(&self) -> bool {
        !matches!(self, Self::Connect(_) | Self::Status { .. } | Self::Timeout(Phase::Connect))
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
        let status = UpstreamError::Status { code: 400, body: Some(serde_json::json!({"message": "too hot"})) };
        assert_eq!(status.to_string(), "answered with status 400: too hot");
        let long = UpstreamError::Reported(Value::String("é".repeat(9_000)));
        assert!(long.to_string().chars().count() < 400);
        assert_eq!(UpstreamError::Reported(Value::Null).to_string(), "reported an error");
    }

    #[test]
    fn only_a_refused_request_is_the_clients_fault() {
        let status = |code| UpstreamError::Status { code, body: None };
        assert!(status(400).is_clients_fault() && status(422).is_clients_fault());
        assert!(!status(401).is_clients_fault() && !status(429).is_clients_fault() && !status(500).is_clients_fault());
        assert!(status(429).is_retryable() && !status(400).is_retryable());
        assert!(!status(500).may_cost() && UpstreamError::Cut.may_cost());
    }
}

//! Errors in OpenAI's shape.

use std::any::Any;
use std::time::Duration;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::headers::DECISION_ID;
use crate::cascade::{Failure, FailureCause};
use crate::chat::InvalidRequest;
use crate::decisions::Cap;
use crate::policy::{PlanError, UnknownModel};
use crate::upstream::UpstreamError;

/// What the client is told when it gets no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    status: StatusCode,
    error: Value,
    decision: Option<String>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error of this status; `kind` is OpenAI's `type`.
    pub(super) fn new(status: StatusCode, kind: &str, message: impl std::fmt::Display) -> Self {
        let error = json!({"message": message.to_string(), "type": kind, "param": null, "code": null});
        Self { status, error, decision: None, retry_after: None }
    }

    /// The request is at fault: 400 unless another status is set.
    pub(super) fn invalid(message: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with_code(mut self, code: &str) -> Self {
        self.error["code"] = code.into();
        self
    }

    pub(super) fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// More requests are under way than may be.
    pub(super) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "server_error",
            "the router has as many requests under way as server.max_concurrent_requests allows; try again shortly",
        )
        .with_code("overloaded")
        .with_retry_after(Some(Duration::from_secs(1)))
    }

    pub(super) fn with_param(mut self, param: Option<String>) -> Self {
        self.error["param"] = param.into();
        self
    }

    /// The body in Anthropic's shape.
    pub(super) fn anthropic(&self) -> Value {
        let kind = match self.status.as_u16() {
            400 | 409 | 415 | 422 => "invalid_request_error",
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 | 405 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            _ => "api_error",
        };
        json!({
            "type": "error",
            "error": {"type": kind, "message": self.error["message"], "code": self.error["code"]},
            "request_id": self.decision,
        })
    }

    /// The `error` object.
    pub(super) fn object(&self) -> &Value {
        &self.error
    }

    /// The upstream's own refusal of the request, with what it leaves out filled in.
    fn passed_on(status: StatusCode, upstream: &Value, message: &dyn std::fmt::Display) -> Self {
        let mut error = Self::invalid(message).with_status(status);
        match upstream {
            Value::Object(fields) => {
                let known = fields.iter().filter(|(_, value)| !value.is_null());
                known.for_each(|(name, value)| error.error[name.as_str()] = value.clone());
            }
            Value::String(text) => error.error["message"] = text.as_str().into(),
            _ => {}
        }
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.error }))).into_response();
        response.extensions_mut().insert(self.clone());
        if let Some(id) = self.decision.and_then(|id| HeaderValue::from_str(&id).ok()) {
            response.headers_mut().insert(DECISION_ID, id);
        }
        if let Some(pause) = self.retry_after {
            // Rounded up: a client that comes too early is refused again.
            response.headers_mut().insert(RETRY_AFTER, (pause.as_secs_f64().ceil() as u64).into());
        }
        response
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(error: InvalidRequest) -> Self {
        Self::invalid(&error).with_param(error.param)
    }
}

impl From<UnknownModel> for ApiError {
    fn from(error: UnknownModel) -> Self {
        Self::invalid(error)
            .with_status(StatusCode::NOT_FOUND)
            .with_code("model_not_found")
            .with_param(Some("model".to_owned()))
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::ContextLength { .. } => {
                Self::invalid(error).with_code("context_length_exceeded").with_param(Some("messages".to_owned()))
            }
            PlanError::Forbidden(_) => {
                Self::new(StatusCode::FORBIDDEN, "permission_error", error).with_code("tier_not_allowed")
            }
            PlanError::Capability(_) => Self::invalid(error).with_code("capability_missing"),
            PlanError::Cost { .. } => Self::invalid(error).with_code("max_cost_exceeded"),
            _ => Self::invalid(error),
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self { decision: Some(failure.id), ..Self::from(&failure.cause) }
    }
}

impl From<&FailureCause> for ApiError {
    fn from(cause: &FailureCause) -> Self {
        let server = |status, code| Self::new(status, "server_error", cause).with_code(code);
        match cause {
            FailureCause::Upstream { error, .. } => from_upstream(error, cause),
            FailureCause::Deadline => server(StatusCode::GATEWAY_TIMEOUT, "request_timeout"),
            FailureCause::Cap(Cap::Cost) => Self::invalid(cause).with_code("max_cost_exceeded"),
            FailureCause::Cap(Cap::Calls) => server(StatusCode::BAD_GATEWAY, "max_calls_exceeded"),
            FailureCause::Log(_) => server(StatusCode::SERVICE_UNAVAILABLE, "decision_log_unavailable"),
            FailureCause::Internal(_) => server(StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }
}

fn from_upstream(error: &UpstreamError, cause: &FailureCause) -> ApiError {
    match error {
        UpstreamError::Status { code, body, .. } if error.is_clients_fault() => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::BAD_REQUEST);
            ApiError::passed_on(status, body.as_ref().unwrap_or(&Value::Null), cause)
        }
        UpstreamError::Unfit(_) => ApiError::invalid(cause).with_code("not_carried_over"),
        UpstreamError::Status { code: 503 | 529, retry_after, .. } => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", cause)
                .with_code("upstream_overloaded")
                .with_retry_after(*retry_after)
        }
        UpstreamError::Status { code: 429, retry_after, .. } => {
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", cause)
                .with_code("rate_limit_exceeded")
                .with_retry_after(*retry_after)
        }
        UpstreamError::Resting { retry_after } => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", cause)
            .with_code("upstream_unavailable")
            .with_retry_after(Some(*retry_after)),
        _ if error.is_operators_fault() => {
            ApiError::new(StatusCode::BAD_GATEWAY, "server_error", cause).with_code("upstream_misconfigured")
        }
        UpstreamError::Timeout(_) => {
            ApiError::new(StatusCode::GATEWAY_TIMEOUT, "server_error", cause).with_code("upstream_timeout")
        }
        _ => ApiError::new(StatusCode::BAD_GATEWAY, "server_error", cause).with_code("upstream_error"),
    }
}

/// For a path that does not exist.
pub(super) async fn no_such_path(method: Method, uri: Uri) -> ApiError {
    ApiError::invalid(format!("unknown request URL: {method} {}", uri.path()))
        .with_status(StatusCode::NOT_FOUND)
        .with_code("unknown_url")
}

/// For a path that exists with another method.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::invalid(format!("{method} is not allowed on {}", uri.path()))
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_code("method_not_allowed")
}

/// For a handler that panicked. What it said goes to the log, not to the client.
pub(super) fn after_panic(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("of unknown kind"), "a request handler panicked");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the router failed; its log says why")
        .with_code("internal_error")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Phase;

    fn error(error: UpstreamError) -> ApiError {
        ApiError::from(&FailureCause::Upstream { tier: "large".to_owned(), error })
    }

    #[test]
    fn the_upstreams_refusal_of_the_request_is_passed_on() {
        let body = Some(json!({"message": "too hot", "param": "temperature", "code": null, "vendor": 1}));
        let passed = error(UpstreamError::status(422, body));
        assert_eq!(passed.status, 422);
        let expected = json!({"message": "too hot", "type": "invalid_request_error", "param": "temperature", "code": null, "vendor": 1});
        assert_eq!(passed.error, expected);
        let bare = error(UpstreamError::status(400, None));
        assert_eq!(bare.error["message"], "the tier `large` answered with status 400");
    }

    #[test]
    fn other_failures_are_the_gateways() {
        let of = |e| {
            let error = error(e);
            (error.status.as_u16(), error.error["code"].as_str().unwrap().to_owned())
        };
        assert_eq!(of(UpstreamError::Timeout(Phase::Idle)), (504, "upstream_timeout".to_owned()));
        assert_eq!(of(UpstreamError::Cut), (502, "upstream_error".to_owned()));
        assert_eq!(of(UpstreamError::status(401, None)), (502, "upstream_misconfigured".to_owned()));
        assert_eq!(of(UpstreamError::status(404, None)), (502, "upstream_misconfigured".to_owned()));
        let resting = UpstreamError::Resting { retry_after: Duration::from_millis(1_200) };
        assert_eq!(of(resting.clone()), (503, "upstream_unavailable".to_owned()));
        assert_eq!(error(resting).into_response().headers()[RETRY_AFTER], "2");
        assert_eq!(of(UpstreamError::status(429, None)), (429, "rate_limit_exceeded".to_owned()));
    }

    #[test]
    fn a_panic_is_told_to_the_log_alone() {
        assert_eq!(after_panic(Box::new("secret")).status(), 500);
    }
}

//! Reads a request's body, bounded.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;

use super::error::ApiError;

/// The whole body of a request that brings JSON.
///
/// # Errors
/// 415 for another content type than JSON (none at all is taken as JSON), 413 for a body over `max` bytes, 400 for one
/// that breaks off.
pub(super) async fn read(request: Request<Body>, max: usize) -> Result<Bytes, ApiError> {
    if !may_be_json(request.headers()) {
        return Err(ApiError::invalid("send the request as JSON, with `content-type: application/json`")
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with_code("unsupported_media_type"));
    }
    to_bytes(request.into_body(), max).await.map_err(|error| {
        let cause = std::error::Error::source(&error);
        if cause.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
            ApiError::invalid(format!(
                "the request body is larger than the {max} bytes that server.max_body_bytes allows"
            ))
            .with_status(StatusCode::PAYLOAD_TOO_LARGE)
            .with_code("request_too_large")
        } else {
            ApiError::invalid("the request body broke off before its end")
        }
    })
}

fn may_be_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_by_any_of_its_names() {
        let named = |kind: &str| may_be_json(&HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]));
        assert!(may_be_json(&HeaderMap::new()));
        assert!(named("application/json") && named("Application/JSON; charset=utf-8") && named("application/x+json"));
        assert!(!named("text/plain") && !named("application/x-www-form-urlencoded") && !named(""));
    }
}

//! `POST /v1/messages`: Anthropic's dialect, and `/v1/messages/count_tokens`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::chat::{Arrival, serve};
use super::error::ApiError;
use super::state::App;
use crate::chat::{ChatRequest, InvalidRequest};
use crate::dialect::anthropic;
use crate::policy::Tokens;

/// Routes, calls, checks and answers.
pub(super) async fn messages(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, ApiError> {
    let arrival = Arrival::read(&app, request).await?;
    let chat = read(&arrival.body, &arrival.head)?;
    serve(&app, arrival, chat).await
}

/// About how many tokens a conversation takes: the router has no model's tokenizer.
pub(super) async fn count_tokens(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Json<Value>, ApiError> {
    let arrival = Arrival::read(&app, request).await?;
    let mut fields: Map<String, Value> = serde_json::from_slice(&arrival.body)
        .map_err(|error| ApiError::invalid(format!("not a JSON object: {error}")))?;
    // It is not asked for here, and counts for nothing.
    fields.insert("max_tokens".to_owned(), 1.into());
    let body = serde_json::to_vec(&fields).unwrap_or_default().into();
    let request = read(&body, &arrival.head)?.without("max_tokens");
    Ok(Json(json!({"input_tokens": Tokens::estimate(&request).expected.input_tokens})))
}

fn read(body: &Bytes, head: &HeaderMap) -> Result<ChatRequest, InvalidRequest> {
    Ok(anthropic::read(body)?.with_beta(head.get("anthropic-beta")))
}

/// Errors of these paths in their dialect's shape, wherever they come from.
pub(super) async fn in_its_shape(request: Request<Body>, next: Next) -> Response {
    let is_ours = request.uri().path().starts_with("/v1/messages");
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>().filter(|_| is_ours) else { return response };
    let body = Json(error.anthropic()).into_response();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, body.into_body())
}

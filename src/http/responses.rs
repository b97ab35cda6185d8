//! `POST /v1/responses`: OpenAI's Responses.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;

use super::chat::{Arrival, serve};
use super::error::ApiError;
use super::state::App;
use crate::dialect::responses;

/// Routes, calls, checks and answers.
pub(super) async fn responses(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, ApiError> {
    let arrival = Arrival::read(&app, request).await?;
    let chat = responses::read(&arrival.body)?;
    serve(&app, arrival, chat).await
}

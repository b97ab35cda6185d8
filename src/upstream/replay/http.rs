//! The recording behind an OpenAI-compatible endpoint: a tier's name is a model.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tower_http::set_header::SetResponseHeaderLayer;

use super::{Replay, Tape, paced, pause};
use crate::chat::{ChatRequest, InvalidRequest};

/// Larger request bodies are refused.
const MAX_BODY: usize = 32 << 20;

#[derive(Debug, Clone)]
struct Replayed {
    tape: Arc<Tape>,
    pace: f64,
}

/// Serves `/v1/models`, `/v1/chat/completions` and `/healthz`; every answer has `x-rungs-replay: true`. Calls take
/// `pace` times as long as the recorded ones.
pub fn router(tape: Arc<Tape>, pace: f64) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "replaying" }))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(complete))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-rungs-replay"),
            HeaderValue::from_static("true"),
        ))
        .with_state(Replayed { tape, pace })
}

async fn models(State(replayed): State<Replayed>) -> Json<Value> {
    let model = |tier| json!({"id": tier, "object": "model", "created": 0, "owned_by": "rungs-replay"});
    Json(json!({"object": "list", "data": replayed.tape.tiers().map(model).collect::<Vec<_>>()}))
}

async fn complete(State(replayed): State<Replayed>, body: Bytes) -> Response {
    let request = match ChatRequest::parse(&body) {
        Ok(request) => request,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &invalid(&error)),
    };
    let replay = Replay::new(replayed.tape, request.model()).paced(replayed.pace);
    let reply = match replay.reply(&request) {
        Ok(reply) => reply,
        Err(error) => return refusal(StatusCode::NOT_FOUND, &error.to_object()),
    };
    if !request.stream() {
        pause(replay.share_of(reply.latency(), 1)).await;
        return Json(reply.completion()).into_response();
    }
    let usage = request.get::<Value>("stream_options").is_some_and(|options| options["include_usage"] == true);
    let chunks = reply.chunks(usage);
    let rest = replay.share_of(reply.latency(), chunks.len());
    let events = paced(chunks, rest).map(|chunk| chunk.to_string()).chain(stream::iter(["[DONE]".to_owned()]));
    Sse::new(events.map(|data| Ok::<_, Infallible>(Event::default().data(data)))).into_response()
}

fn invalid(error: &InvalidRequest) -> Value {
    json!({"message": error.message, "type": "invalid_request_error", "param": error.param, "code": null})
}

fn refusal(status: StatusCode, error: &Value) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}

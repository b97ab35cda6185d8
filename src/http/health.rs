//! `GET /healthz` and `GET /readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::state::App;
use crate::decisions::DecisionFilter;

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Requests can be served: there is a tier, an artifact, and a log that can be read. 503 where one is missing.
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let log = app.store.list(&DecisionFilter { limit: 1, ..DecisionFilter::default() }).await;
    let is_ready = log.is_ok() && !app.tiers.is_empty();
    let state = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "tiers": app.tiers.len(),
        "model_version": app.scoring.version(),
        "log": log.err().map_or_else(|| "ok".to_owned(), |error| error.to_string()),
    });
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(state))
}

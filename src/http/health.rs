//! `GET /healthz` and `GET /readyz`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::state::App;
use crate::decisions::{DecisionFilter, LogState, StoreError};

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// How long a database may take to answer before it counts as down.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests can be served: there is a tier, an artifact, and a log that can be read or takes records all the same. 503 where
/// one is missing.
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let newest = DecisionFilter { limit: 1, without_content: true, ..DecisionFilter::default() };
    let log = timeout(PATIENCE, app.store.list(&newest)).await;
    let log = log.unwrap_or_else(|_| Err(StoreError("the database does not answer".to_owned())));
    let LogState { pending, lost, takes_records, .. } = app.store.state();
    let is_ready = (log.is_ok() || takes_records) && !app.tiers.is_empty();
    let state = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "tiers": app.tiers.len(),
        "model_version": app.scoring.version(),
        "decisions_pending": pending,
        "decisions_lost": lost,
        "log": log.err().map_or_else(|| "ok".to_owned(), |error| error.to_string()),
    });
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(state))
}

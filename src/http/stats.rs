//! `GET /v1/stats`: how routes, tiers and checks do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::state::App;

/// Everything since the start of this process, without paging.
pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({"checks": app.engine.checks()}))
}

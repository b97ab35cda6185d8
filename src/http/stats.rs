//! `GET /v1/stats`: how routes, tiers, cascades, checks and the log do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::state::App;
use crate::cascade::{CheckState, Figures};
use crate::decisions::LogState;

/// All of it, without paging.
#[derive(Debug, Serialize)]
pub(super) struct Stats {
    #[serde(flatten)]
    figures: Figures,
    checks: Vec<CheckState>,
    log: LogState,
}

/// What was counted since the start of this process, and the last thousand requests before it.
pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    Json(Stats { figures: app.engine.figures(), checks: app.engine.checks(), log: app.store.state() })
}

//! `GET /v1/stats`: how routes, tiers, cascades, checks, the log and the monitors do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::state::App;
use crate::cascade::{CheckState, Figures};
use crate::config::Consequence;
use crate::decisions::LogState;
use crate::drift::Alarm;
use crate::drift::state::status;
use crate::drift::status::Status;
use crate::judge;
use crate::policy::Standing;

/// All of it, without paging.
#[derive(Debug, Serialize)]
pub(super) struct Stats {
    #[serde(flatten)]
    figures: Figures,
    checks: Vec<CheckState>,
    log: LogState,
    drift: Drift,
    /// What judges say of the answers of the last seven days; a minute old at most. `None` where it cannot be told.
    judge: Option<Arc<judge::Figures>>,
}

/// What the monitors do, and what their alarms mean for `auto`.
#[derive(Debug, Serialize)]
struct Drift {
    /// How the certificate stands; `None` where the artifact has none.
    certificate: Option<Standing>,
    alarms: Vec<Alarm>,
    /// What is done about them: `propose_retrain`, `raise_operating_point` or `frontier`; `None` while none stands.
    consequence: Option<Consequence>,
    monitors: Vec<Status>,
}

/// What was counted since the start of this process, and the last thousand requests before it; quality by what was judged.
pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    let (drift, judge) = (drift(&app).await, app.quality.figures(app.store.database()).await);
    let (checks, log) = (app.engine.checks(), app.store.state());
    Json(Stats { figures: app.engine.figures(), checks, log, drift, judge })
}

async fn drift(app: &App) -> Drift {
    let alarms = app.alarms.about(app.scoring.version());
    let consequence = alarms.iter().any(|alarm| alarm.stands).then_some(app.config.drift.consequence);
    let monitors = match app.store.database() {
        // A database that cannot be read is told of in `log`.
        Some(database) => status(&database).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Drift { certificate: app.certificate(app.config.policy.threshold), alarms, consequence, monitors }
}

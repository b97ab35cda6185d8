//! `GET /v1/decisions` and `/v1/decisions/{id}`: the log.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::state::App;
use crate::decisions::{DecisionFilter, DecisionRecord, Feedback, Outcome, Page, StoreError};
use crate::judge::{Verdict, verdicts};

/// Filters of the list; unknown ones are refused, so that a misspelt one does not show everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    limit: Option<u32>,
    before: Option<String>,
    route: Option<String>,
    tier: Option<String>,
    tenant: Option<String>,
    task: Option<String>,
    key: Option<String>,
    outcome: Option<Outcome>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// A page of records, newest first; `next` is the `before` of the next one.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(filters) = filters.map_err(|rejection| ApiError::invalid(rejection.body_text()))?;
    let limit = filters.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::invalid(format!("`limit` must be between 1 and {MAX_LIMIT}"))
            .with_param(Some("limit".to_owned())));
    }
    let filter = DecisionFilter {
        limit,
        before: filters.before,
        route: filters.route,
        tier: filters.tier,
        tenant: filters.tenant,
        task: filters.task,
        key: filters.key,
        outcome: filters.outcome,
        since: filters.since,
        until: filters.until,
        without_receipt: false,
        without_content: false,
    };
    app.store.list(&filter).await.map(Json).map_err(unreadable)
}

/// A record, and what was said of its answer later.
#[derive(Debug, Serialize)]
pub(super) struct Decision {
    #[serde(flatten)]
    record: DecisionRecord,
    feedback: Vec<Feedback>,
    /// What judges, checks and people said of its answers, oldest first.
    verdicts: Vec<Verdict>,
}

/// One record.
pub(super) async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Decision>, ApiError> {
    let record = find(&app, &id).await?;
    // A record that waits for the database may be read while what was said of it cannot.
    let feedback = app.store.feedback(&[&id]).await.unwrap_or_default();
    let verdicts = match app.store.database() {
        Some(database) => verdicts::about(&database, &id).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(Json(Decision { record, feedback, verdicts }))
}

pub(super) async fn find(app: &App, id: &str) -> Result<DecisionRecord, ApiError> {
    app.store.get(id).await.map_err(unreadable)?.ok_or_else(|| unknown(id))
}

pub(super) fn unknown(id: &str) -> ApiError {
    ApiError::invalid(format!("there is no decision `{id}`"))
        .with_status(StatusCode::NOT_FOUND)
        .with_code("decision_not_found")
}

pub(super) fn unreadable(error: StoreError) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", error).with_code("decision_log_unavailable")
}

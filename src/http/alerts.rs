//! `GET /v1/alerts`, `/v1/alerts/{id}` and `POST /admin/alerts/{id}/ack`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};

use super::body;
use super::decisions::unreadable;
use super::error::ApiError;
use super::state::App;
use crate::alert::table::{self, AlertFilter};
use crate::alert::{Alert, Signal, outbox};
use crate::database::Database;
use crate::decisions::StoreError;

/// Filters of the list; unknown ones are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    limit: Option<u32>,
    before: Option<String>,
    status: Option<String>,
}

/// A page of alerts, newest first; `next` is the `before` of the next one.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    alerts: Vec<Shown>,
    next: Option<String>,
}

/// An alert as receivers are told of it, and what is known of it beside that.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    #[serde(flatten)]
    alert: Alert,
}

/// What may be said with an acknowledgement.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(default)]
    comment: Option<String>,
}

const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1000;

/// A larger body is refused: a comment is a sentence or a page.
const MAX_BODY: usize = 64 << 10;

/// Alerts, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(Filters { limit, before, status }) =
        filters.map_err(|rejection| ApiError::invalid(rejection.body_text()))?;
    let limit = limit.unwrap_or(USUAL_LIMIT);
    let wrong = |field: &str, message: String| ApiError::invalid(message).with_param(Some(field.to_owned()));
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(wrong("limit", format!("`limit` must be between 1 and {MAX_LIMIT}")));
    }
    if status.as_deref().is_some_and(|status| !["pending", "firing", "resolved"].contains(&status)) {
        return Err(wrong("status", "`status` must be pending, firing or resolved".to_owned()));
    }
    let found = table::list(&database(&app)?, &AlertFilter { limit, before, status }).await;
    let (alerts, next) = found.map_err(unreadable)?;
    Ok(Json(Page { alerts: alerts.into_iter().map(Shown::of).collect(), next }))
}

/// One alert.
pub(super) async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, ApiError> {
    find(&database(&app)?, &id).await.map(|alert| Json(Shown::of(alert)))
}

/// Somebody has seen to an alert: the leader takes it in within a second.
pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    head: HeaderMap,
    request: Request<Body>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    app.keys.must_be_admin(&head)?;
    let body = body::read(request, MAX_BODY).await?;
    let given = if body.is_empty() { Ok(Given::default()) } else { serde_json::from_slice(&body) };
    let Given { comment } =
        given.map_err(|error| ApiError::invalid(format!("send {{\"comment\"?}} or nothing: {error}")))?;
    let database = database(&app)?;
    let alert = find(&database, &id).await?;
    let signal = outbox::insert(&Signal::Acknowledge { alert: id, comment }).map_err(unreadable)?;
    database.execute(signal).await.map_err(unreadable)?;
    Ok((StatusCode::ACCEPTED, Json(Shown::of(alert))))
}

impl Shown {
    fn of(alert: Alert) -> Self {
        Self { labels: alert.event.labels(), annotations: alert.event.annotations(), alert }
    }
}

fn database(app: &App) -> Result<Database, ApiError> {
    app.store.database().ok_or_else(|| unreadable(StoreError("it has no database".to_owned())))
}

async fn find(database: &Database, id: &str) -> Result<Alert, ApiError> {
    let unknown = || {
        ApiError::invalid(format!("there is no alert `{id}`"))
            .with_status(StatusCode::NOT_FOUND)
            .with_code("alert_not_found")
    };
    table::get(database, id).await.map_err(unreadable)?.ok_or_else(unknown)
}

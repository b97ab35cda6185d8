//! `POST /v1/feedback`: how good an answer was.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::auth::Caller;
use super::body;
use super::decisions::{find, unknown, unreadable};
use super::error::ApiError;
use super::state::App;
use crate::decisions::Feedback;
use crate::judge::{Verdict, verdicts};

/// A larger body is refused: a comment is a sentence or a page.
const MAX_BODY: usize = 64 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    decision_id: String,
    score: f64,
    #[serde(default)]
    comment: Option<String>,
}

/// Stores a judgement beside the record that it speaks of, which stays as it is; several may be given. A client whose
/// key names a tenant finds the decisions of that tenant only.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<(StatusCode, Json<Feedback>), ApiError> {
    let tenant = request.extensions().get::<Caller>().and_then(|caller| caller.0.key.tenant.clone());
    let body = body::read(request, MAX_BODY).await?;
    let Given { decision_id, score, comment } = serde_json::from_slice(&body).map_err(|error| {
        ApiError::invalid(format!("send {{\"decision_id\", \"score\": 0..1, \"comment\"?}}: {error}"))
    })?;
    if !(0.0..=1.0).contains(&score) {
        return Err(ApiError::invalid("`score` must be between 0 and 1").with_param(Some("score".to_owned())));
    }
    let record = find(&app, &decision_id).await?;
    if tenant.is_some() && record.tenant != tenant {
        return Err(unknown(&decision_id));
    }
    let feedback = Feedback { id: Uuid::now_v7().to_string(), decision_id, at: Timestamp::now(), score, comment };
    app.store.add_feedback(&feedback).await.map_err(unreadable)?;
    if let Some(database) = app.store.database() {
        verdicts::add(&database, &Verdict::of_feedback(&record, &feedback)).await.map_err(unreadable)?;
    }
    Ok((StatusCode::CREATED, Json(feedback)))
}

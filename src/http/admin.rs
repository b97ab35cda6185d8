//! `/admin/retrain` and `/admin/models`: for the operator alone.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;

use super::current::Current;
use super::error::ApiError;
use super::state::App;
use crate::registry::follow::{FollowError, apply, ready};
use crate::registry::{Registry, RegistryError};

/// Begins a retraining; how it ends is told by the log and by an alert.
pub(super) async fn retrain(
    Extension(current): Extension<Current>,
    head: HeaderMap,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    current.app().keys.must_be_admin(&head)?;
    match current.retrain() {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(json!({"retrain": "started"})))),
        Err(TrySendError::Full(())) => Err(refused(StatusCode::CONFLICT, "a retraining is under way", "retraining")),
        Err(TrySendError::Closed(())) => {
            let message = "this router cannot retrain: it is a serve-only build, or it is ending";
            Err(refused(StatusCode::NOT_IMPLEMENTED, message, "cannot_retrain"))
        }
    }
}

/// The registry.
pub(super) async fn models(Extension(current): Extension<Current>, head: HeaderMap) -> Result<Json<Value>, ApiError> {
    let app = current.app();
    app.keys.must_be_admin(&head)?;
    let models = registry(&app)?.list().await.map_err(|error| ApiError::from(RegistryError::from(error)))?;
    Ok(Json(json!({"serving": current.version(), "canary": current.trial(), "models": models})))
}

/// Makes a model the champion.
pub(super) async fn promote(
    Extension(current): Extension<Current>,
    Path(version): Path<String>,
    head: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let app = current.app();
    app.keys.must_be_admin(&head)?;
    let registry = registry(&app)?;
    if let Some(artifact) = app.scoring.artifact() {
        registry.adopt(artifact).await?;
    }
    // One that this router could not serve by is not promoted.
    ready(&registry, &current, &version).await?;
    registry.promote(&version, "operator", "asked for in /admin/models").await?;
    in_force(&registry, &current).await
}

/// Makes the champion before this one the champion again.
pub(super) async fn rollback(Extension(current): Extension<Current>, head: HeaderMap) -> Result<Json<Value>, ApiError> {
    let app = current.app();
    app.keys.must_be_admin(&head)?;
    let registry = registry(&app)?;
    registry.rollback("operator", "asked for in /admin/models").await?;
    in_force(&registry, &current).await
}

/// The router that was asked serves by the new champion before it answers; others follow within seconds.
async fn in_force(registry: &Registry, current: &Current) -> Result<Json<Value>, ApiError> {
    apply(registry, current).await?;
    Ok(Json(json!({"serving": current.version()})))
}

fn registry(app: &Arc<App>) -> Result<Registry, ApiError> {
    let database = app.store.database();
    let database = database.ok_or_else(|| {
        refused(StatusCode::SERVICE_UNAVAILABLE, "the decision log has no database", "registry_unavailable")
    })?;
    Ok(Registry::open(database, &app.config.data_dir()))
}

fn refused(status: StatusCode, message: &str, code: &str) -> ApiError {
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    ApiError::new(status, kind, message).with_code(code)
}

impl From<FollowError> for ApiError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Registry(error) => error.into(),
            error => refused(StatusCode::CONFLICT, &format!("{error}; what served goes on here"), "model_refused"),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let (status, code) = match &error {
            RegistryError::Unknown(_) => (StatusCode::NOT_FOUND, "model_not_found"),
            RegistryError::Gone(_) => (StatusCode::GONE, "model_gone"),
            RegistryError::Champion(_) => (StatusCode::CONFLICT, "already_champion"),
            RegistryError::First(_) | RegistryError::Empty => (StatusCode::CONFLICT, "nothing_before"),
            RegistryError::Artifact(_) => (StatusCode::CONFLICT, "model_refused"),
            RegistryError::Store(_) | RegistryError::File { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "registry_unavailable")
            }
        };
        refused(status, &error.to_string(), code)
    }
}

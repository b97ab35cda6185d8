//! `GET /v1/models`: every name that may be sent as `model`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::ApiError;
use super::state::App;
use crate::policy::{Target, UnknownModel};

/// The automatic names, the tiers and the aliases, in OpenAI's list shape.
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let data: Vec<Value> = names(&app).iter().map(|id| model(&app, id)).collect();
    Json(json!({"object": "list", "data": data}))
}

/// One of them.
pub(super) async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let known = names(&app);
    if known.contains(&id) { Ok(Json(model(&app, &id))) } else { Err(UnknownModel { asked: id, known }.into()) }
}

fn names(app: &App) -> Vec<String> {
    Target::names(&app.config.aliases, app.tier_names())
}

/// A model in OpenAI's shape; a name under which the router chooses also says what it chooses by.
fn model(app: &App, id: &str) -> Value {
    let mut model = json!({"id": id, "object": "model", "created": 0, "owned_by": "rungs"});
    let target = Target::parse(id, app.config.policy.threshold, &app.config.aliases, app.tier_names());
    if let Ok(Target::Auto(threshold)) = target {
        model["routing"] = json!({
            "model_version": app.scoring.version(),
            "signal": app.signal(),
            "threshold": app.scoring.has_signal().then(|| app.resolve(threshold)),
            "certificate": app.certificate(threshold),
        });
    }
    model
}

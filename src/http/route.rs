//! `POST /v1/route`: the decision without the call.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::body;
use super::error::ApiError;
use super::headers::Context;
use super::state::App;
use crate::chat::ChatRequest;

/// Takes what `/v1/chat/completions` takes; nothing is called and nothing is recorded.
pub(super) async fn route(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Json<Value>, ApiError> {
    let caller = request.extensions().get::<Caller>().cloned();
    let headers = request.headers().clone();
    let body = body::read(request, app.config.server.max_body_bytes).await?;
    let request = Arc::new(ChatRequest::parse(&body)?);
    let context = Context::read(&headers, &request).of(caller.as_ref())?.in_conversation(&headers, &request);
    let decision = app.decide(&request, body.len(), &context, &Uuid::now_v7().to_string()).await?;
    let tier = decision.plan.rungs.first().and_then(|name| app.tier(name));
    Ok(Json(json!({
        "tier": tier.map(|tier| &tier.name),
        "model": tier.map(|tier| &tier.model),
        "score": decision.score,
        "p": decision.p,
        "threshold": decision.threshold,
        "signal": app.signal(),
        "certificate": app.certificate_of(&decision, &context),
        "plan": decision.plan,
        "model_version": app.scoring.version(),
        "novelty": decision.novelty,
    })))
}

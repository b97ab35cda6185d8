//! The HTTP endpoints: one file each, over the shared [`App`].
//!
//! An endpoint reads a dialect, lets `App::decide` plan, hands the job to the engine and writes the answer in the
//! same dialect. Everything that is not about a dialect lives beside them.

mod admin;
mod admit;
mod alerts;
mod auth;
mod body;
mod chance;
mod chat;
mod conversation;
mod current;
mod decide;
mod decisions;
mod error;
mod feedback;
mod headers;
mod health;
mod load;
mod losses;
mod messages;
mod metrics;
mod models;
pub mod openapi;
mod rates;
mod responses;
mod route;
mod state;
mod stats;
mod verdicts;
mod voice;

pub(crate) use headers::without_ours;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use current::{Current, Reload, Retraining};
pub use error::ApiError;
pub use state::{App, Trial};

/// All endpoints. A path or method that does not exist, and a panic, are answered in the error shape of the
/// path's dialect too.
pub fn router(app: Arc<App>) -> Router {
    let limited = from_fn_with_state(Arc::clone(&app.places), load::shed);
    let clients = Router::new()
        .route("/v1/chat/completions", post(chat::completions).layer(limited.clone()))
        .route("/v1/responses", post(responses::responses).layer(limited.clone()))
        .route("/v1/messages", post(messages::messages).layer(limited))
        .route("/v1/messages/count_tokens", post(messages::count_tokens))
        .route("/v1/route", post(route::route))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/feedback", post(feedback::add))
        .layer(from_fn_with_state(Arc::clone(&app), auth::client));
    let operators = Router::new()
        .route("/v1/decisions", get(decisions::list))
        .route("/v1/decisions/{id}", get(decisions::one))
        .route("/v1/stats", get(stats::stats))
        .route("/v1/alerts", get(alerts::list))
        .route("/v1/alerts/{id}", get(alerts::one))
        .layer(from_fn_with_state(Arc::clone(&app), auth::admin));
    Router::new()
        .merge(clients)
        .merge(operators)
        .route("/admin/alerts/{id}/ack", post(alerts::acknowledge))
        .route("/openapi.json", get(openapi::openapi))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(CatchPanicLayer::custom(error::after_panic))
        .layer(from_fn(messages::in_its_shape))
        .with_state(app)
}

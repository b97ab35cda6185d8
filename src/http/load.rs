//! Sheds load: requests beyond those that may be under way at once are refused at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use super::error::ApiError;
use crate::config::Config;

/// The places for requests under way.
pub(super) fn places(config: &Config) -> Arc<Semaphore> {
    let places = config.server.max_concurrent_requests.clamp(1, Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(places))
}

/// Takes a place and keeps it until the last byte of the answer has gone, or the client has.
pub(super) async fn shed(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(place) = places.try_acquire_owned() else { return ApiError::overloaded().into_response() };
    next.run(request).await.map(|body| {
        Body::new(body.map_frame(move |frame| {
            // Dropped with the body.
            let _ = &place;
            frame
        }))
    })
}

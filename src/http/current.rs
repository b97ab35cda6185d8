//! The router in force, which a new configuration replaces while requests are under way.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::error::{self, ApiError};
use super::state::App;

/// Asks for the configuration to be read again; told its fingerprint, or why it is refused.
pub type Reload = oneshot::Sender<Result<String, String>>;

/// Serves by the newest [`App`]; a request stays with the one that it began with.
#[derive(Debug, Clone)]
pub struct Current {
    serving: Arc<RwLock<Serving>>,
    /// Waits for the records of those that were replaced.
    retired: TaskTracker,
    reloads: mpsc::Sender<Reload>,
}

#[derive(Debug, Clone)]
struct Serving {
    app: Arc<App>,
    router: Router,
}

impl Current {
    /// Serves by this one. What is asked for in `POST /admin/reload` comes out of the channel.
    #[must_use]
    pub fn new(app: Arc<App>) -> (Self, mpsc::Receiver<Reload>) {
        let (reloads, asked) = mpsc::channel(1);
        let serving = Arc::new(RwLock::new(Serving::by(app)));
        (Self { serving, retired: TaskTracker::new(), reloads }, asked)
    }

    /// The one in force.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        self.serving().app
    }

    /// All endpoints, by whichever is in force when a request comes.
    pub fn router(&self) -> Router {
        let (current, reloaded) = (self.clone(), self.clone());
        Router::new()
            .route("/admin/reload", post(move |head: HeaderMap| async move { reloaded.reload(&head).await }))
            .method_not_allowed_fallback(error::wrong_method)
            .fallback(move |request: Request| async move { current.answer(request).await })
    }

    /// From here on requests are served by this one.
    pub fn replace(&self, app: Arc<App>) {
        let serving = Serving::by(app);
        // What is there is replaced whole: it is never half written.
        let mut place = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, serving).app;
        self.retired.spawn(async move { old.drained().await });
    }

    /// Waits for the requests under way and their records, of those that were replaced too.
    pub async fn drained(&self) {
        self.app().drained().await;
        self.retired.close();
        self.retired.wait().await;
    }

    /// Has the configuration read again.
    async fn reload(&self, head: &HeaderMap) -> Result<Json<Value>, ApiError> {
        self.app().keys.must_be_admin(head)?;
        let (asked, told) = oneshot::channel();
        let gone = || ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "the router is ending");
        self.reloads.send(asked).await.map_err(|_| gone())?;
        match told.await.map_err(|_| gone())? {
            Ok(fingerprint) => Ok(Json(json!({"config": fingerprint}))),
            Err(message) => Err(ApiError::invalid(message).with_code("configuration_refused")),
        }
    }

    async fn answer(&self, request: Request) -> Response {
        match self.serving().router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn serving(&self) -> Serving {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Serving {
    fn by(app: Arc<App>) -> Self {
        Self { router: super::router(Arc::clone(&app)), app }
    }
}

//! The router in force, which a new configuration replaces while requests are under way.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::state::App;

/// Serves by the newest [`App`]; a request stays with the one that it began with.
#[derive(Debug, Clone)]
pub struct Current {
    serving: Arc<RwLock<Serving>>,
    /// Waits for the records of those that were replaced.
    retired: TaskTracker,
}

#[derive(Debug, Clone)]
struct Serving {
    app: Arc<App>,
    router: Router,
}

impl Current {
    /// Serves by this one.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { serving: Arc::new(RwLock::new(Serving::by(app))), retired: TaskTracker::new() }
    }

    /// The one in force.
    #[must_use]
    pub fn app(&self) -> Arc<App> {
        self.serving().app
    }

    /// All endpoints, by whichever is in force when a request comes.
    pub fn router(&self) -> Router {
        let current = self.clone();
        Router::new().fallback(move |request: Request| async move { current.answer(request).await })
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

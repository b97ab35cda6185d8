//! The router in force, which a new configuration replaces while requests are under way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::admin;
use super::error::{self, ApiError};
use super::state::{App, Trial};
use crate::policy::Scoring;

/// Asks for the configuration to be read again; told its fingerprint, or why it is refused.
pub type Reload = oneshot::Sender<Result<String, String>>;

/// The right to retrain. There is one of a router: whoever holds it keeps others from beginning.
pub type Retraining = OwnedSemaphorePermit;

/// Serves by the newest [`App`]; a request stays with the one that it began with.
#[derive(Clone)]
pub struct Current {
    serving: Arc<RwLock<Serving>>,
    /// Waits for the records of those that were replaced.
    retired: TaskTracker,
    reloads: mpsc::Sender<Reload>,
    /// Where to ask for a retraining; empty where nobody can.
    retrains: Arc<OnceLock<mpsc::Sender<Retraining>>>,
    retraining: Arc<Semaphore>,
    /// Models that served lately, ready to serve again at once.
    ready: Arc<Mutex<VecDeque<Arc<dyn Scoring>>>>,
}

/// Models that are kept ready.
const READY: usize = 3;

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
        let current = Self {
            serving,
            retired: TaskTracker::new(),
            reloads,
            retrains: Arc::default(),
            retraining: Arc::new(Semaphore::new(1)),
            ready: Arc::default(),
        };
        (current, asked)
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
            .route("/admin/retrain", post(admin::retrain))
            .route("/admin/models", get(admin::models))
            .route("/admin/models/{version}/promote", post(admin::promote))
            .route("/admin/models/rollback", post(admin::rollback))
            .layer(Extension(self.clone()))
            .method_not_allowed_fallback(error::wrong_method)
            .fallback(move |request: Request| async move { current.answer(request).await })
    }

    /// From here on requests are served by this one.
    pub fn replace(&self, app: Arc<App>) {
        let serving = Serving::by(app);
        // What is there is replaced whole: it is never half written.
        let mut place = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, serving).app;
        // They were opened by the configuration before.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.retired.spawn(async move {
            old.drained().await;
            old.close_traces().await;
        });
    }

    /// The version of the model in force.
    #[must_use]
    pub fn version(&self) -> String {
        self.app().scoring.version().to_owned()
    }

    /// The version of the model on trial.
    #[must_use]
    pub fn trial(&self) -> Option<String> {
        self.app().trial().map(str::to_owned)
    }

    /// From here on requests are decided by this model; all else stays.
    pub fn score_by(&self, scoring: Arc<dyn Scoring>) {
        self.change(|app| app.scored_by(scoring).with_trial(None));
    }

    /// From here on a share of the requests is decided by this model, or none is.
    pub fn try_out(&self, trial: Option<Trial>) {
        self.change(|app| app.with_trial(trial));
    }

    /// What is asked for in `POST /admin/retrain` comes out of the channel. Only the first call has an effect.
    pub fn retrains(&self) -> mpsc::Receiver<Retraining> {
        let (retrains, asked) = mpsc::channel(1);
        let _ = self.retrains.set(retrains);
        asked
    }

    /// The right to retrain, unless somebody has it.
    #[must_use]
    pub fn retraining(&self) -> Option<Retraining> {
        Arc::clone(&self.retraining).try_acquire_owned().ok()
    }

    /// Asks for a retraining.
    ///
    /// # Errors
    /// Why none begins.
    pub(super) fn retrain(&self) -> Result<(), TrySendError<()>> {
        let asked = self.retrains.get().filter(|asked| !asked.is_closed()).ok_or(TrySendError::Closed(()))?;
        let right = self.retraining().ok_or(TrySendError::Full(()))?;
        asked.try_send(right).map_err(|error| match error {
            TrySendError::Full(_) => TrySendError::Full(()),
            TrySendError::Closed(_) => TrySendError::Closed(()),
        })
    }

    /// A model that is ready to serve.
    pub(crate) fn ready(&self, version: &str) -> Option<Arc<dyn Scoring>> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.iter().find(|scoring| scoring.version() == version).cloned()
    }

    /// Keeps a model ready; the one that was kept longest is let go.
    pub(crate) fn keep_ready(&self, scoring: Arc<dyn Scoring>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push_back(scoring);
        if ready.len() > READY {
            ready.pop_front();
        }
    }

    fn change(&self, change: impl FnOnce(&App) -> App) {
        let mut place = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        *place = Serving::by(Arc::new(change(&place.app)));
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

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("serving", &self.serving()).finish_non_exhaustive()
    }
}

impl Serving {
    fn by(app: Arc<App>) -> Self {
        Self { router: super::router(Arc::clone(&app)), app }
    }
}

//! The two replayed tiers and the router, each on a free port of this machine.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::{Config, TierConfig};
use crate::decisions::{self, DecisionStore};
use crate::difficulty::Scorer;
use crate::http::{self, App};
use crate::standin;
use crate::upstream::{Tier, replay};

/// Tiers that replay the sample; they stop when this is dropped.
pub(super) struct Replayed {
    tiers: Vec<(TierConfig, Server)>,
}

/// A router before the tiers; it stops when this is dropped.
pub(super) struct Routed {
    /// Where its API is, up to `/v1`.
    pub(super) url: String,
    pub(super) store: Arc<dyn DecisionStore>,
    app: Arc<App>,
    _server: Server,
}

/// Starts a server for each tier of the sample.
pub(super) async fn replay(pace: f64) -> anyhow::Result<Replayed> {
    let tape = Arc::new(standin::tape()?);
    let mut tiers = Vec::new();
    for config in standin::configs()? {
        let server = Server::start(replay::router(Arc::clone(&tape), pace)).await?;
        tiers.push((TierConfig { base_url: server.url.clone(), ..config }, server));
    }
    Ok(Replayed { tiers })
}

/// Starts the router as `rungs serve` would with this configuration.
pub(super) async fn route(config: Config, data_dir: &Path) -> anyhow::Result<Routed> {
    let store = decisions::open(&config.log, data_dir).await?;
    let scorer = Arc::new(Scorer::open(&config)?);
    let tiers: Result<Vec<Tier>, String> =
        config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams)).collect();
    let app = App::new(config, tiers.map_err(anyhow::Error::msg)?, scorer, Arc::clone(&store));
    let server = Server::start(http::router(Arc::clone(&app))).await?;
    Ok(Routed { url: server.url.clone(), store, app, _server: server })
}

impl Replayed {
    /// The tiers as a configuration names them, cheap to frontier.
    pub(super) fn configs(&self) -> Vec<TierConfig> {
        self.tiers.iter().map(|(config, _)| config.clone()).collect()
    }
}

impl Routed {
    /// Waits for what is under way and closes the log.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.app.drained().await;
        Ok(self.store.close().await?)
    }
}

struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        // Without it a small piece of a stream waits for the one before to be acknowledged.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a server of the demo stopped");
            }
        });
        Ok(Self { url, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

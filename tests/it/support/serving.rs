//! A router whose model can be exchanged while it serves.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rungs::config::Config;
use rungs::decisions::DecisionStore;
use rungs::difficulty::{Artifact, Scorer};
use rungs::http::{App, Current};
use rungs::registry::Registry;
use rungs::registry::follow::follow;
use rungs::upstream::Tier;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{client, serve};

/// A running router with the registry of its log.
pub(crate) struct Serving {
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) current: Current,
    pub(crate) store: Arc<dyn DecisionStore>,
    pub(crate) registry: Registry,
    _stop: DropGuard,
}

/// The key that may do everything.
pub(crate) const ADMIN: &str = "rk-admin";

/// The settings that make it so; clients need no key.
pub(crate) fn admin() -> String {
    let hash = String::from(rungs::config::KeyHash::of(ADMIN));
    format!("[auth]\nrequired = false\nadmin_key_sha256 = \"{hash}\"\n")
}

/// The artifact that the repository ships.
pub(crate) fn baseline() -> Artifact {
    Artifact::load(Path::new("models/baseline")).unwrap()
}

/// The same with few trees, which is read quickly, and with other probabilities.
pub(crate) fn shifted(by: f64) -> Artifact {
    let mut artifact = baseline();
    artifact.forest.trees.truncate(3);
    artifact.heads[0].linear.intercept += by;
    artifact
}

/// A configuration whose data is in a folder.
pub(crate) fn config(folder: &Path, toml: &str) -> Config {
    let file = folder.join("rungs.toml");
    std::fs::write(&file, format!("data_dir = \"{}\"\n{toml}", folder.display())).unwrap();
    Config::load(Some(&file)).unwrap()
}

impl Serving {
    /// Starts with this artifact as the configuration's.
    pub(crate) async fn start(config: Config, artifact: Artifact) -> Self {
        let store = rungs::decisions::open(&config.log, &config.data_dir()).await.unwrap();
        let tiers = config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams).unwrap()).collect();
        let scorer = Scorer::of(artifact, &config).unwrap();
        let app = App::new(config.clone(), tiers, Arc::new(scorer), Arc::clone(&store));
        let (current, _) = Current::new(app);
        let registry = Registry::open(store.database().unwrap(), &config.data_dir());
        let stop = CancellationToken::new();
        tokio::spawn(follow(registry.clone(), current.clone(), stop.clone()));
        let url = serve(current.router()).await;
        Self { url, config, current, store, registry, _stop: stop.drop_guard() }
    }

    /// Posts to an admin endpoint.
    pub(crate) async fn admin(&self, path: &str) -> (u16, Value) {
        let response = client().post(format!("{}{path}", self.url)).bearer_auth(ADMIN).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Waits until this model serves.
    pub(crate) async fn serves(&self, version: &str) {
        let start = Instant::now();
        while self.current.version() != version {
            assert!(start.elapsed() < Duration::from_secs(30), "{} serves, not {version}", self.current.version());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

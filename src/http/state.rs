//! What all endpoints share.

use std::sync::Arc;

use super::auth::Keys;
use crate::cascade::Engine;
use crate::config::{Config, TierConfig};
use crate::decisions::{DecisionStore, StoreError};
use crate::policy::Scoring;
use crate::upstream::Tier;

/// A running router: its configuration, its tiers, its artifact and its log.
pub struct App {
    pub(super) config: Config,
    pub(super) fingerprint: String,
    /// The tiers in force, cheap → frontier: the configured ones, or the stand-ins.
    pub(super) tiers: Vec<TierConfig>,
    pub(super) engine: Arc<Engine>,
    pub(super) scoring: Arc<dyn Scoring>,
    pub(super) store: Arc<dyn DecisionStore>,
    pub(super) keys: Keys,
}

impl App {
    /// Puts a router together. `tiers` go cheap → frontier and are at least one.
    pub fn new(
        config: Config,
        tiers: Vec<Tier>,
        scoring: Arc<dyn Scoring>,
        store: Arc<dyn DecisionStore>,
    ) -> Arc<Self> {
        let configs = tiers.iter().map(|tier| tier.config.clone()).collect();
        let engine = Engine::new(tiers, &config, scoring.embedder(), Arc::clone(&store));
        Arc::new(Self {
            fingerprint: config.fingerprint(),
            keys: Keys::new(&config.auth, config.auth.is_required(config.server.bind.ip())),
            config,
            tiers: configs,
            engine: Arc::new(engine),
            scoring,
            store,
        })
    }

    /// Counts what the log tells of earlier requests, before the first one.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn recall(&self) -> Result<(), StoreError> {
        self.engine.recall().await
    }

    /// Waits for the requests under way and their records.
    pub async fn drained(&self) {
        self.engine.drained().await;
    }

    /// The configuration that it was put together from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tier_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.tiers.iter().map(|tier| tier.name.as_str())
    }

    pub(super) fn tier(&self, name: &str) -> Option<&TierConfig> {
        self.tiers.iter().find(|tier| tier.name == name)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).field("engine", &self.engine).finish_non_exhaustive()
    }
}

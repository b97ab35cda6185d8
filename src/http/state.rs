//! What all endpoints share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::auth::Keys;
use super::load;
use crate::alert::Alerts;
use crate::budgets::Budgets;
use crate::cascade::Engine;
use crate::config::{Config, TierConfig};
use crate::decisions::{DecisionStore, StoreError};
use crate::drift::Alarms;
use crate::judge::hash::{Salt, uniform};
use crate::judge::{Bench, Recent};
use crate::policy::Scoring;
use crate::upstream::Tier;

/// A running router: its configuration, its tiers, its artifact and its log.
#[derive(Clone)]
pub struct App {
    pub(super) config: Config,
    pub(super) fingerprint: String,
    /// The tiers in force, cheap → frontier: the configured ones, or the stand-ins.
    pub(super) tiers: Vec<TierConfig>,
    pub(super) engine: Arc<Engine>,
    pub(super) scoring: Arc<dyn Scoring>,
    pub(super) store: Arc<dyn DecisionStore>,
    pub(super) keys: Arc<Keys>,
    pub(super) budgets: Arc<Budgets>,
    alerts: Alerts,
    pub(super) alarms: Alarms,
    pub(super) quality: Arc<Recent>,
    /// Places for requests under way.
    pub(super) places: Arc<Semaphore>,
    /// The same router with a model that decides a share of the requests, and that share.
    trial: Option<(Arc<Self>, f64)>,
}

/// A model that decides a share of the requests, in (0, 1).
pub struct Trial {
    /// The model.
    pub scoring: Arc<dyn Scoring>,
    /// The share.
    pub share: f64,
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
        // Ends with the router that tells by it.
        let settings = config.alerts.clone();
        let alerts = Alerts::start(store.database(), move || settings.clone());
        let engine = Engine::new(tiers, &config, scoring.embedder(), Arc::clone(&store));
        Arc::new(Self {
            fingerprint: config.fingerprint(),
            keys: Arc::new(Keys::new(&config.auth, config.auth.is_required(config.server.bind.ip()), &store.meters())),
            budgets: Budgets::new(&config.budgets, store.meters(), Some(alerts.clone())),
            places: load::places(&config),
            alerts,
            config,
            tiers: configs,
            engine: Arc::new(engine),
            scoring,
            store,
            alarms: Alarms::default(),
            quality: Arc::default(),
            trial: None,
        })
    }

    /// The same router with another model: what the others have learned of upstreams, limits and requests stays.
    pub(super) fn scored_by(&self, scoring: Arc<dyn Scoring>) -> Self {
        Self { scoring, ..self.clone() }
    }

    /// The same router with another model on trial, or none.
    pub(super) fn with_trial(&self, trial: Option<Trial>) -> Self {
        let alone = Self { trial: None, ..self.clone() };
        let trial = trial.map(|trial| (Arc::new(alone.scored_by(trial.scoring)), trial.share));
        Self { trial, ..alone }
    }

    /// The version of the model on trial.
    pub(super) fn trial(&self) -> Option<&str> {
        self.trial.as_ref().map(|(app, _)| app.scoring.version())
    }

    /// The router that decides a request: the one on trial for its share, by a hash of the id.
    pub(super) fn deciding(&self, id: &str) -> &Self {
        match &self.trial {
            Some((app, share)) if uniform(&self.config.judge.seed, Salt::Canary, id) < *share => app,
            _ => self,
        }
    }

    /// Where it tells what happens.
    #[must_use]
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// The alarms that it heeds.
    #[must_use]
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Counts what the log tells of earlier requests, and reads the alarms that stand, before the first one.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn recall(&self) -> Result<(), StoreError> {
        if let Some(database) = self.store.database() {
            self.alarms.refresh(&database).await?;
        }
        self.engine.recall().await
    }

    /// Waits for the requests under way and their records.
    pub async fn drained(&self) {
        self.engine.drained().await;
    }

    /// Sends the last traces; later ones are lost.
    pub async fn close_traces(&self) {
        Arc::clone(&self.engine).close_traces().await;
    }

    /// The configuration that it was put together from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it takes to judge by this configuration; `None` where nobody is to judge anything.
    ///
    /// # Errors
    /// When a prompt or the judge's key cannot be read.
    pub fn bench(&self) -> Result<Option<Bench>, String> {
        Bench::open(&self.config, self.engine.tiers().cloned().collect(), Arc::clone(&self.store))
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

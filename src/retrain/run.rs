//! One attempt, from the log to its conclusion.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Report;
use super::conclude::conclude;
use super::labels::{Labels, labels};
use super::work::Work;
use crate::config::Config;
use crate::decisions::{DecisionFilter, DecisionRecord, DecisionStore, StoreError};
use crate::difficulty::{Scorer, ScorerError};
use crate::features::embedding::EmbedError;
use crate::labelled::RowError;
use crate::registry::{Origin, Registry, RegistryError, State};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Only what was said since then; `None` for `retrain.since_days`.
    pub since: Option<Timestamp>,
    /// Write nothing down.
    pub dry_run: bool,
    /// Promote even what the gate refuses; it is written down as that.
    pub force: bool,
    /// Seed of every random choice.
    pub seed: u64,
    /// Where the challenger comes from, as the registry says it.
    pub origin: Origin,
}

/// Why an attempt came to no conclusion.
#[derive(Debug, thiserror::Error)]
pub enum RetrainError {
    /// The configuration cannot be retrained.
    #[error("{0}")]
    Config(String),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry cannot be read or written.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A model cannot score.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// A request cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The replay set is at fault.
    #[error(transparent)]
    Replay(#[from] RowError),
    /// The work was broken off.
    #[error("the fit was broken off")]
    BrokenOff,
}

/// Requests of the log that off-policy evaluation looks at, the newest.
const MOST_LOGGED: usize = 10_000;

/// Tries to replace the champion once. Equal logs, configurations and seeds give equal challengers.
///
/// # Errors
/// When the log or the registry cannot be read or written, or the configuration is at fault. A challenger that is refused is
/// no error.
pub async fn run(
    store: Arc<dyn DecisionStore>,
    config: &Config,
    ask: &Ask,
    told: &(dyn Fn(&str) + Sync),
) -> Result<Report, RetrainError> {
    let ends = ends(config)?;
    told("reading what was said of the answers in the log");
    let since = ask.since.or_else(|| ago(config.retrain.since_days));
    let labels = labels(&*store, ends, since).await?;
    let log = logged(&*store, since).await?;
    attempt(store, config, ask, (labels, log), told).await
}

/// The same with labels that are at hand, in place of the log's; the outcome is registered in the registry of `store`.
///
/// # Errors
/// As for [`run`].
pub async fn run_on(
    labels: Labels,
    store: Arc<dyn DecisionStore>,
    config: &Config,
    ask: &Ask,
    told: &(dyn Fn(&str) + Sync),
) -> Result<Report, RetrainError> {
    ends(config)?;
    attempt(store, config, ask, (labels, Vec::new()), told).await
}

async fn attempt(
    store: Arc<dyn DecisionStore>,
    config: &Config,
    ask: &Ask,
    (labels, log): (Labels, Vec<DecisionRecord>),
    told: &(dyn Fn(&str) + Sync),
) -> Result<Report, RetrainError> {
    let registry = registry(&*store, config)?;
    let champion = champion(&registry, config).await?;
    let attempt = registry.attempts(champion.version()).await? + 1;
    told("fitting and judging a challenger");
    let work = Work { config: config.clone(), champion, labels, log, attempt, seed: ask.seed };
    let worked = tokio::task::spawn_blocking(move || work.work()).await.map_err(|_| RetrainError::BrokenOff)?;
    let (mut report, champion, challenger) = worked?;
    conclude(&registry, config, ask, &mut report, &champion, challenger.as_ref()).await?;
    Ok(report)
}

/// The names of the first and the last tier.
pub(super) fn ends(config: &Config) -> Result<[&str; 2], RetrainError> {
    let (Some(first), Some(last)) = (config.tiers.first(), config.tiers.last()) else {
        return Err(RetrainError::Config("no [[tiers]] are configured: there is nothing to learn of".to_owned()));
    };
    if config.tiers.len() < 2 {
        return Err(RetrainError::Config("one tier alone leaves nothing to choose: configure a second".to_owned()));
    }
    Ok([&first.name, &last.name])
}

/// The registry in a log's database.
pub(super) fn registry(store: &dyn DecisionStore, config: &Config) -> Result<Registry, RetrainError> {
    let database = store.database().ok_or_else(|| StoreError("the decision log has no database".to_owned()))?;
    Ok(Registry::open(database, &config.data_dir()))
}

/// The registry's champion, or the configuration's model where nothing was promoted.
pub(super) async fn champion(registry: &Registry, config: &Config) -> Result<Scorer, RetrainError> {
    Ok(match registry.in_state(State::Champion).await? {
        Some(version) => Scorer::of(registry.load(&version).await?, config)?,
        None => Scorer::open(config)?,
    })
}

fn ago(days: f64) -> Option<Timestamp> {
    Timestamp::now().checked_sub(SignedDuration::from_secs((days * 86_400.0) as i64)).ok()
}

async fn logged(store: &dyn DecisionStore, since: Option<Timestamp>) -> Result<Vec<DecisionRecord>, StoreError> {
    let mut filter = DecisionFilter { limit: 1000, since, ..DecisionFilter::default() };
    let mut records = Vec::new();
    while records.len() < MOST_LOGGED {
        let page = store.list(&filter).await?;
        records.extend(page.decisions.into_iter().filter(|record| record.request.is_some()));
        filter.before = page.next;
        if filter.before.is_none() {
            break;
        }
    }
    Ok(records)
}

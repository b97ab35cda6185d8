//! Keeps what serves and what the registry says the same, while requests are under way.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Changes, Registry, RegistryError, State};
use crate::difficulty::{Scorer, ScorerError};
use crate::http::{Current, Trial};
use crate::policy::Scoring;
use crate::trouble::Trouble;

/// Why a model cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// It cannot be had.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It does not belong to this program or its embedder.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// Reading it was broken off.
    #[error("reading the model was broken off")]
    BrokenOff,
}

/// Serves by the registry's champion and canary, from the next request on after a change, until the token is cancelled.
pub async fn follow(registry: Registry, current: Current, stop: CancellationToken) {
    let mut changes = Changes::of(registry.database().clone());
    let mut trouble = Trouble::default();
    loop {
        if let Some(error) = trouble.news(&apply(&registry, &current).await) {
            tracing::error!(error, "the registry's models cannot serve; what serves goes on");
        }
        if stop.run_until_cancelled(changes.next()).await.is_none() {
            return;
        }
    }
}

/// Brings the champion and the canary of the registry into force, where others are. A registry without a champion changes
/// nothing: then the configuration's model serves.
///
/// # Errors
/// When the registry cannot be read, or a model of it cannot serve.
pub async fn apply(registry: &Registry, current: &Current) -> Result<(), FollowError> {
    let champion = registry.in_state(State::Champion).await.map_err(RegistryError::from)?;
    if let Some(champion) = champion.filter(|version| *version != current.version()) {
        let scoring = ready(registry, current, &champion).await?;
        tracing::info!(version = champion, "the registry's champion serves");
        current.score_by(scoring);
    }
    let canary = registry.in_state(State::Canary).await.map_err(RegistryError::from)?;
    if canary != current.trial() {
        let share = current.app().config().retrain.canary_share;
        let trial = match &canary {
            Some(version) => Some(Trial { scoring: ready(registry, current, version).await?, share }),
            None => None,
        };
        current.try_out(trial);
    }
    Ok(())
}

/// A model of the registry, ready to serve: at once where it served lately.
///
/// # Errors
/// When there is no such model, or this router cannot serve by it.
pub async fn ready(registry: &Registry, current: &Current, version: &str) -> Result<Arc<dyn Scoring>, FollowError> {
    if let Some(ready) = current.ready(version) {
        return Ok(ready);
    }
    let artifact = registry.load(version).await?;
    let app = current.app();
    let opened = tokio::task::spawn_blocking(move || Scorer::of(artifact, app.config())).await;
    let scoring: Arc<dyn Scoring> = Arc::new(opened.map_err(|_| FollowError::BrokenOff)??);
    current.keep_ready(Arc::clone(&scoring));
    Ok(scoring)
}

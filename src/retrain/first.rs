//! The first model of one's own, in place of one that was fitted on others' outcomes.

use std::path::Path;
use std::sync::Arc;

use rungs_training::Settings;

use super::conclude::conclude;
use super::labels::Taken;
use super::run::{Ask, RetrainError, champion, registry};
use super::work::no_signal;
use super::{Objection, Report};
use crate::config::Config;
use crate::decisions::DecisionStore;
use crate::difficulty::learn::{Learned, learn};
use crate::difficulty::matrix::{LearnError, Task};
use crate::difficulty::prices::Prices;
use crate::difficulty::rows::Unit;
use crate::difficulty::{Artifact, Scorer};
use crate::features::Extractor;
use crate::labelled::{OnBad, Reader};
use crate::registry::{Origin, Outcome, State};

/// What came of it.
#[derive(Debug)]
pub struct First {
    /// The story.
    pub report: Report,
    /// The fit; `None` where there was nothing to learn.
    pub learned: Option<Learned>,
}

/// Whether no model of the user's own serves: neither one that the configuration names nor one that was ever promoted.
///
/// # Errors
/// When the registry cannot be read.
pub async fn is_first(store: &dyn DecisionStore, config: &Config) -> Result<bool, RetrainError> {
    let registry = registry(store, config)?;
    Ok(match registry.in_state(State::Champion).await? {
        Some(version) => config.model.path.is_none() && registry.find(&version).await?.origin == Origin::Configured,
        None => config.model.path.is_none(),
    })
}

/// Fits a model of all tiers to a file of labelled queries, as `rungs train` does. One whose score has a signal, by predictions out
/// of fold, is brought in as `retrain.rollout` says. There is no gate: what serves was fitted on other tiers.
///
/// # Errors
/// When the file or the registry cannot be read, or the embedder cannot be opened.
pub async fn first(
    store: Arc<dyn DecisionStore>,
    config: &Config,
    labelled: &Path,
    taken: Taken,
    seed: u64,
) -> Result<First, RetrainError> {
    let registry = registry(&*store, config)?;
    let champion = champion(&registry, config).await?;
    let mut report = Report::new(champion.version(), 1, taken);
    let (file, own) = (labelled.to_owned(), config.clone());
    let fitted = tokio::task::spawn_blocking(move || fit(&file, &own, seed)).await;
    let fitted = fitted.map_err(|_| RetrainError::BrokenOff)??;
    let learned = match fitted {
        Ok(learned) => learned,
        Err(reason) => {
            report.refuse(Outcome::Nothing, vec![Objection::Unlearnable { reason }]);
            return Ok(First { report, learned: None });
        }
    };
    let artifact = &learned.artifact;
    report.challenger = Some(artifact.version());
    report.learned = [artifact.training.rows, 0];
    match no_signal(artifact) {
        Some(objection) => report.refuse(Outcome::Nothing, vec![objection]),
        None => {
            report.outcome = Outcome::First;
            report.reason = signal(artifact);
        }
    }
    // A router that could not serve by it would refuse it later, and with it the whole registry.
    Scorer::of(artifact.clone(), config)?;
    let brought = (report.outcome == Outcome::First && artifact.version() != champion.version()).then_some(artifact);
    let ask = Ask { seed, origin: Origin::Bootstrap, ..Ask::default() };
    conclude(&registry, config, &ask, &mut report, &champion, brought).await?;
    Ok(First { report, learned: Some(learned) })
}

fn fit(labelled: &Path, config: &Config, seed: u64) -> Result<Result<Learned, String>, RetrainError> {
    let tiers = config.tiers.iter().map(|tier| tier.name.clone()).collect();
    let task = Task { tiers, unit: Unit::Group, prices: Prices::of(&config.tiers) };
    let extractor = Extractor::open(&config.embedding, &config.data_dir())
        .map_err(|error| RetrainError::Config(error.to_string()))?;
    let settings = Settings { seed, ..Settings::default() };
    if std::fs::metadata(labelled).is_ok_and(|file| file.len() == 0) {
        return Ok(Err("no prompt has a label of every tier".to_owned()));
    }
    match learn(Reader::open(&[labelled], OnBad::Stop)?, &task, &extractor, &settings) {
        Ok(learned) => Ok(Ok(learned)),
        Err(LearnError::Row(error)) => Err(error.into()),
        Err(LearnError::Embed(error)) => Err(error.into()),
        Err(LearnError::Data(reason)) => Ok(Err(reason)),
    }
}

fn signal(artifact: &Artifact) -> String {
    let signal = artifact.signal;
    let [low, high] = signal.interval;
    format!(
        "the first model of these tiers: out of fold its score tells where the frontier gains (AUC {:.3}, 95 % interval {low:.3} to \
         {high:.3})",
        signal.auc
    )
}

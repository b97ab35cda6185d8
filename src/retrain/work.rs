//! Fits a challenger and holds it against the champion: what is computed, away from the requests.

use rungs_training::Settings;
use rungs_training::gate::{Findings, Terms};

use super::holdout::{Asked, Contender};
use super::labels::{Labels, by_decision};
use super::off_policy::off_policy;
use super::run::RetrainError;
use super::split::{Split, split};
use super::{Objection, Report};
use crate::config::{Config, Preset, Threshold};
use crate::decisions::DecisionRecord;
use crate::difficulty::calibrate::{OnSeen, Sample, calibrate};
use crate::difficulty::calibrated::{Calibrated, Goal};
use crate::difficulty::learn::{Learned, learn};
use crate::difficulty::matrix::Task;
use crate::difficulty::prices::Prices;
use crate::difficulty::rows::{Unit, place_of_group};
use crate::difficulty::{Artifact, Scorer, Verdict};
use crate::features::Extractor;
use crate::features::embedding::EmbedError;
use crate::labelled::{LabelledQuery, OnBad, Reader, RowError};
use crate::registry::Outcome;

/// Everything that is needed for it.
pub(super) struct Work {
    pub(super) config: Config,
    pub(super) champion: Scorer,
    pub(super) labels: Labels,
    pub(super) log: Vec<DecisionRecord>,
    pub(super) attempt: u32,
    pub(super) seed: u64,
}

impl Work {
    /// Does it.
    pub(super) fn work(self) -> Result<(Report, Scorer, Option<Artifact>), RetrainError> {
        let Self { config, champion, labels, log, attempt, seed } = self;
        let ends: [String; 2] = [config.tiers.first(), config.tiers.last()]
            .map(|tier| tier.map_or(String::new(), |tier| tier.name.clone()));
        let names = [ends[0].as_str(), ends[1].as_str()];
        let Labels { rows, taken } = labels;
        let mut report = Report::new(champion.version(), attempt, taken);
        let (have, needed) = (report.labels.conversations, config.retrain.min_labels);
        if have < needed {
            report.refuse(Outcome::Nothing, vec![Objection::TooFewLabels { have, needed }]);
            return Ok((report, champion, None));
        }
        let Split { learned, holdout, replay, from_log } = split(rows.clone(), replay(&config)?, &config.retrain);
        report.learned = [from_log, learned.len() - from_log];
        report.held_out = [holdout.len(), replay.len()];
        let mut objections: Vec<Objection> = inverted(&learned[..from_log], names).into_iter().collect();
        let fitted = match fit(learned, &config, names, seed) {
            Ok(fitted) => fitted,
            Err(reason) => {
                objections.push(Objection::Unlearnable { reason });
                report.refuse(Outcome::Nothing, objections);
                return Ok((report, champion, None));
            }
        };
        let artifact = fitted.artifact.clone();
        let (certifying, judging) = halves(&champion, &config, holdout);
        let (artifact, objection) = operated(&champion, artifact, fitted, &certifying, &config, seed)?;
        objections.extend(objection);
        report.calibrated.clone_from(&artifact.calibrated);
        objections.extend(no_signal(&artifact));
        let challenger = Scorer::of(artifact, &config)?;
        report.challenger = Some(challenger.version().to_owned());
        if challenger.version() == champion.version() {
            report.refuse(Outcome::Refused, vec![Objection::SameModel]);
            return Ok((report, champion, None));
        }
        let models = [Contender::new(&champion, &config), Contender::new(&challenger, &config)];
        let findings = judged(&judging, &replay, models, names, (config.retrain.alpha, attempt, seed))?;
        objections.extend(findings.objections.iter().cloned().map(|source| Objection::Gate { source }));
        let rows = by_decision(&rows);
        let [old, new] = models.map(|model| off_policy(&log, &rows, names, model));
        report.off_policy = Some([old?, new?]);
        report.settle(findings, objections);
        let artifact = challenger.into_artifact();
        Ok((report, champion, Some(artifact)))
    }
}

/// Asks both models about the holdout and about the replay set.
fn judged(
    holdout: &[LabelledQuery],
    replay: &[LabelledQuery],
    [champion, challenger]: [Contender<'_>; 2],
    names: [&str; 2],
    (alpha, attempt, seed): (f64, u32, u64),
) -> Result<Findings, EmbedError> {
    let asked = Asked::of(holdout, champion, challenger)?;
    let guarded = Asked::of(replay, champion, challenger)?;
    tracing::debug!(rows = asked.len(), replay = guarded.len(), "the holdout was asked");
    // The threshold is the price of the frontier in quality: what the operator gives for it.
    let price = champion.threshold().max(0.0);
    let terms = Terms { price, alpha, attempt, seed };
    Ok(asked.findings(&guarded, names, terms))
}

fn replay(config: &Config) -> Result<Vec<LabelledQuery>, RowError> {
    if config.retrain.replay.is_empty() {
        return Ok(Vec::new());
    }
    Reader::open(&config.retrain.replay, OnBad::Stop)?.collect()
}

fn fit(learned: Vec<LabelledQuery>, config: &Config, names: [&str; 2], seed: u64) -> Result<Learned, String> {
    let task = Task { tiers: names.map(str::to_owned).to_vec(), unit: Unit::Group, prices: Prices::default() };
    let extractor = Extractor::open(&config.embedding, &config.data_dir()).map_err(|error| error.to_string())?;
    let settings = Settings { seed, ..Settings::default() };
    learn(learned.into_iter().map(Ok), &task, &extractor, &settings).map_err(|error| error.to_string())
}

/// Whether the labels say for certain that the first tier is better than the last.
fn inverted(rows: &[LabelledQuery], names: [&str; 2]) -> Option<Objection> {
    let gain = |row: &LabelledQuery| Some(row.score_of(names[0])? - row.score_of(names[1])?);
    let gains: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((gain(row)?, row.weight))).collect();
    let weight: f64 = gains.iter().map(|(_, w)| w).sum();
    let difference = gains.iter().map(|(gain, w)| gain * w).sum::<f64>() / weight;
    let spread = gains.iter().map(|(gain, w)| (w * (gain - difference)).powi(2)).sum::<f64>().sqrt() / weight;
    let least = difference - 3.0 * spread;
    let [cheap, frontier] = names.map(str::to_owned);
    (least > 0.0).then_some(Objection::Inverted { cheap, frontier, difference, least })
}

pub(super) fn no_signal(artifact: &Artifact) -> Option<Objection> {
    let signal = artifact.signal;
    let [low, high] = signal.interval;
    (signal.verdict == Verdict::None).then_some(Objection::NoSignal { auc: signal.auc, low, high })
}

/// The goal that the champion's operating point was set for, where that is in force.
fn goal(champion: &Scorer, config: &Config) -> Option<Goal> {
    let in_force = config.policy.threshold == Threshold::Preset(Preset::Calibrated);
    champion.artifact().calibrated.as_ref().filter(|_| in_force).map(|calibrated| calibrated.goal)
}

/// The holdout for a certificate and the holdout for the gate. No row serves both, so that a threshold that was chosen on
/// some rows is judged by others; without a certificate to issue the gate has all.
fn halves(champion: &Scorer, config: &Config, holdout: Vec<LabelledQuery>) -> (Vec<LabelledQuery>, Vec<LabelledQuery>) {
    match goal(champion, config) {
        Some(Goal::MaxQualityLoss { .. }) => {
            holdout.into_iter().partition(|query| place_of_group(&format!("certificate/{}", query.cluster())) < 0.5)
        }
        _ => (Vec::new(), holdout),
    }
}

/// The challenger at the operating point that the champion's goal asks for: with a certificate on rows of the holdout, else on
/// the rows that were learned from, out of fold.
fn operated(
    champion: &Scorer,
    artifact: Artifact,
    fitted: Learned,
    certifying: &[LabelledQuery],
    config: &Config,
    seed: u64,
) -> Result<(Artifact, Option<Objection>), RetrainError> {
    let Some(goal) = goal(champion, config) else { return Ok((artifact, None)) };
    let sample = match goal {
        Goal::MaxQualityLoss { .. } => scored(&artifact, certifying, config)?,
        _ => Sample::out_of_fold(&artifact, fitted.judged),
    };
    Ok(match calibrate(&artifact, &sample, goal, seed) {
        Ok(calibrated) => (with(artifact, calibrated), None),
        Err(error) => (artifact, Some(Objection::NoOperatingPoint { reason: error.to_string() })),
    })
}

fn with(artifact: Artifact, calibrated: Calibrated) -> Artifact {
    Artifact { calibrated: Some(calibrated), ..artifact }
}

fn scored(artifact: &Artifact, queries: &[LabelledQuery], config: &Config) -> Result<Sample, RetrainError> {
    let scorer = Scorer::of(artifact.clone(), config)?;
    let mut sample = Sample::new(artifact, OnSeen::LeaveOut);
    for query in queries {
        sample.take(query, || scorer.score(&query.request))?;
    }
    Ok(sample)
}

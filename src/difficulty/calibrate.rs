//! Chooses an operating point on labelled queries.

use rungs_training::certify::{self, Promise, Refusal, certify};

use super::calibrated::{Calibrated, Certificate, Goal, Loss};
use super::evaluate::Judged;
use super::figures::Operating;
use super::rows::{Rows, Unit, group_number};
use super::seen::Seen;
use super::{Artifact, Score, Verdict};
use crate::features::embedding::EmbedError;
use crate::labelled::LabelledQuery;

/// Labelled queries, scored.
pub struct Sample {
    /// Rows with an outcome of every tier.
    judged: Judged,
    /// Rows with one of the cheap tier but not of all, and their scores.
    cheap_only: Rows,
    cheap_scores: Vec<f64>,
    seen: Seen,
    on_seen: OnSeen,
    found_seen: usize,
}

/// What to do with queries of groups that the model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSeen {
    /// Take them and count them; no certificate is given on them.
    Count,
    /// Leave them out and count them.
    LeaveOut,
}

/// Why there is no operating point.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The question or the data is at fault.
    #[error("{0}")]
    BadInput(String),
    /// The data cannot carry what was asked.
    #[error("{0}")]
    Refused(String),
}

/// Thresholds that are tried besides those of the certificate: score quantiles at steps of .1 %.
const QUANTILES: usize = 1000;

impl Sample {
    /// No rows yet, for an artifact.
    #[must_use]
    pub fn new(artifact: &Artifact, on_seen: OnSeen) -> Self {
        let tiers: Vec<String> = artifact.tiers().map(str::to_owned).collect();
        Self {
            cheap_only: Rows::new(tiers.get(..1).unwrap_or_default(), Unit::Group),
            judged: Judged::new(&tiers),
            cheap_scores: Vec::new(),
            seen: artifact.training.seen.open(),
            on_seen,
            found_seen: 0,
        }
    }

    /// The rows that a model was fitted on, with what it says of each without having seen it: an operating point may be
    /// searched on them, and no certificate issued.
    #[must_use]
    pub fn out_of_fold(artifact: &Artifact, judged: Judged) -> Self {
        Self { judged, ..Self::new(artifact, OnSeen::Count) }
    }

    /// Takes a query, and scores it if it has an outcome that is of use.
    ///
    /// # Errors
    /// When scoring fails.
    pub fn take(
        &mut self,
        query: &LabelledQuery,
        score: impl Fn() -> Result<Score, EmbedError>,
    ) -> Result<(), EmbedError> {
        if self.seen.contains(group_number(query.cluster())) {
            self.found_seen += 1;
            if self.on_seen == OnSeen::LeaveOut {
                return Ok(());
            }
        }
        let before = self.judged.rows().len();
        self.judged.take(query, &score)?;
        if self.judged.rows().len() == before && self.cheap_only.take(query) {
            self.cheap_scores.push(score()?.score);
        }
        Ok(())
    }

    /// Queries whose group the model was trained on.
    #[must_use]
    pub fn found_seen(&self) -> usize {
        self.found_seen
    }

    /// The rows that an operating point is chosen on: those with every outcome, or those of the cheap tier where there
    /// are no others.
    fn labelled(&self) -> &Rows {
        if self.has_frontier() { self.judged.rows() } else { &self.cheap_only }
    }

    fn has_frontier(&self) -> bool {
        !self.judged.rows().is_empty()
    }

    /// Why no promise can be made on these rows.
    fn tainted(&self, artifact: &Artifact) -> Option<String> {
        let what_to_do = "a promise on them would be worthless: give labels that it has not seen";
        if self.labelled().fingerprint() == artifact.training.data {
            return Some(format!("these are the very rows that the model was trained on, and {what_to_do}"));
        }
        match (self.found_seen, self.on_seen) {
            (0, _) => None,
            (found, OnSeen::Count) => Some(format!(
                "the model was trained on the groups of {found} of these queries, and {what_to_do}, or leave those out \
                 with --leave-out-seen"
            )),
            (found, OnSeen::LeaveOut) if self.seen.is_sampled() => Some(format!(
                "the model was trained on the groups of at least {found} of these queries, and lists only a sample of its \
                 groups, so that not all can be left out; {what_to_do}"
            )),
            (_, OnSeen::LeaveOut) => None,
        }
    }
}

/// Chooses the operating point of an artifact for a goal; equal rows and seeds give equal points.
///
/// # Errors
/// When the artifact has no signal to operate on, the rows are those that it was trained on, or they lack what the goal
/// asks for; or when no threshold reaches the goal, with what would have to change.
pub fn calibrate(artifact: &Artifact, sample: &Sample, goal: Goal, seed: u64) -> Result<Calibrated, CalibrateError> {
    if artifact.signal.verdict == Verdict::None {
        return Err(CalibrateError::Refused(format!(
            "the artifact has no usable signal (AUC {:.3}, 95 % interval {:.3} to {:.3}), so that no request is routed by \
             its score: train on more or other labels first",
            artifact.signal.auc, artifact.signal.interval[0], artifact.signal.interval[1],
        )));
    }
    let (threshold, certified) = match goal {
        Goal::MaxQualityLoss { epsilon, delta } => {
            let promise = Promise::new(epsilon, delta).map_err(|error| CalibrateError::BadInput(error.to_string()))?;
            let certified = certified(artifact, sample, promise, seed)?;
            (certified.threshold, Some(certified))
        }
        _ => (search(&sample.judged, goal)?, None),
    };
    let rows = sample.labelled();
    let operating = sample.has_frontier().then(|| sample.judged.operate(threshold));
    let frontier_share = operating.map(|point| point.frontier_share).or(certified.map(|point| point.frontier_share));
    Ok(Calibrated {
        model: artifact.uncalibrated_version(),
        goal,
        threshold,
        frontier_share: frontier_share.unwrap_or_default(),
        quality: operating.map(|point| point.quality),
        cost_usd: operating.and_then(|point| point.cost_usd),
        data: rows.fingerprint(),
        rows: rows.len(),
        certificate: certified.as_ref().map(certificate),
    })
}

fn certified(
    artifact: &Artifact,
    sample: &Sample,
    promise: Promise,
    seed: u64,
) -> Result<certify::Certificate, CalibrateError> {
    if artifact.heads.len() > 2 {
        return Err(CalibrateError::BadInput(format!(
            "a certificate speaks of two tiers and the artifact has {}: which of the middle ones serves a request depends \
             on prices, which change: train with --cheap and --frontier only",
            artifact.heads.len()
        )));
    }
    let rows = sample.labelled();
    rows.check().map_err(CalibrateError::BadInput)?;
    if let Some(reason) = sample.tainted(artifact) {
        return Err(CalibrateError::Refused(reason));
    }
    let scores = sample.judged.scores();
    let rows = certify::Rows {
        scores: if sample.has_frontier() { &scores } else { &sample.cheap_scores },
        cheap: rows.labels.first().map_or(&[], Vec::as_slice),
        frontier: if sample.has_frontier() { rows.labels.last().map(Vec::as_slice) } else { None },
        weights: &rows.weights,
        groups: &rows.groups,
    };
    certify(&rows, promise, seed).map_err(|refusal| match refusal {
        Refusal::OutOfRange { .. } | Refusal::BadRows => CalibrateError::BadInput(refusal.to_string()),
        _ => CalibrateError::Refused(format!("{refusal}; until then always call the frontier")),
    })
}

fn certificate(certified: &certify::Certificate) -> Certificate {
    let loss = match certified.loss {
        certify::Loss::QualityLost => Loss::QualityLost,
        certify::Loss::Unacceptable => Loss::Unacceptable,
    };
    Certificate {
        epsilon: certified.epsilon,
        delta: certified.delta,
        loss,
        n: certified.n,
        observed_loss: certified.observed_loss,
        seed: certified.seed,
        void_if: loss.void_if().map(str::to_owned).to_vec(),
    }
}

/// The threshold that does best on the rows.
fn search(judged: &Judged, goal: Goal) -> Result<f64, CalibrateError> {
    judged.rows().check().map_err(CalibrateError::BadInput)?;
    let points: Vec<Operating> = thresholds(&judged.scores()).into_iter().map(|t| judged.operate(t)).collect();
    let share = |a: &&Operating, b: &&Operating| a.frontier_share.total_cmp(&b.frontier_share);
    let quality = |a: &&Operating, b: &&Operating| a.quality.total_cmp(&b.quality);
    let found = match goal {
        Goal::FrontierShare(most) => {
            points.iter().filter(|point| point.frontier_share <= most).max_by(|a, b| share(a, b).then(quality(a, b)))
        }
        Goal::MinQuality(floor) => {
            points.iter().filter(|point| point.quality >= floor).min_by(|a, b| share(a, b).then(quality(b, a)))
        }
        Goal::BudgetUsd(budget) => {
            if points.iter().all(|point| point.cost_usd.is_none()) {
                let reason = "a budget needs the cost of every outcome: give `cost_usd` in the data";
                return Err(CalibrateError::BadInput(reason.to_owned()));
            }
            let affordable = points.iter().filter(|point| point.cost_usd.is_some_and(|cost| cost <= budget));
            affordable.max_by(|a, b| quality(a, b).then(share(b, a)))
        }
        Goal::MaxQualityLoss { .. } => None,
    };
    found.map(|point| point.threshold).ok_or_else(|| unreached(&points, goal))
}

fn unreached(points: &[Operating], goal: Goal) -> CalibrateError {
    let quality = points.iter().map(|point| point.quality).fold(0.0, f64::max);
    let cost = points.iter().filter_map(|point| point.cost_usd).fold(f64::INFINITY, f64::min);
    CalibrateError::Refused(match goal {
        Goal::BudgetUsd(budget) => format!("no threshold costs ${budget} per request: the cheapest costs ${cost:.6}"),
        Goal::MinQuality(floor) => format!("no threshold reaches a quality of {floor}: the best has {quality:.4}"),
        Goal::FrontierShare(_) | Goal::MaxQualityLoss { .. } => "no threshold reaches the goal".to_owned(),
    })
}

/// Quantiles of the scores, and both ends.
fn thresholds(scores: &[f64]) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let quantiles = (0..=QUANTILES).filter_map(|i| sorted.get(i * last / QUANTILES)).copied();
    let mut thresholds: Vec<f64> = [-1.0, 1.0].into_iter().chain(quantiles).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    thresholds
}

#[cfg(test)]
mod tests;

//! All figures of one set of scored rows.

use serde::Serialize;

use super::area::Area;
use super::auc::Ranking;
use super::bootstrap::{Interval, RESAMPLINGS, intervals};
use super::calibration::CalibrationError;
use super::gain::GainCurve;
use super::reliability::Reliability;

/// Rows with what the heads said and what happened; every list has one entry per row.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Per tier, cheap → frontier: calibrated probabilities.
    pub probabilities: &'a [Vec<f64>],
    /// Per tier: labels in [0, 1].
    pub labels: &'a [Vec<f64>],
    /// Row weights.
    pub weights: &'a [f64],
    /// The unit of resampling.
    pub groups: &'a [u64],
}

/// The figures. A figure is `None` where the rows do not define it: an AUC needs both classes, an APGR a frontier tier
/// that is better than the cheap one, an interval more than one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows.
    pub n: usize,
    /// Groups.
    pub groups: usize,
    /// Per tier: mean label.
    pub quality: Vec<f64>,
    /// Per tier: area under the ROC curve of its own probability.
    pub auc: Vec<Option<f64>>,
    /// Area under PGR over the frontier share, for the score p_frontier − p_cheap.
    pub apgr: Option<f64>,
    /// Its 95 % interval.
    pub apgr_interval: Option<Interval>,
    /// Quality above the random mix of the two tiers, averaged over all frontier shares.
    pub lift: Option<f64>,
    /// Its 95 % interval.
    pub lift_interval: Option<Interval>,
    /// Lift as a share of the oracle's, which ranks by the true gain: 0 for a random score, 1 for a perfect one. `None`
    /// where the oracle itself gains nothing by choosing.
    pub oracle_gap_closed: Option<f64>,
    /// Least frontier share, in per cent, that recovers half of the gap.
    pub cpt50: Option<f64>,
    /// The same for four fifths.
    pub cpt80: Option<f64>,
    /// AUC of the score against the gain, a gain g in [−1, 1] counting as (1 + g)/2 positive and (1 − g)/2 negative:
    /// above ½ exactly where rank and gain go together.
    pub gain_auc: Option<f64>,
    /// Its 95 % interval.
    pub gain_auc_interval: Option<Interval>,
    /// Per tier: calibration.
    pub calibration: Vec<CalibrationError>,
    /// Per tier: proper scores and the recalibration line.
    pub reliability: Vec<Reliability>,
    /// (frontier share, quality) at shares 0, .01, … 1.
    pub curve: Vec<[f64; 2]>,
    /// The best that any choice between the two end tiers could do: (frontier share that it needs, its quality).
    pub oracle: [f64; 2],
}

/// Computes all figures; equal seeds give equal intervals.
#[must_use]
pub fn evaluate(rows: &Scored<'_>, seed: u64) -> Evaluation {
    let (weights, scores) = (rows.weights, rows.scores());
    let (cheap, frontier) = rows.ends();
    let (gains, halves) = (rows.gains(), rows.half_gains());
    let ranking = Ranking::new(&scores);
    let ranked = |weights: &[f64]| {
        let area = Area::new(&ranking, &gains, weights);
        [area.and_then(Area::apgr), area.map(Area::lift), ranking.auc(&halves, weights)]
    };
    let [apgr, lift, gain_auc] = ranked(weights);
    let [apgr_interval, lift_interval, gain_auc_interval] = intervals(rows.groups, weights, RESAMPLINGS, seed, ranked);
    let most = Area::new(&Ranking::new(&gains), &gains, weights).map(Area::lift);
    let curve = GainCurve::new(&scores, cheap, frontier, weights);
    let oracle = GainCurve::new(&gains, cheap, frontier, weights).at(f64::MIN_POSITIVE);
    let (calibration, reliability) = calibration(rows, seed);
    Evaluation {
        n: weights.len(),
        groups: crate::dataset::distinct(rows.groups),
        quality: rows.labels.iter().map(|labels| mean(labels, weights)).collect(),
        auc: rows.per_tier().map(|(p, labels)| Ranking::new(p).auc(labels, weights)).collect(),
        apgr,
        apgr_interval,
        lift,
        lift_interval,
        oracle_gap_closed: lift.zip(most).filter(|(_, most)| *most > 0.0).map(|(lift, most)| lift / most),
        cpt50: curve.least_share(0.5).map(|share| 100.0 * share),
        cpt80: curve.least_share(0.8).map(|share| 100.0 * share),
        gain_auc,
        gain_auc_interval,
        calibration,
        reliability,
        curve: curve.points(),
        oracle: [oracle.frontier_share, oracle.quality],
    }
}

fn calibration(rows: &Scored<'_>, seed: u64) -> (Vec<CalibrationError>, Vec<Reliability>) {
    let weights = rows.weights;
    (
        rows.per_tier().map(|(p, labels)| CalibrationError::new(p, labels, weights, seed)).collect(),
        rows.per_tier().map(|(p, labels)| Reliability::new(p, labels, weights)).collect(),
    )
}

impl<'a> Scored<'a> {
    /// The ranking score of each row: p_frontier − p_cheap.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        match (self.probabilities.first(), self.probabilities.last()) {
            (Some(cheap), Some(frontier)) => frontier.iter().zip(cheap).map(|(f, c)| f - c).collect(),
            _ => Vec::new(),
        }
    }

    /// What the frontier adds to each row: its label less the cheap tier's.
    #[must_use]
    pub fn gains(&self) -> Vec<f64> {
        let (cheap, frontier) = self.ends();
        frontier.iter().zip(cheap).map(|(f, c)| f - c).collect()
    }

    /// The gains g as labels (1 + g)/2 in [0, 1].
    pub(super) fn half_gains(&self) -> Vec<f64> {
        self.gains().into_iter().map(|gain| 0.5 * (1.0 + gain)).collect()
    }

    fn per_tier(&self) -> impl Iterator<Item = (&'a Vec<f64>, &'a Vec<f64>)> {
        self.probabilities.iter().zip(self.labels)
    }

    /// The labels of the cheap and of the frontier tier.
    #[must_use]
    pub fn ends(&self) -> (&'a [f64], &'a [f64]) {
        (self.labels.first().map_or(&[], Vec::as_slice), self.labels.last().map_or(&[], Vec::as_slice))
    }
}

impl Evaluation {
    /// The same figures with the calibration of other probabilities of the same rows.
    pub(crate) fn with_calibration_of(self, rows: &Scored<'_>, seed: u64) -> Self {
        let (calibration, reliability) = calibration(rows, seed);
        Self { calibration, reliability, ..self }
    }

    /// Whether the score is worth routing by: the interval of its AUC against the gain lies above ½.
    #[must_use]
    pub fn has_signal(&self) -> bool {
        self.gain_auc_interval.is_some_and(|interval| interval.0 > 0.5)
    }
}

fn mean(values: &[f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    if total > 0.0 { values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total } else { 0.0 }
}

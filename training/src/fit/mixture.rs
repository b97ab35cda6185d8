//! How the learners are mixed.

use super::Probabilities;
use crate::Dataset;

/// A convex mixture of the learners' probabilities, the same for all tiers, so that the mixture's gain is the mixture of
/// the gains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Weight of the forest, in [0, 1]; the logistic heads have the rest.
    pub forest: f64,
}

impl Mixture {
    /// The weight with the least log-loss on held-out probabilities.
    pub(super) fn choose(weights: &[f64], linear: &Probabilities, forest: &Probabilities, data: &Dataset) -> Self {
        let candidates = weights.iter().map(|&forest| Self { forest });
        let loss = |mixture: &Self| log_loss(&mixture.mix(linear, forest), &data.labels, &data.weights);
        candidates.min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap_or(Self { forest: 0.5 })
    }

    /// The mixture of the two learners' probabilities.
    pub(super) fn mix(&self, linear: &Probabilities, forest: &Probabilities) -> Probabilities {
        linear.iter().zip(forest).map(|(l, f)| l.iter().zip(f).map(|(l, f)| self.of(*l, *f)).collect()).collect()
    }

    /// The mixture of one pair of probabilities.
    pub(super) fn of(self, linear: f64, forest: f64) -> f64 {
        self.forest * forest + (1.0 - self.forest) * linear
    }
}

/// Weighted log-loss, summed over rows and tiers.
fn log_loss(probabilities: &Probabilities, labels: &[Vec<f64>], weights: &[f64]) -> f64 {
    let loss = |p: f64, y: f64| -(y * p.max(1e-12).ln() + (1.0 - y) * (1.0 - p).max(1e-12).ln());
    let tier =
        |p: &Vec<f64>, y: &Vec<f64>| -> f64 { p.iter().zip(y).zip(weights).map(|((p, y), w)| w * loss(*p, *y)).sum() };
    probabilities.iter().zip(labels).map(|(p, y)| tier(p, y)).sum()
}

//! From a learner's logits to probabilities that mean what they say.
//!
//! Three calibrators, from simple to flexible, all of them rising in the logit, so that none turns a ranking round and
//! none makes ties of rows that were told apart (but for a head whose logits run against its labels, which becomes the
//! base rate).

mod beta;
mod choose;
mod isotonic;
mod platt;

pub use beta::Beta;
pub use choose::{Choice, choose};
pub(crate) use isotonic::rising_steps;
pub use isotonic::{Isotonic, MOST_CORNERS};
pub use platt::Platt;

use crate::learners::logistic::logit;

/// A calibrator, fitted on logits that the labels' own rows had no part in.
#[derive(Debug, Clone, PartialEq)]
pub enum Calibrator {
    /// A straight line in logits.
    Platt(Platt),
    /// A curve of three parameters.
    Beta(Beta),
    /// A rising line through as many corners as the data asks for.
    Isotonic(Isotonic),
}

/// The calibrators, from the simplest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// [`Platt`].
    Platt,
    /// [`Beta`].
    Beta,
    /// [`Isotonic`].
    Isotonic,
}

/// Holds the coefficients of a nearly separable set finite; far too weak to matter elsewhere.
const L2: f64 = 1e-3;

impl Calibrator {
    /// Fits one; every list has one entry per row, labels in [0, 1].
    #[must_use]
    pub fn fit(method: Method, logits: &[f64], labels: &[f64], weights: &[f64]) -> Self {
        match method {
            Method::Platt => Self::Platt(Platt::fit(logits, labels, weights)),
            Method::Beta => Self::Beta(Beta::fit(logits, labels, weights)),
            Method::Isotonic => Self::Isotonic(Isotonic::fit(logits, labels, weights)),
        }
    }

    /// The probability for a logit.
    #[must_use]
    pub fn apply(&self, z: f64) -> f64 {
        match self {
            Self::Platt(platt) => platt.apply(z),
            Self::Beta(beta) => beta.apply(z),
            Self::Isotonic(isotonic) => isotonic.apply(z),
        }
    }
}

/// Labels drawn in by Platt's prior correction ((N₊ + 1)/(N₊ + 2) for 1, 1/(N₋ + 2) for 0), which keeps probabilities off
/// 0 and 1.
struct Targets {
    drawn_in: Vec<f64>,
    /// The logit of the smoothed share of positives.
    base_rate: f64,
}

impl Targets {
    fn new(labels: &[f64], weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let positive: f64 = labels.iter().zip(weights).map(|(y, w)| y * w).sum();
        let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (total - positive + 2.0));
        Self {
            drawn_in: labels.iter().map(|y| low + y * (high - low)).collect(),
            base_rate: logit((positive + 0.5) / (total + 1.0)),
        }
    }
}

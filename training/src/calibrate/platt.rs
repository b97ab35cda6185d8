//! Platt's calibration: a straight line in logits.

use ndarray::ArrayView2;

use super::{L2, Targets};
use crate::learners::logistic::{Logistic, sigmoid};

/// p = σ(slope · z + intercept).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    /// Never negative: calibration may not turn a ranking round.
    pub slope: f64,
    /// Shift in logits.
    pub intercept: f64,
}

impl Platt {
    /// Fits logits that the labels' own rows had no part in. Logits that run against the labels are replaced by the base
    /// rate.
    #[must_use]
    pub fn fit(logits: &[f64], labels: &[f64], weights: &[f64]) -> Self {
        let targets = Targets::new(labels, weights);
        let Ok(column) = ArrayView2::from_shape((logits.len(), 1), logits) else {
            return Self { slope: 1.0, intercept: 0.0 };
        };
        let fit = Logistic::fit(column, &targets.drawn_in, weights, L2);
        match fit.coefficients.first() {
            Some(&slope) if slope > 0.0 => Self { slope, intercept: fit.intercept },
            _ => Self { slope: 0.0, intercept: targets.base_rate },
        }
    }

    /// The probability for a logit.
    #[must_use]
    pub fn apply(&self, z: f64) -> f64 {
        sigmoid(self.slope * z + self.intercept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Planted, planted};

    #[test]
    fn overconfident_logits_are_brought_back() {
        let Planted { logits, labels, .. } = planted(20_000, 4, 8);
        let exaggerated: Vec<f64> = logits.iter().map(|z| 3.0 * z + 1.0).collect();
        let platt = Platt::fit(&exaggerated, &labels, &vec![1.0; labels.len()]);
        assert!((platt.slope - 1.0 / 3.0).abs() < 0.02 && (platt.intercept + 1.0 / 3.0).abs() < 0.05, "{platt:?}");
    }

    #[test]
    fn logits_against_the_labels_become_the_base_rate() {
        let labels: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 30))).collect();
        let logits: Vec<f64> = labels.iter().map(|y| -y).collect();
        let platt = Platt::fit(&logits, &labels, &[1.0; 100]);
        assert_eq!(platt.slope, 0.0);
        assert!((platt.apply(5.0) - 0.7).abs() < 0.01);
    }

    #[test]
    fn separable_labels_keep_a_finite_slope() {
        let labels: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 50))).collect();
        let logits: Vec<f64> = (0..100).map(|i| f64::from(i) - 49.5).collect();
        let platt = Platt::fit(&logits, &labels, &[1.0; 100]);
        assert!(platt.slope.is_finite() && platt.apply(100.0) < 1.0, "{platt:?}");
    }
}

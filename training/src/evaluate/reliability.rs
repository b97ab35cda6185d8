//! Whether probabilities mean what they say, in numbers.

use ndarray::ArrayView2;
use serde::Serialize;

use crate::learners::logistic::{Logistic, logit};

/// Proper scores and the recalibration line of probabilities against labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reliability {
    /// Mean −[y·ln p + (1 − y)·ln(1 − p)], in nats.
    pub log_loss: f64,
    /// Mean (p − y)².
    pub brier: f64,
    /// b of the logistic regression of the labels on logit p, y ~ σ(a + b·logit p): 1 where calibrated, under 1 where the
    /// probabilities are too far apart (Cox 1958).
    pub slope: f64,
    /// Its a: 0 where calibrated, above 0 where the probabilities are too low on the whole.
    pub intercept: f64,
}

/// Holds the line of labels that are all alike finite.
const L2: f64 = 1e-6;

impl Reliability {
    /// Compares probabilities with labels; every list has one entry per row.
    #[must_use]
    pub fn new(probabilities: &[f64], labels: &[f64], weights: &[f64]) -> Self {
        let total = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = |of: fn(f64, f64) -> f64| {
            let rows = probabilities.iter().zip(labels).zip(weights);
            rows.map(|((p, y), w)| w * of(*p, *y)).sum::<f64>() / total
        };
        let logits: Vec<f64> = probabilities.iter().map(|p| logit(*p)).collect();
        let line = ArrayView2::from_shape((logits.len(), 1), &logits)
            .map_or_else(|_| Logistic::default(), |column| Logistic::fit(column, labels, weights, L2));
        Self {
            log_loss: mean(log_loss),
            brier: mean(|p, y| (p - y).powi(2)),
            slope: line.coefficients.first().copied().unwrap_or(0.0),
            intercept: line.intercept,
        }
    }
}

/// Log-loss of one row, in nats; probabilities are held off 0 and 1.
#[must_use]
pub fn log_loss(p: f64, y: f64) -> f64 {
    -(y * p.max(1e-12).ln() + (1.0 - y) * (1.0 - p).max(1e-12).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learners::logistic::sigmoid;
    use crate::testing::{Planted, planted};

    #[test]
    fn known_values() {
        let found = Reliability::new(&[0.8, 0.5], &[1.0, 0.0], &[1.0, 3.0]);
        assert!((found.log_loss - (-0.8_f64.ln() - 3.0 * 0.5_f64.ln()) / 4.0).abs() < 1e-12);
        assert!((found.brier - (0.04 + 0.75) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_line_tells_overconfidence_and_shift() {
        let Planted { logits, labels, .. } = planted(20_000, 4, 8);
        let weights = vec![1.0; labels.len()];
        let of = |distort: fn(f64) -> f64| {
            let p: Vec<f64> = logits.iter().map(|z| sigmoid(distort(*z))).collect();
            Reliability::new(&p, &labels, &weights)
        };
        let good = of(|z| z);
        assert!((good.slope - 1.0).abs() < 0.05 && good.intercept.abs() < 0.05, "{good:?}");
        let overconfident = of(|z| 2.0 * z);
        assert!(
            (overconfident.slope - 0.5).abs() < 0.03 && overconfident.log_loss > good.log_loss,
            "{overconfident:?}"
        );
        let low = of(|z| z - 0.5);
        assert!((low.intercept - 0.5).abs() < 0.05 && low.brier > good.brier, "{low:?}");
    }
}

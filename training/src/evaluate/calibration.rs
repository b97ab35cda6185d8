//! Expected calibration error and the bins of a reliability diagram.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Bins of equal weight.
const BINS: usize = 15;

/// Draws for the error that a perfectly calibrated model of these probabilities would show.
const NULL_DRAWS: usize = 200;

/// Rows of neighbouring probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Mean probability.
    pub predicted: f64,
    /// Mean label.
    pub observed: f64,
    /// Share of the weight.
    pub share: f64,
}

/// Expected calibration error over 15 bins of equal weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationError {
    /// Σ share · |predicted − observed|.
    pub raw: f64,
    /// Its expectation under perfect calibration, by simulation: the error that chance alone makes.
    pub expected: f64,
    /// `raw` less `expected`, at least 0.
    pub excess: f64,
    /// The bins, by rising probability.
    pub bins: Vec<Bin>,
}

impl CalibrationError {
    /// Bins probabilities against labels.
    #[must_use]
    pub fn new(probabilities: &[f64], labels: &[f64], weights: &[f64], seed: u64) -> Self {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        let bin_of = bin_of(&order, weights);
        let bins = |labels: &[f64]| bins(&order, &bin_of, probabilities, labels, weights);

        let found = bins(labels);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut expected = 0.0;
        for _ in 0..NULL_DRAWS {
            let drawn: Vec<f64> = probabilities.iter().map(|p| f64::from(u8::from(rng.random::<f64>() < *p))).collect();
            expected += error(&bins(&drawn)) / NULL_DRAWS as f64;
        }
        let raw = error(&found);
        Self { raw, expected, excess: (raw - expected).max(0.0), bins: found }
    }
}

/// The bin of each place in the order, so that bins have equal weight.
fn bin_of(order: &[usize], weights: &[f64]) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let mut before = 0.0;
    order
        .iter()
        .map(|&row| {
            let middle = before + 0.5 * weights[row];
            before += weights[row];
            ((middle / total * BINS as f64) as usize).min(BINS - 1)
        })
        .collect()
}

fn bins(order: &[usize], bin_of: &[usize], probabilities: &[f64], labels: &[f64], weights: &[f64]) -> Vec<Bin> {
    let total: f64 = weights.iter().sum();
    let mut sums = [(0.0, 0.0, 0.0); BINS];
    for (&row, &bin) in order.iter().zip(bin_of) {
        sums[bin].0 += weights[row] * probabilities[row];
        sums[bin].1 += weights[row] * labels[row];
        sums[bin].2 += weights[row];
    }
    sums.iter()
        .filter(|(_, _, weight)| *weight > 0.0)
        .map(|(p, y, weight)| Bin { predicted: p / weight, observed: y / weight, share: weight / total })
        .collect()
}

fn error(bins: &[Bin]) -> f64 {
    bins.iter().map(|bin| bin.share * (bin.predicted - bin.observed).abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random()).collect()
    }

    #[test]
    fn a_calibrated_model_has_no_excess_and_a_shifted_one_its_shift() {
        let p = uniform(5000, 1);
        let labels: Vec<f64> = p.iter().zip(uniform(5000, 2)).map(|(p, u)| f64::from(u8::from(u < *p))).collect();
        let good = CalibrationError::new(&p, &labels, &[1.0; 5000], 3);
        assert!(good.excess < 0.01 && good.raw > 0.005, "{good:?}");
        assert_eq!(good.bins.len(), BINS);

        let shifted: Vec<f64> = p.iter().map(|p| 0.6 * p + 0.4).collect();
        let bad = CalibrationError::new(&shifted, &labels, &[1.0; 5000], 3);
        assert!((bad.raw - 0.2).abs() < 0.02, "{bad:?}");
    }
}

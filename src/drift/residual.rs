//! Calibration drift: are answers acceptable less often than was predicted of them?
//!
//! For residuals r = p̂ − y − r₀, with the predicted probability p̂, what became of it y in [0, 1] and the tolerated mean r₀:
//!
//! M_λ ← (M_λ + 1) · (1 + λ·r),   alarm when mean_λ M_λ ≥ A,
//!
//! for fixed stakes λ in (0, 1/(1 + r₀)). The bound of [`super::Bernoulli`] holds while E[p̂ − y | x and the past] ≤ r₀. How
//! requests x were chosen to be judged does not matter, nor how they are distributed: what is detected is that the same
//! requests turn out worse, not that other requests come.
//!
//! Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024), in the e-detector of
//! Shin, Ramdas and Rinaldo (2024).

use serde::{Deserialize, Serialize};

use super::DriftDetector;

/// Detects that predictions have become too hopeful.
///
/// ```
/// use rungs::drift::{DriftDetector, Residual};
///
/// let mut detector = Residual::new(0.02, 10_000.0);
/// // Nine in ten were to be acceptable, and are; then three in four are.
/// assert!(!(0..2_000).any(|i| detector.observe((0.9, f64::from(i % 10 != 0)))));
/// let delay = (1..).find(|i| detector.observe((0.9, f64::from(i % 4 != 0))));
/// assert_eq!(delay, Some(108));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    null: f64,
    run_length: f64,
    evidence: Vec<f64>,
}

/// Stakes as shares of the largest one allowed.
const STAKES: [f64; 5] = [0.15, 0.3, 0.5, 0.7, 0.9];

impl Residual {
    /// Detects a mean of p̂ − y above `null`, in (−1, 1). `run_length` is the least mean number of samples between two false
    /// alarms.
    #[must_use]
    pub fn new(null: f64, run_length: f64) -> Self {
        Self { null: null.clamp(-0.9, 0.9), run_length: run_length.max(1.0), evidence: vec![0.0; STAKES.len()] }
    }
}

impl DriftDetector for Residual {
    /// What was predicted, and what became of it, both in [0, 1].
    type Sample = (f64, f64);

    fn observe(&mut self, (predicted, outcome): (f64, f64)) -> bool {
        if !predicted.is_finite() || !outcome.is_finite() {
            return false;
        }
        let residual = predicted.clamp(0.0, 1.0) - outcome.clamp(0.0, 1.0) - self.null;
        for (evidence, stake) in self.evidence.iter_mut().zip(STAKES) {
            *evidence = (*evidence + 1.0) * (1.0 + stake / (1.0 + self.null) * residual);
        }
        let alarm = self.evidence() >= 1.0;
        if alarm {
            self.reset();
        }
        alarm
    }

    fn evidence(&self) -> f64 {
        self.evidence.iter().sum::<f64>() / self.evidence.len() as f64 / self.run_length
    }

    fn reset(&mut self) {
        self.evidence.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// A stream whose predictions are right on average, or too hopeful by `bias`.
    fn run(seed: u64, bias: f64, tolerated: f64, run_length: f64, most: u32) -> Option<u32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut detector = Residual::new(tolerated, run_length);
        (1..=most).find(|_| {
            let p: f64 = rng.random_range(0.3..1.0);
            detector.observe((p, f64::from(rng.random_bool((p - bias).max(0.0)))))
        })
    }

    #[test]
    fn false_alarms_are_as_rare_as_configured_at_the_null_itself() {
        let runs: Vec<f64> =
            (0..300).map(|seed| run(seed, 0.02, 0.02, 300.0, 1_000_000).map_or(1e6, f64::from)).collect();
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        let var = runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>() / runs.len() as f64;
        assert!(mean + 3.0 * (var / 300.0).sqrt() >= 300.0, "{mean}");
    }

    #[test]
    fn a_loss_of_ten_points_is_found() {
        let found = (0..100).filter(|seed| run(*seed, 0.1, 0.02, 20_000.0, 1_000).is_some()).count();
        assert!(found >= 95, "{found} of 100");
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut detector = Residual::new(0.0, 10.0);
        assert!(!detector.observe((f64::NAN, 1.0)) && detector == Residual::new(0.0, 10.0));
    }
}

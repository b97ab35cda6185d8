//! A Bernoulli e-detector: has the rate of failures risen above what is tolerated?
//!
//! For each alternative q above the null p₀, over samples x in [0, 1] (1 = failure):
//!
//! M_q ← (M_q + 1) · (q/p₀)^x · ((1−q)/(1−p₀))^(1−x),   alarm when mean_q M_q ≥ A.
//!
//! Each factor has an expectation of at most 1 while the mean of x, given all before it, is at most p₀: M_q − n is then a
//! supermartingale, so that the mean number of samples between two alarms is at least A whatever the true rate ≤ p₀, and
//! whatever the samples' dependence on the past. A score between 0 and 1 counts as a part of a failure: the factor is convex
//! in x, which keeps the bound.
//!
//! Source: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2024); the
//! Shiryaev–Roberts recursion is Roberts' (1966).

use serde::{Deserialize, Serialize};

use super::DriftDetector;

/// Detects a rise of a rate above `null`.
///
/// ```
/// use rungs::drift::{Bernoulli, DriftDetector};
///
/// let mut detector = Bernoulli::new(0.12, 20_000.0);
/// // One answer in ten fails: never an alarm. Then one in four does.
/// assert!(!(0..2_000).any(|i| detector.observe(f64::from(i % 10 == 0))));
/// let delay = (1..).find(|i| detector.observe(f64::from(i % 4 == 0)));
/// assert_eq!(delay, Some(112));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bernoulli {
    null: f64,
    run_length: f64,
    bets: Vec<Bet>,
}

/// What an alternative says so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Bet {
    rate: f64,
    evidence: f64,
}

/// How far above the null the alternatives lie by default.
const SHIFTS: [f64; 7] = [0.04, 0.06, 0.08, 0.10, 0.12, 0.16, 0.20];

/// A null nearer to 0 or 1 is taken as this near: a single failure must not be infinite evidence.
const EDGE: f64 = 1e-3;

impl Bernoulli {
    /// Detects a rise above `null`, a rate in (0, 1), by 4 to 20 points. `run_length` is the least mean number of samples
    /// between two false alarms.
    #[must_use]
    pub fn new(null: f64, run_length: f64) -> Self {
        Self::against(null, run_length, SHIFTS.map(|shift| null + shift))
    }

    /// The same against these rates; those that are not above the null are left out.
    #[must_use]
    pub fn against(null: f64, run_length: f64, rates: impl IntoIterator<Item = f64>) -> Self {
        let null = null.clamp(EDGE, 1.0 - EDGE);
        let bet = |rate| Bet { rate, evidence: 0.0 };
        let mut bets: Vec<Bet> = rates.into_iter().filter(|rate| *rate > null && *rate < 1.0).map(bet).collect();
        if bets.is_empty() {
            bets.push(bet((1.0 + null) / 2.0));
        }
        Self { null, run_length: run_length.max(1.0), bets }
    }

    /// The rate that is tolerated.
    #[must_use]
    pub fn null(&self) -> f64 {
        self.null
    }
}

impl DriftDetector for Bernoulli {
    type Sample = f64;

    fn observe(&mut self, failure: f64) -> bool {
        if !failure.is_finite() {
            return false;
        }
        let x = failure.clamp(0.0, 1.0);
        for bet in &mut self.bets {
            let factor = (bet.rate / self.null).powf(x) * ((1.0 - bet.rate) / (1.0 - self.null)).powf(1.0 - x);
            bet.evidence = (bet.evidence + 1.0) * factor;
        }
        let alarm = self.evidence() >= 1.0;
        if alarm {
            self.reset();
        }
        alarm
    }

    fn evidence(&self) -> f64 {
        let sum: f64 = self.bets.iter().map(|bet| bet.evidence).sum();
        sum / self.bets.len() as f64 / self.run_length
    }

    fn reset(&mut self) {
        self.bets.iter_mut().for_each(|bet| bet.evidence = 0.0);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut detector = Bernoulli::new(0.1, 100.0);
        detector.observe(1.0);
        let before = detector.clone();
        assert!(!detector.observe(f64::NAN) && detector == before);
    }

    #[test]
    fn a_null_at_either_end_can_be_watched() {
        for null in [0.0, 1.0, 0.97] {
            let mut detector = Bernoulli::new(null, 50.0);
            assert!((0..5_000).any(|_| detector.observe(1.0)), "{null}");
        }
    }

    /// At the worst rate that is tolerated the mean run is at least A, with an allowance of three standard errors.
    #[test]
    fn false_alarms_are_as_rare_as_configured_at_the_null_itself() {
        for (null, run_length) in [(0.12, 300.0), (0.3, 300.0), (0.5, 200.0)] {
            let runs: Vec<f64> = (0..300).map(|seed| run(seed, null, run_length)).collect();
            let mean = runs.iter().sum::<f64>() / runs.len() as f64;
            let var = runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>() / runs.len() as f64;
            let error = (var / runs.len() as f64).sqrt();
            assert!(mean + 3.0 * error >= run_length, "{null}: {mean} ± {error}");
        }
    }

    fn run(seed: u64, rate: f64, run_length: f64) -> f64 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut detector = Bernoulli::new(rate, run_length);
        (1..).find(|_| detector.observe(f64::from(rng.random_bool(rate)))).map_or(f64::INFINITY, f64::from)
    }
}

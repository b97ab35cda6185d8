//! What a monitor can find, and how fast: by simulation of the very detector, with fixed seeds.

use serde::{Deserialize, Serialize};

use super::{Bernoulli, DriftDetector};

/// How long a rise of this size takes to be found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// By how much the rate rises.
    pub rise: f64,
    /// Mean number of samples until the alarm.
    pub mean: f64,
    /// Nine alarms in ten come within so many.
    pub p90: f64,
}

/// Runs of a simulation.
const RUNS: u64 = 200;

/// Samples after which a run is given up.
const MOST: u32 = 20_000;

/// Samples before the rise, so that the detector is as it usually is.
const BEFORE: u32 = 500;

/// How long `detector` takes, once the rate rises from `normal` by `rise`; `None` where more than one run in twenty finds nothing
/// in 20,000 samples.
#[must_use]
pub fn of(detector: &Bernoulli, normal: f64, rise: f64) -> Option<Reach> {
    let mut delays: Vec<f64> = (0..RUNS).map(|seed| delay(detector.clone(), normal, rise, seed)).collect();
    delays.sort_unstable_by(f64::total_cmp);
    let p90 = *delays.get(delays.len() * 9 / 10)?;
    let unfound = delays.iter().filter(|delay| **delay >= f64::from(MOST)).count();
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    (unfound * 20 <= delays.len()).then_some(Reach { rise, mean, p90 })
}

fn delay(mut detector: Bernoulli, normal: f64, rise: f64, seed: u64) -> f64 {
    let mut rng = fastrand::Rng::with_seed(seed);
    detector.reset();
    for _ in 0..BEFORE {
        detector.observe(f64::from(rng.f64() < normal));
    }
    f64::from((1..MOST).find(|_| detector.observe(f64::from(rng.f64() < normal + rise))).unwrap_or(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_rises_are_found_sooner() {
        let detector = Bernoulli::new(0.12, 20_000.0);
        let of = |rise| of(&detector, 0.1, rise).unwrap();
        let (small, large) = (of(0.06), of(0.12));
        assert!(large.mean < small.mean / 2.0 && large.mean < large.p90, "{small:?} {large:?}");
        assert!((150.0..260.0).contains(&of(0.1).mean) && of(0.1).p90 < 400.0);
        assert_eq!(super::of(&detector, 0.1, 0.0), None);
    }
}

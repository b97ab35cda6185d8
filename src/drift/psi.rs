//! The population stability index of a window against a reference, with its null distribution.
//!
//! PSI = Σ_b (q_b − p_b)·ln(q_b/p_b) over B bins that hold equal parts of the reference, with half a case added to each so
//! that an empty bin is no infinity. Where both come from the same distribution, PSI is about (1/n + 1/m)·χ²_{B−1} for n
//! reference cases and m in the window: the usual fixed limits of .1 and .25 are far too small for small windows.
//!
//! Source: Yurdakul and Naranjo, "Statistical properties of the population stability index" (2020).

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Bins of the reference.
pub const BINS: usize = 10;

/// The reference distribution, in deciles.
///
/// ```
/// use rungs::drift::psi::Deciles;
///
/// let reference = Deciles::of((0..1_000).map(f64::from)).unwrap();
/// let same = reference.psi(&reference.counts((0..500).map(|x| f64::from(2 * x))));
/// let moved = reference.psi(&reference.counts((0..500).map(|x| f64::from(2 * x) + 300.0)));
/// assert!(same < reference.limit(500, 0.01) && moved > reference.limit(500, 0.01));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deciles {
    cuts: Vec<f64>,
    counts: Vec<u64>,
}

impl Deciles {
    /// The deciles of these values; what is no number is left out. `None` where fewer than 20 are left.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        if values.len() < 2 * BINS {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let cuts = (1..BINS).filter_map(|bin| values.get(bin * values.len() / BINS).copied()).collect();
        let mut deciles = Self { cuts, counts: Vec::new() };
        deciles.counts = deciles.counts(values);
        Some(deciles)
    }

    /// How many of these values lie in each bin.
    #[must_use]
    pub fn counts(&self, values: impl IntoIterator<Item = f64>) -> Vec<u64> {
        let mut counts = vec![0; BINS];
        for value in values.into_iter().filter(|value| value.is_finite()) {
            if let Some(count) = counts.get_mut(self.bin(value)) {
                *count += 1;
            }
        }
        counts
    }

    /// The bin of a value, from 0.
    #[must_use]
    pub fn bin(&self, value: f64) -> usize {
        self.cuts.partition_point(|cut| *cut <= value)
    }

    /// The index of a window with so many cases in each bin.
    #[must_use]
    pub fn psi(&self, window: &[u64]) -> f64 {
        let (p, q) = (shares(&self.counts), shares(window));
        p.zip(q).map(|(p, q)| (q - p) * (q / p).ln()).sum()
    }

    /// The index that a window of `m` cases from the same distribution passes with probability `alpha`, in (0, 1).
    #[must_use]
    pub fn limit(&self, m: u64, alpha: f64) -> f64 {
        // Values that all are alike fill one bin, and leave nothing to differ.
        let used = self.counts.iter().filter(|count| **count > 0).count();
        let Ok(null) = ChiSquared::new(used.saturating_sub(1).max(1) as f64) else { return f64::INFINITY };
        let n: u64 = self.counts.iter().sum();
        null.inverse_cdf(1.0 - alpha) * (1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64)
    }
}

/// Shares of bins with half a case added to each.
fn shares(counts: &[u64]) -> impl Iterator<Item = f64> + '_ {
    let all = counts.iter().sum::<u64>() as f64 + counts.len() as f64 / 2.0;
    counts.iter().map(move |count| (*count as f64 + 0.5) / all)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// How often a window of `m` from the reference's own distribution passes the 1% limit.
    fn false_positives(n: usize, m: usize, runs: u64) -> f64 {
        let limit = Deciles::of((0..n).map(|i| i as f64)).unwrap().limit(m as u64, 0.01);
        let passed = (0..runs).filter(|seed| {
            let mut rng = StdRng::seed_from_u64(*seed);
            let reference = Deciles::of((0..n).map(|_| rng.random::<f64>())).unwrap();
            let window = reference.counts((0..m).map(|_| rng.random::<f64>()));
            reference.psi(&window) > limit
        });
        passed.count() as f64 / runs as f64
    }

    #[test]
    fn false_positives_are_as_frequent_as_the_null_says() {
        for m in [100, 1000] {
            let rate = false_positives(2_000, m, 4_000);
            assert!((rate - 0.01).abs() < 0.005, "{rate} at m = {m}");
        }
    }

    #[test]
    fn values_that_are_all_alike_have_a_finite_index() {
        let reference = Deciles::of(std::iter::repeat_n(0.5, 100)).unwrap();
        let window = reference.counts(std::iter::repeat_n(0.5, 50));
        assert!(reference.psi(&window) < reference.limit(50, 0.01));
        let elsewhere = reference.counts(std::iter::repeat_n(0.1, 50));
        assert!(reference.psi(&elsewhere) > reference.limit(50, 0.01));
        assert_eq!(Deciles::of([0.5; 19]), None);
    }
}

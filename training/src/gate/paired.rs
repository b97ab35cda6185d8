//! The mean of paired differences, with its bounds and a test that needs no large numbers.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::evaluate::Interval;
use crate::evaluate::bootstrap::{RESAMPLINGS, clusters, percentiles, tail};
use crate::random::stream;

/// A weighted mean of differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Paired {
    /// The mean.
    pub difference: f64,
    /// What it is above with a probability of 1 − α, by cluster bootstrap.
    pub lower: f64,
    /// What it is below with that probability.
    pub upper: f64,
    /// P(a mean this large | the sign of each group is a coin's), by simulation. Resampling is too sure of few differences
    /// that are all alike; this is exact, whatever their number, where the differences are as likely to go either way.
    pub p: f64,
    /// Groups.
    pub groups: usize,
    /// Groups whose mean is not 0.
    pub differing: usize,
}

/// Resamplings beyond a bound: fewer would make the bound itself a matter of luck.
const BEYOND: f64 = 20.0;

/// More resamplings than this are not worth their time.
const MOST: usize = 50_000;

impl Paired {
    /// The means of several differences of the same rows, each with the α of its bounds, in the same resamplings; every list
    /// has one entry per row. Without rows nothing is known and the bounds are infinite.
    pub(super) fn of<const N: usize>(
        differences: [(&[f64], f64); N],
        weights: &[f64],
        groups: &[u64],
        seed: u64,
    ) -> [Self; N] {
        let (cluster_of, count) = clusters(groups);
        let sums: [Vec<f64>; N] = differences.map(|(values, _)| group_sums(values, weights, &cluster_of, count));
        let heavy = group_sums(&vec![1.0; groups.len()], weights, &cluster_of, count);
        let totals: Vec<([f64; N], f64)> =
            (0..count).map(|group| (std::array::from_fn(|i| sums[i][group]), heavy[group])).collect();
        let draws = differences.map(|(_, alpha)| ((BEYOND / alpha) as usize).clamp(RESAMPLINGS, MOST));
        let most = draws.iter().copied().max().unwrap_or(RESAMPLINGS);
        let means: [Vec<f64>; N] = resampled(&totals, most, &mut stream(seed, 1));
        let weight: f64 = totals.iter().map(|total| total.1).sum();
        std::array::from_fn(|i| {
            let sums: Vec<f64> = sums[i].iter().copied().filter(|sum| *sum != 0.0).collect();
            let found = percentiles(means[i].clone(), most, tail(count.max(2), differences[i].1));
            let Interval(lower, upper) = found.unwrap_or(Interval(f64::NEG_INFINITY, f64::INFINITY));
            Self {
                difference: if weight > 0.0 { sums.iter().sum::<f64>() / weight } else { 0.0 },
                lower,
                upper,
                p: sign_flip(&sums, draws[i], &mut stream(seed, 2)),
                groups: count,
                differing: sums.len(),
            }
        })
    }
}

/// Per group, the weighted sum of its differences.
fn group_sums(values: &[f64], weights: &[f64], cluster_of: &[usize], count: usize) -> Vec<f64> {
    let mut sums = vec![0.0; count];
    for ((&cluster, value), weight) in cluster_of.iter().zip(values).zip(weights) {
        sums[cluster] += weight * value;
    }
    sums
}

/// The means in resamplings of the groups, one list for each difference; of fewer than two groups, none.
fn resampled<const N: usize>(totals: &[([f64; N], f64)], draws: usize, rng: &mut ChaCha8Rng) -> [Vec<f64>; N] {
    let mut means: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let groups = totals.len() as u32;
    if groups < 2 {
        return means;
    }
    for _ in 0..draws {
        let (mut sums, mut weight) = ([0.0; N], 0.0);
        for _ in 0..groups {
            let (drawn, heavy) = &totals[rng.random_range(0..groups) as usize];
            sums.iter_mut().zip(drawn).for_each(|(sum, drawn)| *sum += drawn);
            weight += heavy;
        }
        means.iter_mut().zip(sums).filter(|_| weight > 0.0).for_each(|(means, sum)| means.push(sum / weight));
    }
    means
}

fn sign_flip(sums: &[f64], draws: usize, rng: &mut ChaCha8Rng) -> f64 {
    let found: f64 = sums.iter().sum();
    let scale: f64 = sums.iter().map(|sum| sum.abs()).sum();
    // Rounding must not decide whether a draw is as large as what was found.
    let reached = found - 1e-9 * scale;
    let mut beyond = 1;
    for _ in 0..draws {
        let drawn: f64 = sums.iter().map(|sum| if rng.random() { *sum } else { -sum }).sum();
        beyond += usize::from(drawn >= reached);
    }
    beyond as f64 / (draws + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(differences: &[f64], alpha: f64) -> Paired {
        let groups: Vec<u64> = (0..differences.len() as u64).collect();
        let [found] = Paired::of([(differences, alpha)], &vec![1.0; differences.len()], &groups, 3);
        found
    }

    #[test]
    fn few_differences_that_are_all_alike_do_not_persuade_the_sign_flip() {
        let mut differences = vec![0.0; 200];
        differences[..4].fill(1.0);
        let found = of(&differences, 0.025);
        assert_eq!((found.difference, found.groups, found.differing), (0.02, 200, 4));
        assert!((found.p - 1.0 / 16.0).abs() < 0.015, "{found:?}");
    }

    #[test]
    fn bounds_lie_where_the_normal_distribution_puts_them_and_widen_as_alpha_falls() {
        let differences: Vec<f64> = (0..1000).map(|i| f64::from(i % 10) / 10.0).collect();
        let (wide, narrow) = (of(&differences, 0.0005), of(&differences, 0.025));
        // sd .2872, error .00908, quantiles 1.96 and 3.29.
        assert!((narrow.difference - 0.45).abs() < 1e-12 && (narrow.lower - 0.4322).abs() < 0.001, "{narrow:?}");
        assert!((wide.lower - 0.4201).abs() < 0.002 && (wide.upper - 0.4799).abs() < 0.002, "{wide:?}");
    }

    #[test]
    fn groups_count_once_weights_count_and_nothing_says_nothing() {
        let differences: &[f64] = &[1.0, 1.0, 0.0, 0.0];
        let [copied] = Paired::of([(differences, 0.025)], &[1.0, 1.0, 3.0, 3.0], &[1, 1, 2, 2], 0);
        assert_eq!((copied.difference, copied.groups, copied.differing), (0.25, 2, 1));
        let none = of(&[], 0.025);
        assert_eq!((none.lower, none.upper, none.p), (f64::NEG_INFINITY, f64::INFINITY, 1.0));
    }
}

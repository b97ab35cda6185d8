//! Cluster bootstrap: groups of rows are drawn with replacement, so that related rows are not counted as independent.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// A two-sided 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval(pub f64, pub f64);

/// Resamplings by default.
pub const RESAMPLINGS: usize = 2000;

/// Intervals of several statistics of the same resamplings, so that differences between them are paired.
///
/// They are expanded percentile intervals (Hesterberg 2015): a resampling of G groups varies less than a sample does, by
/// √((G − 1)/G), and of a normal distribution's quantile it makes what for an unknown variance should be Student's. So the
/// percentiles are taken at Φ(±√(G/(G − 1))·t), where t is the 97.5 % quantile with G − 1 degrees of freedom. With few
/// groups, such as domains, plain percentiles are too narrow; the tests of `simulation` print what these cover.
///
/// `statistics` gets the weight of each row in one resampling. A statistic that is `None` in a resampling is left out
/// of its own distribution; the interval is `None` where that happens in more than one of twenty, or where there is
/// only one group.
pub fn intervals<const N: usize>(
    groups: &[u64],
    weights: &[f64],
    resamplings: usize,
    seed: u64,
    statistics: impl Fn(&[f64]) -> [Option<f64>; N],
) -> [Option<Interval>; N] {
    let (cluster_of, clusters) = clusters(groups);
    if clusters < 2 {
        return [None; N];
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(resamplings));
    let mut counts = vec![0.0; clusters];
    let mut resampled = vec![0.0; groups.len()];
    for _ in 0..resamplings {
        counts.fill(0.0);
        for _ in 0..clusters {
            counts[rng.random_range(0..clusters)] += 1.0;
        }
        for ((to, &cluster), &weight) in resampled.iter_mut().zip(&cluster_of).zip(weights) {
            *to = weight * counts[cluster];
        }
        for (values, value) in values.iter_mut().zip(statistics(&resampled)) {
            values.extend(value);
        }
    }
    let tail = tail(clusters, 0.025);
    values.map(|values| percentiles(values, resamplings, tail))
}

/// The cluster of each row, and their number.
pub(crate) fn clusters(groups: &[u64]) -> (Vec<usize>, usize) {
    let mut index = HashMap::new();
    let cluster_of = groups
        .iter()
        .map(|group| {
            let next = index.len();
            *index.entry(*group).or_insert(next)
        })
        .collect();
    (cluster_of, index.len())
}

/// The share of the resamplings beyond each end of an interval that leaves out `level` at each.
pub(crate) fn tail(clusters: usize, level: f64) -> f64 {
    let g = clusters as f64;
    let student = StudentsT::new(0.0, 1.0, g - 1.0).map_or(f64::INFINITY, |student| student.inverse_cdf(1.0 - level));
    Normal::standard().cdf(-(g / (g - 1.0)).sqrt() * student)
}

/// The values at `tail` from each end; `None` where more than one of twenty is missing.
pub(crate) fn percentiles(mut values: Vec<f64>, resamplings: usize, tail: f64) -> Option<Interval> {
    if values.len() * 20 < resamplings * 19 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    // The k-th of n values estimates the quantile k/(n + 1).
    let place = (tail * (values.len() as f64 + 1.0) - 1.0).max(0.0);
    let (whole, part) = (place as usize, place.fract());
    let between = |near: usize, far: usize| values[near] + part * (values[far] - values[near]);
    let next = (whole + 1).min(last);
    Some(Interval(between(whole, next), between(last - whole, last - next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::normal;

    fn mean(values: &[f64], weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        (total > 0.0).then(|| values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total)
    }

    #[test]
    fn the_interval_of_a_mean_covers_it_at_the_stated_rate_although_rows_come_in_clusters() {
        let mut covered = 0;
        for world in 0..400 {
            let mut rng = ChaCha8Rng::seed_from_u64(world);
            let mut values = Vec::new();
            for _ in 0..80 {
                let shared = normal(&mut rng);
                values.extend((0..4).map(|_| shared + 0.5 * normal(&mut rng)));
            }
            let groups: Vec<u64> = (0..320).map(|i| i / 4).collect();
            let [interval] = intervals(&groups, &[1.0; 320], 300, world, |w| [mean(&values, w)]);
            let Interval(low, high) = interval.unwrap();
            covered += usize::from(low <= 0.0 && 0.0 <= high);
        }
        let rate = covered as f64 / 400.0;
        assert!((rate - 0.95).abs() < 0.03, "{rate}");
    }

    #[test]
    fn percentiles_widen_as_groups_become_few() {
        // Student's quantile is 12.7 with one degree of freedom, 2.262 with nine.
        assert!((tail(10, 0.025) - Normal::standard().cdf(-2.262_157 * (10.0_f64 / 9.0).sqrt())).abs() < 1e-6);
        assert!(tail(2, 0.025) < 1e-12 && (tail(100_000, 0.025) - 0.025).abs() < 1e-5);
        let values = || (1..=999).map(f64::from).collect();
        assert_eq!(percentiles(values(), 1000, 0.025), Some(Interval(25.0, 975.0)));
        assert_eq!(percentiles(values(), 1000, 0.0004), Some(Interval(1.0, 999.0)));
        assert_eq!(percentiles(values(), 1000, 0.0025), Some(Interval(2.5, 997.5)));
        assert_eq!((percentiles(values(), 1100, 0.025), percentiles(vec![], 0, 0.025)), (None, None));
    }

    #[test]
    fn one_group_has_no_interval() {
        assert_eq!(intervals(&[1; 5], &[1.0; 5], 100, 0, |_| [Some(1.0)]), [None]);
    }
}

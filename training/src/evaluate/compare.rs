//! Two scores of the same rows, in pairs.

use serde::Serialize;

use super::area::{Area, gain_at};
use super::auc::Ranking;
use super::bootstrap::{Interval, RESAMPLINGS, intervals};
use super::report::Scored;

/// The second score's figures less the first's. A figure is `None` where the rows do not define it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Area under PGR over the frontier share.
    pub apgr: Option<Difference>,
    /// Quality when half of the rows go to the frontier.
    pub quality_at_half: Option<Difference>,
    /// Area under the ROC curve against the gain.
    pub gain_auc: Option<Difference>,
}

/// A difference with its 95 % interval: both scores are judged on the same resamplings of the groups, so that what they
/// have in common cancels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Second less first.
    pub difference: f64,
    /// Its 95 % interval; `None` where there are too few groups.
    pub ci: Option<Interval>,
}

/// Compares two scores. Both must be of the same rows, in the same order; labels, weights and groups are taken from the
/// first. Equal seeds give equal intervals.
#[must_use]
pub fn compare(first: &Scored<'_>, second: &Scored<'_>, seed: u64) -> Comparison {
    compare_with(first, second, RESAMPLINGS, seed)
}

fn compare_with(first: &Scored<'_>, second: &Scored<'_>, resamplings: usize, seed: u64) -> Comparison {
    let gains = first.gains();
    let halves = first.half_gains();
    let rankings = [first, second].map(|rows| Ranking::new(&rows.scores()));
    let differences = |weights: &[f64]| {
        let [first, second] = rankings.each_ref().map(|ranking| {
            [
                Area::new(ranking, &gains, weights).and_then(Area::apgr),
                gain_at(ranking, &gains, weights, 0.5),
                ranking.auc(&halves, weights),
            ]
        });
        [0, 1, 2].map(|i| first[i].zip(second[i]).map(|(first, second)| second - first))
    };
    let found = differences(first.weights);
    let ci = intervals(first.groups, first.weights, resamplings, seed, differences);
    let [apgr, quality_at_half, gain_auc] =
        [0, 1, 2].map(|i| found[i].map(|difference| Difference { difference, ci: ci[i] }));
    Comparison { apgr, quality_at_half, gain_auc }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rayon::prelude::*;

    use super::*;
    use crate::random::normal;

    /// Rows in pairs that share half of what decides their gain; the first score sees it through more noise than the
    /// second.
    struct World {
        labels: [Vec<f64>; 2],
        scores: [[Vec<f64>; 2]; 2],
        groups: Vec<u64>,
    }

    impl World {
        fn new(groups: usize, seed: u64) -> Self {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut world = Self {
                labels: Default::default(),
                scores: Default::default(),
                groups: (0..2 * groups as u64).map(|i| i / 2).collect(),
            };
            for _ in 0..groups {
                let shared = normal(&mut rng);
                for _ in 0..2 {
                    let truth = 0.7 * shared + 0.7 * normal(&mut rng);
                    let gains = rng.random::<f64>() < 1.0 / (1.0 + (1.0 - truth).exp());
                    world.labels[0].push(0.0);
                    world.labels[1].push(f64::from(u8::from(gains)));
                    for (noise, [cheap, frontier]) in [2.0, 1.0].into_iter().zip(&mut world.scores) {
                        cheap.push(0.0);
                        frontier.push(truth + noise * normal(&mut rng));
                    }
                }
            }
            world
        }

        fn compare(&self, resamplings: usize) -> Comparison {
            let weights = vec![1.0; self.groups.len()];
            let [first, second] = self.scores.each_ref().map(|probabilities| Scored {
                probabilities,
                labels: &self.labels,
                weights: &weights,
                groups: &self.groups,
            });
            compare_with(&first, &second, resamplings, 7)
        }
    }

    #[test]
    fn the_paired_interval_covers_the_true_difference_at_the_stated_rate() {
        let truth = World::new(400_000, 1).compare(1);
        let differences = |found: Comparison| [found.apgr, found.quality_at_half, found.gain_auc].map(Option::unwrap);
        let truth = differences(truth).map(|found| found.difference);
        let covered: Vec<[bool; 3]> = (0..1000)
            .into_par_iter()
            .map(|world| {
                let found = differences(World::new(200, 100 + world).compare(300));
                [0, 1, 2].map(|i| {
                    let Interval(low, high) = found[i].ci.unwrap();
                    low <= truth[i] && truth[i] <= high
                })
            })
            .collect();
        for i in 0..3 {
            let held = covered.iter().filter(|world| world[i]).count();
            assert!((935..=965).contains(&held), "figure {i}: {held} of 1000");
        }
    }

    #[test]
    fn a_score_does_not_differ_from_itself_and_a_better_one_does_by_the_hand_computed_amount() {
        let ten_times = |values: [f64; 4]| values.repeat(10);
        let labels = [vec![0.0; 40], ten_times([1.0, 1.0, 0.0, 0.0])];
        let of = |frontier: [f64; 4]| [vec![0.0; 40], ten_times(frontier)];
        let (right, wrong) = (of([0.9, 0.8, 0.2, 0.1]), of([0.1, 0.2, 0.8, 0.9]));
        let groups: Vec<u64> = (0..40).collect();
        let rows = |probabilities| Scored { probabilities, labels: &labels, weights: &[1.0; 40], groups: &groups };
        let same = compare(&rows(&right), &rows(&right), 0);
        assert_eq!(same.apgr, Some(Difference { difference: 0.0, ci: Some(Interval(0.0, 0.0)) }));
        let found = compare(&rows(&wrong), &rows(&right), 0);
        // PGR 0 ½ 1 1 1 has area ¾, PGR 0 0 0 ½ 1 has ¼.
        assert!((found.apgr.unwrap().difference - 0.5).abs() < 1e-12, "{found:?}");
        assert_eq!(found.quality_at_half.unwrap().difference, 0.5);
        assert!(found.gain_auc.unwrap().difference > 0.0);
    }
}

//! Worlds with known truth: what the intervals cover, and how often noise passes for a signal.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::area::Area;
use super::auc::Ranking;
use super::bootstrap::{Interval, intervals};
use crate::random::normal;

const WORLDS: u64 = 1000;
const RESAMPLINGS: usize = 499;

/// Correlation of the second score with the first.
const KEPT: f64 = 0.8;

/// A population of groups of rows, by the quantile u of their score.
#[derive(Clone, Copy)]
struct World {
    groups: usize,
    /// A group has 1 to this many rows.
    most_rows: usize,
    /// Share of the score's variance that is common to the rows of a group.
    shared: f64,
    /// P(frontier right, cheap wrong) and P(frontier wrong, cheap right); in each group the first is higher or lower by
    /// [`EFFECT`].
    gain: fn(f64) -> (f64, f64),
}

const EFFECT: f64 = 0.05;

/// The gain rises with the score from nothing to .3, .1 on average.
const USEFUL: fn(f64) -> (f64, f64) = |u| (0.06 + 0.3 * u * u, 0.06);

/// Many small groups, as questions are.
const QUESTIONS: World = World { groups: 250, most_rows: 3, shared: 0.7, gain: USEFUL };

/// Few large groups, as domains are.
const DOMAINS: World = World { groups: 14, most_rows: 40, shared: 0.4, gain: USEFUL };

/// A gain of .1 that no score tells.
const NOISE: World = World { gain: |_| (0.16, 0.06), ..QUESTIONS };

#[derive(Default)]
struct Sample {
    scores: [Vec<f64>; 2],
    cheap: Vec<f64>,
    frontier: Vec<f64>,
    groups: Vec<u64>,
}

impl World {
    fn sample(&self, seed: u64) -> Sample {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut sample = Sample::default();
        for group in 0..self.groups as u64 {
            let (common, effect) = (normal(&mut rng), if rng.random() { EFFECT } else { -EFFECT });
            for _ in 0..rng.random_range(1..=self.most_rows) {
                let first = self.shared.sqrt() * common + (1.0 - self.shared).sqrt() * normal(&mut rng);
                let second = KEPT * first + (1.0 - KEPT * KEPT).sqrt() * normal(&mut rng);
                let (plus, minus) = (self.gain)(Normal::standard().cdf(first));
                let u: f64 = rng.random();
                let (cheap, frontier) = if u < plus + effect {
                    (0.0, 1.0)
                } else if u > 1.0 - minus {
                    (1.0, 0.0)
                } else {
                    (1.0, 1.0)
                };
                sample.scores[0].push(first);
                sample.scores[1].push(second);
                sample.cheap.push(cheap);
                sample.frontier.push(frontier);
                sample.groups.push(group);
            }
        }
        sample
    }

    /// APGR of the first score, the first's less the second's, and AUC of the first against the gain, by integration
    /// over u: a row at the quantile u goes to the frontier at every share above 1 − u, so that APGR = E[u·gain]/E[gain].
    fn truth(&self) -> [f64; 3] {
        const NODES: usize = 20_000;
        let (mut gain, mut first, mut second, mut positive, mut above) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for node in 0..NODES {
            let u = (node as f64 + 0.5) / NODES as f64;
            let (plus, minus) = (self.gain)(u);
            gain += plus - minus;
            first += u * (plus - minus);
            // The second score's quantile, given the first's.
            let z = Normal::standard().inverse_cdf(u);
            second += Normal::standard().cdf(KEPT * z / (2.0 - KEPT * KEPT).sqrt()) * (plus - minus);
            let half = 0.5 * (1.0 + plus - minus);
            above += half * (node as f64 - positive);
            positive += half;
        }
        [first / gain, (first - second) / gain, above / (positive * (NODES as f64 - positive))]
    }

    /// Share of the worlds in which each interval holds the truth, of those in which it is defined.
    fn coverage(&self) -> [f64; 3] {
        let truth = self.truth();
        let found: Vec<[Option<Interval>; 3]> =
            (0..WORLDS).into_par_iter().map(|seed| self.sample(seed).intervals(seed)).collect();
        std::array::from_fn(|i| {
            let defined: Vec<Interval> = found.iter().filter_map(|intervals| intervals[i]).collect();
            let held = defined.iter().filter(|interval| interval.0 <= truth[i] && truth[i] <= interval.1).count();
            held as f64 / defined.len() as f64
        })
    }
}

impl Sample {
    /// Of the figures of [`World::truth`].
    fn intervals(&self, seed: u64) -> [Option<Interval>; 3] {
        let [first, second] = [0, 1].map(|i| Ranking::new(&self.scores[i]));
        let gains: Vec<f64> = self.frontier.iter().zip(&self.cheap).map(|(f, c)| f - c).collect();
        let halves: Vec<f64> = gains.iter().map(|gain| 0.5 * (1.0 + gain)).collect();
        intervals(&self.groups, &vec![1.0; gains.len()], RESAMPLINGS, seed, |weights| {
            let [a, b] = [&first, &second].map(|ranking| Area::new(ranking, &gains, weights)?.apgr());
            [a, a.zip(b).map(|(a, b)| a - b), first.auc(&halves, weights)]
        })
    }
}

#[test]
fn intervals_cover_the_truth_in_95_of_100_worlds() {
    for (name, world) in [("questions", QUESTIONS), ("domains", DOMAINS), ("noise", NOISE)] {
        let coverage = world.coverage();
        eprintln!("{name}: APGR, paired difference, AUC of the gain covered in {coverage:.3?} of {WORLDS} worlds");
        assert!(coverage.iter().all(|share| (share - 0.95).abs() <= 0.015), "{name}: {coverage:?}");
    }
}

#[test]
fn a_score_of_noise_has_no_signal() {
    let above_half = |world: World| {
        let found = (0..WORLDS).into_par_iter().map(|seed| world.sample(seed).intervals(seed)[2]);
        found.filter(|interval| interval.is_some_and(|interval| interval.0 > 0.5)).count() as f64 / WORLDS as f64
    };
    let (noise, useful) = (above_half(NOISE), above_half(QUESTIONS));
    eprintln!("usable in {noise:.3} of the worlds of noise, in {useful:.3} of those of a useful score");
    assert!(noise <= 0.05 && useful > 0.9, "{noise} {useful}");
}

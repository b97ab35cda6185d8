//! Worlds with known truth: what the certificate promises, how much it serves cheap, and that tuning without it fails.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Certificate, Loss, Promise, Refusal, Rows, certify};

const EPSILON: f64 = 0.02;
const DELTA: f64 = 0.1;
const WORLDS: u64 = 1000;

/// P(both tiers wrong).
const BOTH_WRONG: f64 = 0.02;

/// A population of requests, by the quantile u of their score.
#[derive(Clone, Copy)]
struct World {
    score: fn(f64) -> f64,
    /// P(frontier right, cheap wrong) and P(frontier wrong, cheap right).
    gain: fn(f64) -> (f64, f64),
}

/// A useful score: the gain rises with it from nothing to about .5, .16 on average.
const USEFUL: World = World { score: |u| 0.5 * u * u - 0.02, gain: |u| (0.05 + 0.5 * u * u, 0.05) };

/// All of the loss lies in the lowest tenth of the scores, and it is just above ε: everything past that tenth breaks the
/// promise by 3 per cent.
const JUST_ABOVE: World = World { score: |u| 0.6 * u, gain: |u| if u < 0.1 { (0.306, 0.1) } else { (0.1, 0.1) } };

/// A worthless score on a gap of .04: serving more than half cheap breaks the promise.
const NOISE: World = World { score: |u| 0.3 * u, gain: |_| (0.09, 0.05) };

struct Sample {
    scores: Vec<f64>,
    cheap: Vec<f64>,
    frontier: Vec<f64>,
    groups: Vec<u64>,
}

impl World {
    /// `copies` rows of each drawn request.
    fn sample(&self, requests: usize, copies: usize, seed: u64) -> Sample {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut sample = Sample { scores: vec![], cheap: vec![], frontier: vec![], groups: vec![] };
        for request in 0..requests {
            let (u, v): (f64, f64) = (rng.random(), rng.random());
            let (plus, minus) = (self.gain)(u);
            let (cheap, frontier) = match v {
                v if v < plus => (0.0, 1.0),
                v if v < plus + minus => (1.0, 0.0),
                v if v < plus + minus + BOTH_WRONG => (0.0, 0.0),
                _ => (1.0, 1.0),
            };
            for _ in 0..copies {
                sample.scores.push((self.score)(u));
                sample.cheap.push(cheap);
                sample.frontier.push(frontier);
                sample.groups.push(request as u64);
            }
        }
        sample
    }

    /// R(t), by integration over u.
    fn risk(&self, threshold: f64) -> f64 {
        self.integrate(threshold, |plus, minus| plus - minus)
    }

    fn integrate(&self, threshold: f64, loss: impl Fn(f64, f64) -> f64) -> f64 {
        let nodes = (0..4000).map(|i| (f64::from(i) + 0.5) / 4000.0);
        let cheap = nodes.filter(|u| (self.score)(*u) < threshold);
        cheap.map(|u| loss((self.gain)(u).0, (self.gain)(u).1)).sum::<f64>() / 4000.0
    }
}

impl Sample {
    fn certify(&self, with_frontier: bool, seed: u64) -> Result<Certificate, Refusal> {
        self.certify_within(EPSILON, with_frontier, seed)
    }

    fn certify_within(&self, epsilon: f64, with_frontier: bool, seed: u64) -> Result<Certificate, Refusal> {
        let rows = Rows {
            scores: &self.scores,
            cheap: &self.cheap,
            frontier: with_frontier.then_some(&self.frontier),
            weights: &vec![1.0; self.scores.len()],
            groups: &self.groups,
        };
        certify(&rows, Promise::new(epsilon, DELTA)?, seed)
    }

    /// The largest threshold whose mean loss on the sample is within ε: tuning without a certificate.
    fn naive(&self) -> f64 {
        let mut rows: Vec<usize> = (0..self.scores.len()).collect();
        rows.sort_by(|a, b| self.scores[*a].total_cmp(&self.scores[*b]));
        let (mut loss, mut best) = (0.0, -1.0);
        for row in rows {
            if loss <= EPSILON * self.scores.len() as f64 {
                best = self.scores[row];
            }
            loss += self.frontier[row] - self.cheap[row];
        }
        best
    }
}

/// Share of the worlds whose certificate is broken, and the mean share served cheap (0 where refused).
fn simulate(world: World, requests: usize, worlds: u64) -> (f64, f64) {
    let (mut broken, mut cheap) = (0.0, 0.0);
    for seed in 0..worlds {
        if let Ok(certificate) = world.sample(requests, 1, seed).certify(true, seed) {
            broken += f64::from(u8::from(world.risk(certificate.threshold) > EPSILON));
            cheap += 1.0 - certificate.frontier_share;
        }
    }
    (broken / worlds as f64, cheap / worlds as f64)
}

/// δ and two standard errors of a rate of δ over so many worlds.
fn allowed(worlds: u64) -> f64 {
    DELTA + 2.0 * (DELTA * (1.0 - DELTA) / worlds as f64).sqrt()
}

fn per_cent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[test]
fn the_promise_is_broken_in_no_more_worlds_than_it_may_be() {
    for (name, world, worlds) in [("useful", USEFUL, 300), ("just above", JUST_ABOVE, WORLDS), ("noise", NOISE, WORLDS)]
    {
        let (broken, cheap) = simulate(world, 1000, worlds);
        let (broken_, cheap) = (per_cent(broken), per_cent(cheap));
        eprintln!("{name}, 1000 labels: broken in {broken_} of worlds, {cheap} served cheap");
        assert!(broken <= allowed(worlds), "{name}: {broken_}");
    }
}

#[test]
fn tuning_without_a_certificate_breaks_it() {
    for (name, world) in [("useful", USEFUL), ("just above", JUST_ABOVE), ("noise", NOISE)] {
        let broken = (0..200).filter(|seed| world.risk(world.sample(1000, 1, *seed).naive()) > EPSILON).count();
        let broken = broken as f64 / 200.0;
        eprintln!("{name}, 1000 labels, naive tuning: broken in {} of worlds", per_cent(broken));
        assert!(broken > 0.3, "{name}: {broken}");
    }
}

#[test]
fn it_serves_a_good_part_of_what_could_be_served_cheap() {
    let shares = (0..1000).map(|i| f64::from(i) / 1000.0);
    let ideal = shares.take_while(|u| USEFUL.risk((USEFUL.score)(*u)) <= EPSILON).last().unwrap();
    for (requests, worlds, least) in [(500, 100, 0.4), (1000, 100, 0.6), (5000, 40, 0.8)] {
        let (_, cheap) = simulate(USEFUL, requests, worlds);
        eprintln!("{requests} labels: {} served cheap of {} that could be", per_cent(cheap), per_cent(ideal));
        assert!(cheap > least * ideal, "{requests}: {cheap}");
    }
}

#[test]
fn rows_that_repeat_each_other_count_once() {
    let mut broken = [0.0, 0.0];
    for seed in 0..200 {
        let honest = NOISE.sample(300, 8, seed);
        let careless = Sample { groups: (0..honest.groups.len() as u64).collect(), ..NOISE.sample(300, 8, seed) };
        for (sample, broken) in [honest, careless].iter().zip(&mut broken) {
            let certificate = sample.certify(true, seed);
            *broken += f64::from(u8::from(certificate.is_ok_and(|c| NOISE.risk(c.threshold) > EPSILON))) / 200.0;
        }
    }
    assert!(broken[0] <= allowed(200), "{broken:?}");
    assert!(broken[1] > allowed(200), "rows of one group taken for independent should break it: {broken:?}");
}

#[test]
fn without_frontier_labels_unacceptable_answers_are_bounded() {
    let easy = World { score: |u| u, gain: |u| if u < 0.5 { (0.01, 0.0) } else { (0.3, 0.0) } };
    let unacceptable = |certificate: &Certificate| easy.integrate(certificate.threshold, |plus, _| plus + BOTH_WRONG);
    let mut broken = 0.0;
    let mut certified = 0;
    for seed in 0..300 {
        if let Ok(certificate) = easy.sample(1000, 1, seed).certify(false, seed) {
            assert_eq!(certificate.loss, Loss::Unacceptable);
            broken += f64::from(u8::from(unacceptable(&certificate) > EPSILON)) / 300.0;
            certified += 1;
        }
    }
    assert!(broken <= allowed(300) && certified > 270, "{broken} {certified}");
}

#[test]
fn the_number_of_labels_that_a_refusal_names_is_about_right() {
    let certify = |n, seed| NOISE.sample(n, 1, seed).certify_within(0.01, true, seed);
    let mut named: Vec<usize> = (0..41)
        .filter_map(|seed| match certify(250, seed) {
            Err(Refusal::TooFewLabels { needed, .. }) => Some(needed),
            _ => None,
        })
        .collect();
    named.sort_unstable();
    let needed = named[named.len() / 2];
    let certified = |n| (0..50).filter(|seed| certify(n, 100 + seed).is_ok()).count();
    assert!(certified(needed) > 30 && certified(needed / 6) < 20, "{named:?}");
}

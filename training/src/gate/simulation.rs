//! Worlds with known truth: how often a challenger without a gain is promoted, and one with a gain is.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Findings, Head, Objection, Pairs, Part, Passes, SLICE_MARGIN, Terms, ask};
use crate::learners::logistic::sigmoid;
use crate::random::normal;

/// Two models that serve answers of different quality on some of the requests.
#[derive(Clone, Copy)]
struct World {
    groups: usize,
    /// Share of the requests where the challenger's answer is good and the champion's is not, and the other way round.
    wins: f64,
    losses: f64,
    /// Share of the requests that go to the frontier by the challenger less that by the champion, which is .4.
    dearer: f64,
    /// How much the challenger's probabilities are too far apart.
    stretch: f64,
}

const NO_GAIN: World = World { groups: 200, wins: 0.08, losses: 0.08, dearer: 0.0, stretch: 1.0 };

/// 2 pp better on 2,000 pairs: the two models' answers differ in quality on 6 % of the requests.
const TWO_POINTS: World = World { groups: 2000, wins: 0.04, losses: 0.02, dearer: 0.0, stretch: 1.0 };

struct Holdout {
    quality: [Vec<f64>; 2],
    cost: [Vec<f64>; 2],
    weights: Vec<f64>,
    groups: Vec<u64>,
    probabilities: Vec<f64>,
    labels: Vec<f64>,
}

impl World {
    /// One to two requests a group, drawn with 1 or ½.
    fn holdout(self, seed: u64) -> Holdout {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut holdout = Holdout {
            quality: Default::default(),
            cost: Default::default(),
            weights: vec![],
            groups: vec![],
            probabilities: vec![],
            labels: vec![],
        };
        for group in 0..self.groups as u64 {
            for _ in 0..rng.random_range(1..=2) {
                let u: f64 = rng.random();
                let (champion, challenger) = match u {
                    u if u < self.wins => (0.0, 1.0),
                    u if u < self.wins + self.losses => (1.0, 0.0),
                    u if u < 0.8 => (1.0, 1.0),
                    _ => (0.0, 0.0),
                };
                let v: f64 = rng.random();
                let sent = |share: f64| f64::from(u8::from(v < share));
                let z = 1.0 + normal(&mut rng);
                holdout.quality[0].push(champion);
                holdout.quality[1].push(challenger);
                holdout.cost[0].push(sent(0.4));
                holdout.cost[1].push(sent(0.4 + self.dearer));
                holdout.weights.push(if rng.random() { 1.0 } else { 2.0 });
                holdout.groups.push(group);
                holdout.probabilities.push(sigmoid(self.stretch * z));
                holdout.labels.push(f64::from(u8::from(rng.random::<f64>() < sigmoid(z))));
            }
        }
        holdout
    }

    fn asked(self, attempt: u32, seed: u64) -> Findings {
        let holdout = self.holdout(seed);
        let head = Head { tier: "small", probabilities: &holdout.probabilities, labels: &holdout.labels };
        ask(&holdout.pairs(), &[], &[head], terms(attempt, seed))
    }

    /// Share of the worlds in which the challenger is promoted.
    fn promoted(self, attempt: u32, worlds: u64) -> f64 {
        let promoted = (0..worlds).into_par_iter().filter(|seed| self.asked(attempt, *seed).promotes()).count();
        promoted as f64 / worlds as f64
    }
}

impl Holdout {
    fn pairs(&self) -> Pairs<'_> {
        Pairs {
            quality: [&self.quality[0], &self.quality[1]],
            cost: [&self.cost[0], &self.cost[1]],
            weights: &self.weights,
            groups: &self.groups,
        }
    }
}

fn part<'a>(name: &'a str, holdout: &'a Holdout) -> Part<'a> {
    Part { name, pairs: holdout.pairs(), tolerated: SLICE_MARGIN }
}

fn terms(attempt: u32, seed: u64) -> Terms {
    Terms { price: 0.1, alpha: 0.05, attempt, seed }
}

#[test]
fn a_challenger_without_a_gain_is_promoted_in_at_most_one_of_twenty_worlds() {
    let worlds = 1000;
    let first = NO_GAIN.promoted(1, worlds);
    let small = World { groups: 80, ..NO_GAIN }.promoted(1, worlds);
    let rare = World { wins: 0.02, losses: 0.02, ..NO_GAIN }.promoted(1, worlds);
    eprintln!("promoted without a gain: {first:.3}, on 80 groups {small:.3}, with few differences {rare:.3}");
    assert!(first <= 0.04 && small <= 0.04 && rare <= 0.04, "{first} {small} {rare}");
    assert!(first >= 0.005, "a gate that never opens would pass too: {first}");
}

#[test]
fn six_attempts_in_a_row_promote_one_without_a_gain_no_more_often() {
    // Each attempt sees its own holdout: the union over them is as bad as it gets.
    let worlds = 200;
    let ever = (0..worlds).into_par_iter().filter(|world| {
        (1..=6).any(|attempt| NO_GAIN.asked(attempt, 10_000 + world * 10 + u64::from(attempt)).promotes())
    });
    let ever = ever.count() as f64 / worlds as f64;
    eprintln!("promoted without a gain in one of six attempts: {ever:.3}");
    assert!(ever <= 0.05 + 0.02, "{ever}");
}

#[test]
fn a_gain_of_two_points_on_two_thousand_pairs_is_promoted_nine_times_in_ten() {
    let promoted = TWO_POINTS.promoted(1, 200);
    eprintln!("promoted with 2 pp at 2,000 groups: {promoted:.3}");
    assert!(promoted >= 0.9, "{promoted}");
}

#[test]
fn a_cheaper_one_that_is_no_worse_is_promoted_and_a_dearer_one_is_not() {
    let cheaper = World { groups: 3000, wins: 0.004, losses: 0.004, dearer: -0.2, ..NO_GAIN };
    let found = ask(&cheaper.holdout(1).pairs(), &[], &[], Terms { price: 0.0, ..terms(1, 0) });
    assert_eq!((found.passes, found.promotes()), (Some(Passes::Cheaper), true), "{found:?}");
    // At a price of .1 the savings are a gain.
    assert_eq!(cheaper.asked(1, 1).passes, Some(Passes::Better));
    let dearer = World { dearer: 0.2, ..cheaper }.asked(1, 1);
    assert!(matches!(dearer.objections[..], [Objection::NotBetter { .. }]), "{:?}", dearer.objections);
    assert!(dearer.objections[0].to_string().contains("not shown to be better"));
}

#[test]
fn slices_slopes_and_small_holdouts_object() {
    let good = World { wins: 0.2, losses: 0.02, ..TWO_POINTS }.holdout(1);
    let bad = World { groups: 300, wins: 0.02, losses: 0.2, ..NO_GAIN }.holdout(2);
    let tiny = World { groups: 20, wins: 0.0, losses: 0.5, ..NO_GAIN }.holdout(3);
    let head = Head { tier: "small", probabilities: &good.probabilities, labels: &good.labels };
    let found = ask(&good.pairs(), &[part("bad", &bad), part("tiny", &tiny)], &[head], terms(1, 0));
    assert!(
        matches!(&found.objections[..], [Objection::Worse { name, .. }] if name == "bad"),
        "{:?}",
        found.objections
    );
    assert_eq!(found.parts.len(), 1);

    let stretched = World { stretch: 2.5, ..TWO_POINTS }.asked(1, 1);
    assert!(stretched.objections.iter().any(|o| matches!(o, Objection::Miscalibrated { .. })), "{stretched:?}");
    let few = World { groups: 40, wins: 0.5, losses: 0.0, ..NO_GAIN }.asked(1, 1);
    assert!(matches!(few.objections[..], [Objection::TooFew { have: 40 }]), "{:?}", few.objections);
}

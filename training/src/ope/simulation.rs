//! Logs of a known policy: what the estimates cover, and what they refuse.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Judged, Logged, Thin, Value, value};
use crate::evaluate::Interval;
use crate::learners::logistic::sigmoid;
use crate::random::normal;

const WORLDS: u64 = 1000;

/// P(acceptable) of the cheap (0) and the frontier tier (1).
fn truth(x: f64, action: usize) -> f64 {
    [sigmoid(0.6 - x), sigmoid(1.8 - 0.4 * x)][action]
}

/// A policy that calls the frontier where x is above a cut, and does otherwise with probability `explore`.
#[derive(Clone, Copy)]
struct Policy {
    cut: f64,
    explore: f64,
}

impl Policy {
    fn chance(self, x: f64, action: usize) -> f64 {
        if (x > self.cut) == (action == 1) { 1.0 - self.explore } else { self.explore }
    }

    /// Its true value, over standard normal x.
    fn value(self) -> f64 {
        crate::testing::expected(|x| (0..2).map(|a| self.chance(x, a) * truth(x, a)).sum())
    }
}

const LOGGING: Policy = Policy { cut: 0.5, explore: 0.1 };
const ASKED: Policy = Policy { cut: -0.25, explore: 0.0 };

/// What the model of rewards believes: right, or wrong in level and slope.
type Model = fn(f64, usize) -> f64;
const RIGHT: Model = truth;
const WRONG: Model = |x, action| [sigmoid(1.5 + 0.5 * x), 0.55][action];

/// A log of `LOGGING` in conversations of two requests; answers are judged with .3 or .6.
fn log(requests: usize, asked: Policy, logging: Policy, model: Model, seed: u64) -> Vec<Logged> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..requests as u64)
        .map(|i| {
            let x = normal(&mut rng);
            let action = usize::from(rng.random::<f64>() < logging.chance(x, 1));
            let propensity = if x > 0.0 { 0.6 } else { 0.3 };
            let reward = f64::from(u8::from(rng.random::<f64>() < truth(x, action)));
            let is_judged = rng.random::<f64>() < propensity;
            let ratio = asked.chance(x, action) / logging.chance(x, action);
            Logged {
                expected: (0..2).map(|a| asked.chance(x, a) * model(x, a)).sum(),
                judged: is_judged.then(|| Judged { ratio, reward, predicted: model(x, action), propensity }),
                group: i / 2,
            }
        })
        .collect()
}

fn found(model: Model) -> Vec<Value> {
    let found = |seed| value(&log(3000, ASKED, LOGGING, model, seed)).ok();
    let found: Vec<Value> = (0..WORLDS).into_par_iter().filter_map(found).collect();
    assert!(found.len() as u64 >= WORLDS - 5, "{} of {WORLDS} are not refused", found.len());
    found
}

#[test]
fn dr_covers_the_truth_at_its_rate_even_where_the_model_of_rewards_is_wrong() {
    let truth = ASKED.value();
    for (name, model) in [("right", RIGHT), ("wrong", WRONG)] {
        let values = found(model);
        let covered = values.iter().filter(|v| v.dr_ci.0 <= truth && truth <= v.dr_ci.1).count();
        let mean = |of: fn(&Value) -> f64| values.iter().map(of).sum::<f64>() / WORLDS as f64;
        let width = mean(|v| v.dr_ci.1 - v.dr_ci.0);
        eprintln!(
            "{name} model: truth {truth:.4}, DR {:.4} covers {covered} of {WORLDS}, width {width:.4}, SNIPS {:.4}",
            mean(|v| v.dr),
            mean(|v| v.snips)
        );
        assert!((930..=970).contains(&covered), "{name}: {covered}");
        assert!((mean(|v| v.dr) - truth).abs() < 0.003 && (mean(|v| v.snips) - truth).abs() < 0.005, "{name}");
    }
}

#[test]
fn the_mean_of_what_was_logged_is_another_number() {
    // What makes the corrections necessary: as it was logged and judged, the log shows another policy.
    let rows = log(200_000, ASKED, LOGGING, RIGHT, 1);
    let rewards: Vec<f64> = rows.iter().filter_map(|row| Some(row.judged?.reward)).collect();
    let naive = rewards.iter().sum::<f64>() / rewards.len() as f64;
    assert!((naive - ASKED.value()).abs() > 0.03, "{naive} {}", ASKED.value());
}

#[test]
fn thin_overlap_is_refused_with_its_reason() {
    let few = value(&log(300, ASKED, LOGGING, RIGHT, 1));
    assert!(matches!(few, Err(Thin::EffectiveSize { ess }) if ess < 200.0), "{few:?}");
    let rare = Policy { explore: 0.01, ..LOGGING };
    let lucky = value(&log(20_000, ASKED, rare, RIGHT, 1));
    assert!(matches!(lucky, Err(Thin::Ratio { ratio }) if ratio > 50.0), "{lucky:?}");
    let never = Policy { explore: 0.0, ..LOGGING };
    let unsupported = value(&log(20_000, ASKED, never, RIGHT, 1));
    assert!(matches!(unsupported, Err(Thin::Support { missing }) if missing > 0.2), "{unsupported:?}");
    let broken = Logged { expected: f64::NAN, judged: None, group: 0 };
    assert_eq!((value(&[broken]), value(&[])), (Err(Thin::BadRows), Err(Thin::EffectiveSize { ess: 0.0 })));
}

#[test]
fn a_hand_computed_log() {
    // Requests alike, each judged, taken half the time by chance: w is 2 where the action is the policy's, 0 else.
    let row = |i: u64| {
        let ratio = if i.is_multiple_of(2) { 2.0 } else { 0.0 };
        let judged =
            Judged { ratio, reward: f64::from(u8::from(i.is_multiple_of(4))), predicted: 0.25, propensity: 1.0 };
        Logged { expected: 0.75, judged: Some(judged), group: i }
    };
    let found = value(&(0..800).map(row).collect::<Vec<_>>()).unwrap();
    // Half of the taken ones succeed; the model expected .75 of the policy and .25 of the action taken.
    assert!((found.dr - (0.75 + 0.25)).abs() < 1e-12 && (found.snips - 0.5).abs() < 1e-12, "{found:?}");
    assert_eq!((found.ess, found.max_ratio, found.judged), (400.0, 2.0, 800));
    let Interval(low, high) = found.dr_ci;
    // The terms 2.25, .75, .25, .75 vary by .5625, so that the interval is 2 · 1.963 · .75/√799 wide.
    assert!((high - low - 0.1042).abs() < 1e-3, "{low} {high}");
}

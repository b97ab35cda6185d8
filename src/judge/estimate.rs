//! What verdicts on a sample say of all requests: pure functions over numbers.
//!
//! Every request i of a population has a prediction f_i and a probability π_i of being judged; those that were drawn
//! (ξ_i = 1) have a score Y_i. The estimate is the augmented inverse-probability-weighted one (Robins, Rotnitzky and Zhao, 1994),
//! θ̂ = N⁻¹ Σ [f_i + ξ_i (Y_i − f_i)/π_i], which is unbiased whatever the predictions are worth, because π is known; good
//! predictions make it precise.

pub mod agreement;
pub mod betting;
pub mod bias;
mod population;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

pub use population::{Judged, Population, Sums};

/// An estimate of a mean of scores, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Requests that it speaks for.
    pub requests: u64,
    /// Those that were drawn to be judged.
    pub drawn: u64,
    /// Those of them that were.
    pub judged: u64,
    /// The mean score of all requests, in [0, 1].
    pub mean: f64,
    /// The interval that holds it with the probability `level`.
    pub interval: [f64; 2],
    /// That probability.
    pub level: f64,
    /// How the interval was made.
    pub method: Method,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By the normal distribution, with the sampling variance N⁻² Σ ξ(1 − π)(Y − f)²/π².
    Normal,
    /// By betting, which holds at any number of labels.
    Betting,
}

/// Labels below which an interval is made by betting.
const FEW: usize = 100;

/// Labels of the rarer kind below which it is: the normal distribution says little of rare events, however many labels there
/// are in all.
const RARE: f64 = 10.0;

/// Estimates the mean score of a population. `seed` names it: what the interval leaves to chance is decided by it, so that
/// the same labels give the same interval. `None` for an empty population, or one whose requests were never drawn.
#[must_use]
pub fn estimate(population: &Population, level: f64, seed: &str) -> Option<Estimate> {
    let judged = population.judged();
    let n = population.requests() as f64;
    let mean_prediction = population.mean_prediction()?;
    if judged.is_empty() {
        return Some(made(population, [mean_prediction, 0.0, 1.0], level, Method::Betting));
    }
    // A drawn request that nobody has judged yet, or that nobody could, lowers the probability of all alike.
    let share = population.share_judged();
    let residuals = judged.iter().map(|judged| (judged.score - judged.predicted) / (judged.propensity * share));
    let mean = mean_prediction + residuals.sum::<f64>() / n;
    let kinds = judged.iter().fold([0.0, 0.0], |[good, bad], one| [good + one.score, bad + 1.0 - one.score]);
    let (interval, method) = if judged.len() >= FEW && kinds[0].min(kinds[1]) >= RARE {
        let half = quantile(level) * variance(judged, share).sqrt() / n;
        ([mean - half, mean + half], Method::Normal)
    } else {
        (
            [betting::Side::Low, betting::Side::High].map(|side| betting::bound(population, side, level, seed)),
            Method::Betting,
        )
    };
    let [low, high] = interval;
    Some(made(population, [mean, low.min(mean), high.max(mean)], level, method))
}

fn made(population: &Population, values: [f64; 3], level: f64, method: Method) -> Estimate {
    let [mean, low, high] = values.map(|value| value.clamp(0.0, 1.0));
    Estimate {
        requests: population.requests(),
        drawn: population.drawn(),
        judged: population.judged().len() as u64,
        mean,
        interval: [low, high],
        level,
        method,
    }
}

fn variance(judged: &[Judged], share: f64) -> f64 {
    let term = |one: &Judged| {
        let propensity = one.propensity * share;
        (1.0 - propensity) * ((one.score - one.predicted) / propensity).powi(2)
    };
    judged.iter().map(term).sum()
}

/// How many standard errors hold a normal variable with this probability.
pub(super) fn quantile(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
}

#[cfg(test)]
mod tests;

//! An interval for the mean of a bounded variable at any number of labels, by betting against each mean (Waudby-Smith and
//! Ramdas, 2024).
//!
//! Given that a request was judged, Z = (Y − f)·π̄/π has the mean θ − f̄ and known bounds. Against a mean m of X, Z scaled to
//! [0, 1], the capital W = Π (1 + λ_i (X_i − m)) with λ_i ≥ 0 that depends on earlier labels alone is expected to stay at 1 where
//! m is true, so that it reaches U/α with a probability of at most α, for U uniform in (0, 1) (Ramdas and Manole, 2023).
//! U = 1 would be Markov's inequality, which is for those who look after each label; here the number of labels is given, and its
//! intervals hold the truth 99 times in 100 where 95 are promised. U is a hash of the population's name and its number of labels.

use super::Population;
use crate::judge::hash::{Salt, uniform};

/// An end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The lower one.
    Low,
    /// The upper one.
    High,
}

/// Halvings of the range in which a bound lies.
const STEPS: u32 = 40;

/// The largest share of the capital that is staked.
const MOST_STAKED: f64 = 0.75;

/// One end of the interval that holds the mean score with the probability `level`.
#[must_use]
pub fn bound(population: &Population, side: Side, level: f64, seed: &str) -> f64 {
    let [low, high] = population.range();
    let (width, alpha) = (high - low, (1.0 - level) / 2.0);
    let (Some(prediction), true) = (population.mean_prediction(), width > 0.0) else {
        return if side == Side::Low { 0.0 } else { 1.0 };
    };
    let mean_propensity = population.mean_propensity();
    let scaled = population.judged().iter().map(|one| {
        let z = (one.score - one.predicted) * mean_propensity / one.propensity;
        let x = ((z - low) / width).clamp(0.0, 1.0);
        if side == Side::Low { x } else { 1.0 - x }
    });
    let salt = if side == Side::Low { "low" } else { "high" };
    let chance = uniform(seed, Salt::Shuffle, &format!("{salt}/{}", population.judged().len()));
    let enough = (chance.max(f64::MIN_POSITIVE) / alpha).ln();
    let least = least_mean(&shuffled(scaled.collect(), seed), alpha, enough);
    prediction + if side == Side::Low { low + width * least } else { high - width * least }
}

/// The least mean of variables in [0, 1] that is not refuted: against each below, the capital reaches exp(`enough`).
fn least_mean(x: &[f64], alpha: f64, enough: f64) -> f64 {
    let stakes = stakes(x, alpha);
    let refuted = |mean: f64| capital(x, &stakes, mean) >= enough;
    let [mut below, mut above] = [0.0, 1.0];
    for _ in 0..STEPS {
        let mean = f64::midpoint(below, above);
        // The capital falls with the mean.
        if refuted(mean) { below = mean } else { above = mean }
    }
    below
}

/// The logarithm of the capital that is won against a mean.
fn capital(x: &[f64], stakes: &[f64], mean: f64) -> f64 {
    let most = MOST_STAKED / mean.max(f64::MIN_POSITIVE);
    x.iter().zip(stakes).map(|(x, stake)| (stake.min(most) * (x - mean)).ln_1p()).sum()
}

/// √(2 ln(1/α)/(n σ̂²)), with the variance of the labels before.
fn stakes(x: &[f64], alpha: f64) -> Vec<f64> {
    let (mut count, mut sum, mut squares) = (1.0, 0.5, 0.25);
    let mut stakes = Vec::with_capacity(x.len());
    let n = x.len() as f64;
    for x in x {
        let mean: f64 = sum / count;
        stakes.push((2.0 * (1.0 / alpha).ln() / (n * squares / count)).sqrt());
        count += 1.0;
        sum += x;
        squares += (x - mean).powi(2);
    }
    stakes
}

/// In an order that has nothing to do with time, and is the same each time.
fn shuffled(x: Vec<f64>, seed: &str) -> Vec<f64> {
    let key = |i: usize| uniform(seed, Salt::Shuffle, &i.to_string());
    let mut keyed: Vec<(f64, f64)> = x.into_iter().enumerate().map(|(i, x)| (key(i), x)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    keyed.into_iter().map(|(_, x)| x).collect()
}

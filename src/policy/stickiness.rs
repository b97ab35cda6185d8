//! Whether a conversation changes its tier: what the provider's cache of its prefix is worth against what the rule wants.
//!
//! A conversation goes from the tier s of its last turn to m iff Σ_k γᵏ·[C_s,k − C_m,k + (p_m − p_s)/λ] > ½·p_in,s·(w − r)·W_s, with
//! C_m = p_in·(r·W_m + w·(H + N − W_m)) + p_out·O_m, where W_m is the part of the prefix H that the tier's cache holds, N what
//! is new, O the answer, and r and w what reading from and writing to the cache cost of the price of input. What a turn
//! gains is expected to recur in those that follow: counted for this one alone, it is outweighed by the caches of three, and a
//! conversation goes to and fro. The right side is the hysteresis: half of what is lost of the warm prefix.

use crate::config::Price;

/// A turn of a conversation, in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// What was said before: the prefix.
    pub history: f64,
    /// What is new.
    pub new: f64,
    /// The answer.
    pub output: f64,
}

/// A tier that could take the turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Its price.
    pub price: Price,
    /// Tokens of the prefix that its provider's cache is expected to hold.
    pub warm: f64,
    /// The part of a prefix that its provider is seen to read from the cache one turn later, in [0, 1].
    pub hits: f64,
    /// Probability that its answer is acceptable.
    pub p: f64,
}

/// How far ahead is looked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Turns that are expected to follow this one.
    pub turns: u32,
    /// What a turn counts of the one before it, in (0, 1].
    pub discount: f64,
}

/// Whether to go from the tier of the turn before to another one. `lambda` is what a USD is worth in acceptability, positive.
#[must_use]
pub fn switches(stay: &Side, go: &Side, turn: Turn, lambda: f64, horizon: Horizon) -> bool {
    let saved = discounted(stay, turn, lambda, horizon) - discounted(go, turn, lambda, horizon);
    let price = &stay.price;
    let lost = cost(price, 0.0, stay.warm, 0.0) - cost(price, stay.warm, 0.0, 0.0);
    saved > lost.max(0.0) / 2.0
}

/// Σ_k γᵏ·(C_k − p/λ), USD, of taking this turn and those that are expected to follow, each as long as this one.
fn discounted(side: &Side, turn: Turn, lambda: f64, horizon: Horizon) -> f64 {
    let (mut history, mut warm) = (turn.history, side.warm.min(turn.history));
    let (mut sum, mut weight) = (0.0, 1.0);
    for _ in 0..=horizon.turns {
        sum += weight * (cost(&side.price, warm, history + turn.new - warm, turn.output) - side.p / lambda);
        weight *= horizon.discount;
        history += turn.new + turn.output;
        warm = side.hits * history;
    }
    sum
}

/// USD of a call that reads `warm` tokens from the cache and takes `cold` ones anew.
fn cost(price: &Price, warm: f64, cold: f64, output: f64) -> f64 {
    let read = price.cached_input.unwrap_or(price.input);
    // Whether the provider writes them is its affair; where it asks for it, what is new is written.
    let written = price.cache_write_5m.unwrap_or(price.input);
    (read * warm + written * cold + price.output * output) / 1e6
}

#[cfg(test)]
mod tests;

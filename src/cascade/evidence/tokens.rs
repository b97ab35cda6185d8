//! What the probabilities of an answer's tokens tell.

use crate::cascade::confidence::{self, LOWEST_LOGPROB, mean_logprob};
use crate::chat::{Answer, TokenLogprob};

/// A token cannot be surer than this logit, nor an answer.
const HIGHEST_LOGIT: f64 = 8.0;

/// Quantiles of the tokens' log-probabilities.
const QUANTILES: [f64; 5] = [0.01, 0.05, 0.1, 0.25, 0.5];

/// Logits of the mean, the sum, the least and the quantiles of the log-probabilities; NaN where there are none. A mean
/// that is known without its tokens stands for all but the sum. The sum is that of the tokens that are known, but of
/// `least` such tokens where those are fewer.
pub(super) fn logprobs(answer: &Answer, mean: Option<f64>, least: f64) -> [f64; 8] {
    let mut sorted: Vec<f64> = confidence::logprobs(&answer.logprobs).collect();
    sorted.sort_by(f64::total_cmp);
    let mean = mean.filter(|mean| !mean.is_nan()).map(|mean| mean.clamp(LOWEST_LOGPROB, 0.0));
    let Some(mean) = mean_logprob(&answer.logprobs).or(mean) else { return [f64::NAN; 8] };
    let tokens = least.max(sorted.len() as f64);
    let at = |q: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or(mean);
    let [q01, q05, q10, q25, q50] = QUANTILES.map(at);
    [mean, mean * tokens, at(0.0), q01, q05, q10, q25, q50].map(logit)
}

/// One less the mean margin between the two most probable tokens, then margin and entropy (nats) at the first token; NaN
/// where no alternatives are known.
pub(super) fn alternatives(answer: &Answer) -> [f64; 3] {
    let places: Vec<&TokenLogprob> = answer.logprobs.iter().filter(|token| !token.top.is_empty()).collect();
    let Some(first) = places.first() else { return [f64::NAN; 3] };
    let margins: f64 = places.iter().map(|place| margin(&place.top)).sum();
    [1.0 - margins / places.len() as f64, margin(&first.top), entropy(&first.top)]
}

fn margin(top: &[(String, f64)]) -> f64 {
    let (most, next) = top
        .iter()
        .map(probability)
        .fold((0.0, 0.0), |(most, next), p| if p > most { (p, most) } else { (most, f64::max(next, p)) });
    most - next
}

fn entropy(top: &[(String, f64)]) -> f64 {
    top.iter().map(probability).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum()
}

/// A probability in [0, 1], 0 for one that is not a number.
fn probability(alternative: &(String, f64)) -> f64 {
    if alternative.1.is_nan() { 0.0 } else { alternative.1.min(0.0).exp() }
}

/// The logit of a probability that is given by its logarithm, held within [−20, 8].
fn logit(logprob: f64) -> f64 {
    let logprob = logprob.min(0.0);
    (logprob - (-logprob.exp_m1()).ln()).clamp(LOWEST_LOGPROB, HIGHEST_LOGIT)
}

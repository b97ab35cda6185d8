//! An interval for a rate that holds at every sample size at once.
//!
//! The beta-mixture confidence sequence: {p : B(s + ½, f + ½)/B(½, ½) < p^s·(1−p)^f / α} for s failures and f others. The mixed
//! likelihood ratio against the true p is a martingale that passes 1/α with a probability of at most α, ever (Ville): the
//! interval may be looked at after each sample, and when an alarm says so.
//!
//! Source: Robbins, "Statistical methods related to the law of the iterated logarithm" (1970).

use statrs::function::beta::ln_beta;

/// The rates in [0, 1] that `failures` among `samples` leave possible; parts of a failure may be counted. `alpha`, in (0, 1),
/// is the probability that the true rate is ever left out. Without samples it is [0, 1].
///
/// ```
/// let [low, high] = rungs::drift::interval::rate(40.0, 200.0, 0.05);
/// assert!(0.11 < low && low < 0.2 && 0.2 < high && high < 0.31);
/// ```
#[must_use]
pub fn rate(failures: f64, samples: f64, alpha: f64) -> [f64; 2] {
    if samples.is_nan() || samples <= 0.0 {
        return [0.0, 1.0];
    }
    let s = failures.clamp(0.0, samples);
    let f = samples - s;
    let mixed = ln_beta(s + 0.5, f + 0.5) - ln_beta(0.5, 0.5);
    let limit = -alpha.ln();
    let excluded = |p: f64| mixed - power(p, s) - power(1.0 - p, f) >= limit;
    let mean = s / samples;
    [boundary(0.0, mean, excluded), boundary(1.0, mean, excluded)]
}

/// ln p^k, with 0⁰ = 1.
fn power(p: f64, k: f64) -> f64 {
    if k == 0.0 { 0.0 } else { k * p.ln() }
}

/// Where between an end and the mean, which is never excluded, exclusion stops.
fn boundary(end: f64, mean: f64, excluded: impl Fn(f64) -> bool) -> f64 {
    if !excluded(end) {
        return end;
    }
    let (mut out, mut inside) = (end, mean);
    for _ in 0..60 {
        let middle = f64::midpoint(out, inside);
        if excluded(middle) { out = middle } else { inside = middle }
    }
    inside
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_true_rate_is_hardly_ever_left_out_however_often_one_looks() {
        let left_out = (0..400).filter(|seed| {
            let mut rng = StdRng::seed_from_u64(*seed);
            let mut failures = 0.0;
            (1..=500).any(|n| {
                failures += f64::from(rng.random_bool(0.2));
                let [low, high] = rate(failures, f64::from(n), 0.05);
                !(low..=high).contains(&0.2)
            })
        });
        let left_out = left_out.count();
        assert!(left_out <= 20, "{left_out} of 400");
    }

    #[test]
    fn ends_are_reached_only_where_nothing_speaks_against_them() {
        assert_eq!(rate(0.0, 0.0, 0.05), [0.0, 1.0]);
        let [low, high] = rate(0.0, 50.0, 0.05);
        assert!(low == 0.0 && high < 0.2);
        let [low, high] = rate(50.0, 50.0, 0.05);
        assert!(low > 0.8 && high == 1.0);
    }
}

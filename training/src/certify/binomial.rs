//! The exact binomial test of "the rate is at least ε", for losses of 0 and 1.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::extrapolate::{SURE, least};

/// Whether P(Bin(n, ε) ≤ losses seen) ≤ δ.
pub(super) fn rejects(losses: impl Iterator<Item = f64>, epsilon: f64, delta: f64) -> bool {
    let (n, seen) = count(losses);
    tail(n, seen, epsilon) <= delta
}

/// The least number of units like these that rejects in about four of five cases; `None` where it looks as if no number
/// did.
pub(super) fn needed(losses: impl Iterator<Item = f64>, epsilon: f64, delta: f64) -> Option<usize> {
    let (n, seen) = count(losses);
    let rate = seen as f64 / n.max(1) as f64;
    if rate >= epsilon {
        return None;
    }
    least(|n| {
        let mean = n as f64 * rate;
        let likely = mean + SURE * (mean * (1.0 - rate)).sqrt();
        tail(n, likely.ceil() as usize, epsilon) <= delta
    })
}

/// Units, and those with a loss.
fn count(losses: impl Iterator<Item = f64>) -> (usize, usize) {
    losses.fold((0, 0), |(n, seen), loss| (n + 1, seen + usize::from(loss > 0.5)))
}

/// P(Bin(n, p) ≤ seen), and 1 where that cannot be computed.
fn tail(n: usize, seen: usize, p: f64) -> f64 {
    Binomial::new(p, n as u64).map_or(1.0, |binomial| binomial.cdf(seen as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(n: usize, seen: usize) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| f64::from(u8::from(i < seen)))
    }

    #[test]
    fn known_values() {
        // .98^114 = .0999 and .98^113 = .102.
        assert!(rejects(losses(114, 0), 0.02, 0.1) && !rejects(losses(113, 0), 0.02, 0.1));
        assert_eq!(needed(losses(1, 0), 0.02, 0.1), Some(114));
        assert_eq!(needed(losses(100, 2), 0.02, 0.1), None);
        // .98^400 + 400·.02·.98^399 = .0028.
        assert!(rejects(losses(400, 1), 0.02, 0.01) && !rejects(losses(400, 1), 0.02, 0.002));
    }

    #[test]
    fn more_labels_are_needed_the_closer_the_rate_is() {
        let needed: Vec<usize> = [0, 5, 10, 15].map(|seen| needed(losses(1000, seen), 0.02, 0.1).unwrap()).to_vec();
        assert!(needed.is_sorted() && needed[3] > 1000, "{needed:?}");
    }
}

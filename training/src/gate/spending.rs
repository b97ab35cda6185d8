//! How the error probability is spent over attempts.

/// What the k-th attempt against one champion may err by, of a total α: α/(k(k + 1)).
///
/// The sum over all attempts is α, however many there are (an α-spending sequence; the union bound needs no independence, so
/// that attempts may share most of their log). The first is the half of α: the lower bound of it is that of a two-sided 95 %
/// interval where α is .05.
#[must_use]
pub fn spent(alpha: f64, attempt: u32) -> f64 {
    let k = f64::from(attempt.max(1));
    alpha / (k * (k + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attempts_together_spend_no_more_than_alpha() {
        assert_eq!(spent(0.05, 1), 0.025);
        assert_eq!(spent(0.05, 0), 0.025);
        let total: f64 = (1..100_000).map(|k| spent(0.05, k)).sum();
        assert!(total < 0.05 && total > 0.04999, "{total}");
    }
}

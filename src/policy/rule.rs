//! The decision rule: the tier whose acceptability, less its price, is best.

/// The tier at which to start: argmax over m of p_m − t·c̃_m, where c̃_m = (c_m − c_cheap)/(c_frontier − c_cheap), clamped
/// to [0, 1], is the tier's normalised price and t the threshold, in [−1, 1].
///
/// With two tiers this is exactly "the frontier iff p_frontier − p_cheap ≥ t". `p` and `prices` go cheap → frontier and
/// are of one length; where a price is missing or they do not rise from the first to the last, c̃_m = m/(N−1).
#[must_use]
pub fn start(p: &[f64], prices: &[Option<f64>], threshold: f64) -> usize {
    let costs = normalised(prices);
    let mut best = 0;
    for m in 1..p.len().min(costs.len()) {
        // Written as a difference, so that two tiers compare the very score that the threshold was chosen on.
        if p[m] - p[best] >= threshold * (costs[m] - costs[best]) {
            best = m;
        }
    }
    best
}

fn normalised(prices: &[Option<f64>]) -> Vec<f64> {
    let known: Option<Vec<f64>> = prices.iter().copied().collect();
    if let Some(known) = known
        && let (Some(cheap), Some(frontier)) = (known.first(), known.last())
        && frontier > cheap
    {
        return known.iter().map(|price| ((price - cheap) / (frontier - cheap)).clamp(0.0, 1.0)).collect();
    }
    let steps = prices.len().saturating_sub(1).max(1) as f64;
    (0..prices.len()).map(|m| m as f64 / steps).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_middle_tier_is_taken_where_it_pays() {
        let prices = [Some(1.0), Some(2.0), Some(11.0)];
        // c̃ = 0, .1, 1: the middle tier costs little and brings most of the gain.
        assert_eq!(start(&[0.5, 0.8, 0.9], &prices, 0.5), 1);
        assert_eq!(start(&[0.5, 0.52, 0.9], &prices, 0.5), 0);
        assert_eq!(start(&[0.5, 0.8, 0.99], &prices, 0.2), 2);
    }

    #[test]
    fn unknown_or_falling_prices_count_by_position() {
        assert_eq!(normalised(&[Some(1.0), None, Some(3.0)]), [0.0, 0.5, 1.0]);
        assert_eq!(normalised(&[Some(3.0), Some(1.0)]), [0.0, 1.0]);
        assert_eq!(normalised(&[Some(1.0), Some(9.0), Some(3.0)]), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn nothing_to_choose_from_is_the_first() {
        assert_eq!((start(&[], &[], 0.5), start(&[0.1], &[None], 0.5)), (0, 0));
    }

    proptest! {
        #[test]
        fn with_two_tiers_it_is_the_score_against_the_threshold(
            cheap in 0.0..1.0_f64, frontier in 0.0..1.0_f64, t in -1.0..1.0_f64, ratio in 1.1..100.0_f64,
        ) {
            let expected = usize::from(frontier - cheap >= t);
            prop_assert_eq!(start(&[cheap, frontier], &[Some(1.0), Some(ratio)], t), expected);
            prop_assert_eq!(start(&[cheap, frontier], &[None, None], t), expected);
        }

        #[test]
        fn a_higher_threshold_never_starts_higher_among_rising_prices(
            p in prop::collection::vec(0.0..1.0_f64, 2..6), low in 0.0..1.0_f64, more in 0.0..1.0_f64,
        ) {
            let prices: Vec<_> = (1..=p.len()).map(|m| Some(m as f64)).collect();
            prop_assert!(start(&p, &prices, low + more) <= start(&p, &prices, low));
        }
    }
}

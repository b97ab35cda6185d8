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

/// The tier at which to start where answers below the last are checked, and one that does not look good is climbed from.
///
/// With λ = t/(c_frontier − c_cheap), a tier m from whose answers the artifact has learned is worth
/// V̂_m − λ·c_m = p_frontier − λ·c_frontier + S_m − λ·c_m, the frontier p_frontier − λ·c_frontier, and any other tier
/// p_m − λ·c_m. `worth` gives S_m for a tier, the gain expected of the frontier over it, and the price λ·c_frontier of the
/// climb. With two tiers this is the direct call iff p_F − λ·c_F ≥ V̂ − λ·c_C.
///
/// `None` where that cannot be weighed: a price is missing or the frontier is not the dearer one, quality is to be had at
/// any price (t ≤ 0), or `worth` knows no tier.
#[must_use]
pub fn start_checked(
    p: &[f64],
    prices: &[Option<f64>],
    threshold: f64,
    worth: impl Fn(usize, f64, f64) -> Option<f64>,
) -> Option<usize> {
    let prices: Vec<f64> = prices.iter().copied().collect::<Option<_>>()?;
    let (last, cheap, frontier) = (*p.last()?, *prices.first()?, *prices.last()?);
    if frontier <= cheap || threshold <= 0.0 || prices.len() != p.len() {
        return None;
    }
    let lambda = threshold / (frontier - cheap);
    let direct = last - lambda * frontier;
    let weighed = |m: usize| Some(direct + worth(m, last - p[m], lambda * frontier)? - lambda * prices[m]);
    let below: Vec<Option<f64>> = (0..p.len() - 1).map(weighed).collect();
    if below.iter().all(Option::is_none) {
        return None;
    }
    let values = below.into_iter().enumerate().map(|(m, weighed)| weighed.unwrap_or(p[m] - lambda * prices[m]));
    // Of equal ones the later.
    values.chain([direct]).enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(m, _)| m)
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
    fn a_cheap_answer_is_seen_first_where_that_is_worth_its_price() {
        // λ = .3/9: a climb costs a third, the cheap call a thirtieth.
        let prices = [Some(1.0), Some(10.0)];
        let at = |p: [f64; 2], worth: f64| {
            start_checked(&p, &prices, 0.3, |m, gain, price| {
                assert!(m == 0 && (gain - (p[1] - p[0])).abs() < 1e-12 && (price - 1.0 / 3.0).abs() < 1e-12);
                Some(worth)
            })
        };
        // The router alone would send the first to the frontier and keep the second.
        assert_eq!(
            (start(&[0.5, 0.9], &prices, 0.3), at([0.5, 0.9], 0.04), at([0.5, 0.9], 0.03)),
            (1, Some(0), Some(1))
        );
        assert_eq!(
            (start(&[0.8, 0.9], &prices, 0.3), at([0.8, 0.9], 0.04), at([0.8, 0.9], 0.03)),
            (0, Some(0), Some(1))
        );
    }

    #[test]
    fn of_three_tiers_the_one_worth_most_is_the_start() {
        let prices = [Some(1.0), Some(2.0), Some(11.0)];
        let at = |worth: [Option<f64>; 2]| start_checked(&[0.5, 0.8, 0.9], &prices, 0.5, |m, _, _| worth[m]);
        // λ = .05: the frontier is worth .35, and the middle one by itself .7.
        assert_eq!((at([Some(0.2), None]), at([Some(0.41), None])), (Some(1), Some(0)));
        assert_eq!((at([None, Some(0.1)]), at([Some(0.04), Some(0.09)])), (Some(0), Some(2)));
        assert_eq!(at([None, None]), None);
    }

    #[test]
    fn what_cannot_be_weighed_is_left_to_the_router() {
        let at = |prices: [Option<f64>; 2], t: f64| start_checked(&[0.5, 0.9], &prices, t, |_, _, _| Some(0.5));
        assert_eq!(at([Some(1.0), Some(10.0)], 0.3), Some(0));
        assert_eq!(
            [at([None, Some(10.0)], 0.3), at([Some(2.0), Some(1.0)], 0.3), at([Some(1.0), Some(10.0)], 0.0)],
            [None; 3]
        );
        assert_eq!(start_checked(&[], &[], 0.3, |_, _, _| Some(0.5)), None);
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

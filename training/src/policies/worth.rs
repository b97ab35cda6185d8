//! What it is worth to see the cheap answer before the frontier is called: V̂ of the direct-to-frontier rule.
//!
//! With a climb at the price τ = λ·c_F, an answer in hand is climbed from where the gain then expected exceeds τ, and
//! starting at the cheap tier is worth V = E[climb: Y_F − τ; else: Y_C], its own price λ·c_C apart. The direct call is
//! worth p_F − τ, so that it pays exactly where
//!
//! S_τ = V − (p_F − τ) = E[1{no climb}·(τ − (Y_F − Y_C))] < λ·c_C.
//!
//! S_τ falls with the gain expected before the answer. It is fitted to what the rows realised, by isotonic regression.

use crate::calibrate::rising_steps;

/// S_τ at one price, over the gain expected before the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// τ: what a climb costs, as a probability.
    pub price: f64,
    /// (gain before, S_τ), the first rising and the second falling; straight in between, level beyond the ends.
    pub corners: Vec<(f64, f64)>,
}

/// The prices at which S is fitted; it is nearly straight in between.
pub const PRICES: [f64; 13] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0];

/// A step of S has at least this part of the rows: realised gains are −1, 0 and 1, and their means noisy.
const LEAST_SHARE: f64 = 1.0 / 24.0;

/// Fits S at each of [`PRICES`]. Every list has one entry per row: gains expected before and after the cheap answer by
/// models that had not seen the row, labels of both tiers in [0, 1], weights.
#[must_use]
pub fn fit(before: &[f64], after: &[f64], [cheap, frontier]: [&[f64]; 2], weights: &[f64]) -> Vec<Worth> {
    let least = weights.iter().sum::<f64>() * LEAST_SHARE;
    let at = |price: f64| {
        // What falls, turned round, rises.
        let realised = |row: usize| if after[row] > price { 0.0 } else { frontier[row] - cheap[row] - price };
        let lost: Vec<f64> = (0..before.len()).map(realised).collect();
        let corners = rising_steps(before, &lost, weights, least).map(|(gain, lost)| (gain, -lost)).collect();
        Worth { price, corners }
    };
    PRICES.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgen::{self, Observed};
    use crate::testing::{World, expected};

    const COSTS: (f64, f64) = (0.1, 1.0);

    fn at(worth: &[Worth], price: f64, gain: f64) -> f64 {
        let between = |corners: &[(f64, f64)]| {
            let above = corners.partition_point(|corner| corner.0 <= gain);
            match (above.checked_sub(1).map(|i| corners[i]), corners.get(above)) {
                (Some(low), Some(high)) => low.1 + (gain - low.0) / (high.0 - low.0) * (high.1 - low.1),
                (Some(end), None) => end.1,
                (None, end) => end.unwrap().1,
            }
        };
        let above = worth.partition_point(|worth| worth.price <= price).clamp(1, worth.len() - 1);
        let (low, high) = (&worth[above - 1], &worth[above]);
        let part = (price - low.price) / (high.price - low.price);
        between(&low.corners) * (1.0 - part) + between(&high.corners) * part
    }

    /// Gains before and after, out of fold.
    fn learned(world: &World) -> [Vec<f64>; 2] {
        let rows = world.z.len();
        let data = Observed {
            prior: (0..2).map(|tier| world.before(tier)).collect(),
            signals: vec![world.s.clone(), world.noise.clone()],
            families: vec![vec![0]],
            kinds: vec![0; rows],
            labels: world.labels.clone(),
            weights: vec![1.0; rows],
            groups: (0..rows as u64).collect(),
        };
        let after = postgen::fit(&data, 0).unwrap().out_of_fold;
        let gain = |p: &[Vec<f64>]| p[1].iter().zip(&p[0]).map(|(f, c)| f - c).collect::<Vec<f64>>();
        [gain(&data.prior), gain(&after)]
    }

    fn fitted(world: &World) -> Vec<Worth> {
        let [before, after] = learned(world);
        fit(&before, &after, [&world.labels[0], &world.labels[1]], &vec![1.0; before.len()])
    }

    #[test]
    fn the_direct_call_is_made_where_it_pays() {
        let worth = fitted(&World::new(8000, 2.0, 1));
        let fresh = World::new(8000, 2.0, 2);
        for lambda in [0.02, 0.05, 0.1, 0.2, 0.3, 0.5] {
            let (cheap, frontier) = (lambda * COSTS.0, lambda * COSTS.1);
            let after = |z: f64, s: f64| fresh.truth(0, z, s).max(fresh.truth(1, z, s) - frontier);
            let (mut found, mut best, mut never) = (0.0, 0.0, 0.0);
            for z in &fresh.z {
                let [own, above] = [0, 1].map(|tier| expected(|s| fresh.truth(tier, *z, s)));
                // The climb is the optimal one: what is judged here is only where to start.
                let (start, direct) = (expected(|s| after(*z, s)) - cheap, above - frontier);
                found += if at(&worth, frontier, above - own) < cheap { direct } else { start };
                best += start.max(direct);
                never += start;
            }
            assert!((found - best).abs() < 0.002 * best, "λ {lambda}: {found} of {best}, without it {never}");
        }
    }

    #[test]
    fn where_the_answer_tells_nothing_it_is_the_routers_rule() {
        let worth = fitted(&World::new(8000, 0.0, 3));
        // Then S = τ − gain below the price and nothing above it: direct where the gain exceeds λ(c_F − c_C).
        for (price, gain) in [(0.2, 0.05), (0.2, 0.1), (0.3, 0.15), (0.3, 0.2)] {
            assert!(
                (at(&worth, price, gain) - (price - gain)).abs() < 0.04,
                "{price} {gain}: {}",
                at(&worth, price, gain)
            );
        }
        assert!(at(&worth, 0.05, 0.3).abs() < 0.03);
    }

    #[test]
    fn corners_rise_and_fall_and_are_few() {
        let worth = fitted(&World::new(500, 1.0, 4));
        assert_eq!(worth.len(), PRICES.len());
        for worth in worth {
            assert!((1..=25).contains(&worth.corners.len()));
            assert!(worth.corners.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1), "{worth:?}");
        }
        assert!(fit(&[], &[], [&[], &[]], &[]).iter().all(|worth| worth.corners.is_empty()));
    }
}

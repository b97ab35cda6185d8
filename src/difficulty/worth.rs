//! What it is worth to see an answer before the last tier is called.

use serde::{Deserialize, Serialize};

/// What an answer is worth to see first, at one price of the climb; a probability, its own call not paid for.
///
/// It is S = E[1{no climb}·(price − (Y_last − Y_own))], over the gain that was expected before the answer: starting at the
/// tier is worth so much more than calling the last one at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worth {
    /// λ·c of the climb to the last tier.
    pub price: f64,
    /// [p_last − p_own before the answer, S]: the first rising; straight in between, level beyond the ends.
    pub corners: Vec<[f64; 2]>,
}

impl Worth {
    fn at(&self, gain: f64) -> Option<f64> {
        let above = self.corners.partition_point(|corner| corner[0] <= gain);
        let below = above.checked_sub(1).and_then(|i| self.corners.get(i));
        Some(match (below, self.corners.get(above)) {
            (Some(low), Some(high)) => low[1] + (gain - low[0]) / (high[0] - low[0]) * (high[1] - low[1]),
            (Some(end), None) | (None, Some(end)) => end[1],
            (None, None) => return None,
        })
    }

    /// Between the prices on either side; `None` where nothing is known of so low a price, or it is not positive.
    pub(super) fn between(all: &[Self], gain: f64, price: f64) -> Option<f64> {
        let above = all.partition_point(|worth| worth.price <= price);
        let low = all.get(above.checked_sub(1)?).filter(|_| price > 0.0)?;
        let at_low = low.at(gain)?;
        Some(match all.get(above) {
            Some(high) => at_low + (price - low.price) / (high.price - low.price) * (high.at(gain)? - at_low),
            // No answer is climbed from at such a price: what is saved grows with it.
            None => at_low + (price - low.price),
        })
    }

    /// Whether prices rise, and the corners of each are finite numbers whose gains rise.
    pub(super) fn are_sound(all: &[Self]) -> bool {
        all.windows(2).all(|pair| pair[0].price < pair[1].price) && all.iter().all(Self::is_sound)
    }

    fn is_sound(&self) -> bool {
        self.price.is_finite()
            && self.price >= 0.0
            && self.corners.iter().flatten().all(|x| x.is_finite())
            && self.corners.windows(2).all(|pair| pair[0][0] < pair[1][0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_between_its_corners() {
        let all = [
            Worth { price: 0.1, corners: vec![[0.0, 0.2], [0.2, 0.0]] },
            Worth { price: 0.3, corners: vec![[0.0, 0.4]] },
        ];
        for (gain, price, worth) in [(0.1, 0.1, 0.1), (-1.0, 0.1, 0.2), (0.1, 0.2, 0.25), (0.5, 0.5, 0.6)] {
            let found = Worth::between(&all, gain, price).unwrap();
            assert!((found - worth).abs() < 1e-12, "{gain} {price}: {found}");
        }
        assert_eq!((Worth::between(&all, 0.1, 0.05), Worth::between(&all, 0.1, -1.0)), (None, None));
        assert_eq!(Worth::between(&[], 0.1, 0.1), None);
    }

    #[test]
    fn each_fault_is_found() {
        let corner = |price: f64, gain: f64| Worth { price, corners: vec![[0.0, 0.1], [gain, 0.0]] };
        for (all, is_sound) in [
            (vec![corner(0.0, 0.2), corner(0.1, 0.2)], true),
            (vec![corner(0.1, 0.2), corner(0.1, 0.2)], false),
            (vec![corner(0.1, f64::NAN)], false),
            (vec![corner(0.1, 0.0)], false),
            (vec![corner(-0.1, 0.2)], false),
        ] {
            assert_eq!(Worth::are_sound(&all), is_sound, "{all:?}");
        }
    }
}

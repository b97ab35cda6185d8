//! Whether a conversation stays at the tier that answered it last.

use super::stickiness::{Horizon, Side, Turn, switches};
use crate::config::TierConfig;

/// A conversation that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// The tier whose answer was served last.
    pub tier: String,
    /// Per tier, cheap → frontier, what its provider's cache is expected to hold.
    pub warm: Vec<Warmth>,
    /// What this turn takes.
    pub turn: Turn,
    /// How far ahead is looked.
    pub horizon: Horizon,
    /// Whether it may only keep a request above the tier that its score wants: a certificate bounds what cheaper answers lose.
    pub only_up: bool,
}

/// What a provider's cache holds of a conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Warmth {
    /// Tokens of the prefix.
    pub tokens: f64,
    /// The part of them that is seen to be read when the next turn comes, in [0, 1].
    pub hits: f64,
}

impl Stay {
    /// The tier to stay at in place of the `wanted` one: its place among the tiers, where going is not worth it. `prices` are
    /// what this call is expected to cost at each tier, USD, and `threshold` is the operating point: together they say what a
    /// USD is worth. `None` as well where that is not known, or quality is to be had at any price (`threshold` ≤ 0).
    pub(super) fn instead_of(
        &self,
        wanted: usize,
        tiers: &[TierConfig],
        p: &[f64],
        prices: &[Option<f64>],
        threshold: f64,
    ) -> Option<usize> {
        let last = tiers.iter().position(|tier| tier.name == self.tier)?;
        if last == wanted || self.only_up && last < wanted {
            return None;
        }
        let span = (*prices.last()?)? - (*prices.first()?)?;
        if threshold <= 0.0 || span <= 0.0 {
            return None;
        }
        let side = |rung: usize| {
            let Warmth { tokens, hits } = *self.warm.get(rung)?;
            Some(Side { price: tiers.get(rung)?.price_now()?, warm: tokens, hits, p: *p.get(rung)? })
        };
        let (stay, go) = (side(last)?, side(wanted)?);
        (!switches(&stay, &go, self.turn, threshold / span, self.horizon)).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers() -> Vec<TierConfig> {
        let tier = |name: &str, price: &str| {
            toml::from_str(&format!("name = '{name}'\nmodel = 'm'\nbase_url = 'http://h'\nprice = {price}")).unwrap()
        };
        vec![
            tier("small", "{ input = 1.0, output = 5.0, cached_input = 0.1 }"),
            tier("large", "{ input = 5.0, output = 25.0, cached_input = 0.5 }"),
        ]
    }

    fn stay(tier: &str, tokens: f64) -> Stay {
        let warmth = |name: &str| Warmth { tokens: if name == tier { tokens } else { 0.0 }, hits: 1.0 };
        let turn = Turn { history: 50_000.0, new: 100.0, output: 200.0 };
        let horizon = Horizon { turns: 2, discount: 0.9 };
        Stay { tier: tier.to_owned(), warm: vec![warmth("small"), warmth("large")], turn, horizon, only_up: false }
    }

    #[test]
    fn what_is_warm_is_stayed_at_while_going_does_not_pay() {
        let (p, prices) = ([0.9, 0.95], [Some(0.05), Some(0.25)]);
        let at = |stay: &Stay, wanted, threshold| stay.instead_of(wanted, &tiers(), &p, &prices, threshold);
        assert_eq!(at(&stay("large", 50_000.0), 0, 0.2), Some(1));
        assert_eq!(at(&stay("large", 0.0), 0, 0.2), None);
        assert_eq!(at(&stay("small", 50_000.0), 1, 0.2), Some(0));
        assert_eq!(at(&Stay { only_up: true, ..stay("small", 50_000.0) }, 1, 0.2), None);
        assert_eq!(at(&Stay { only_up: true, ..stay("large", 50_000.0) }, 0, 0.2), Some(1));
    }

    #[test]
    fn without_what_it_takes_nothing_is_weighed() {
        let (p, prices, warm) = ([0.9, 0.95], [Some(0.05), Some(0.25)], stay("large", 50_000.0));
        assert_eq!(warm.instead_of(1, &tiers(), &p, &prices, 0.2), None);
        assert_eq!(warm.instead_of(0, &tiers(), &p, &prices, 0.0), None);
        assert_eq!(warm.instead_of(0, &tiers(), &p, &[None, Some(0.25)], 0.2), None);
        assert_eq!(warm.instead_of(0, &tiers(), &p, &[Some(0.25), Some(0.25)], 0.2), None);
        assert_eq!(Stay { tier: "gone".to_owned(), ..warm }.instead_of(0, &tiers(), &p, &prices, 0.2), None);
    }
}

//! Which head of the artifact speaks for which tier.

use indexmap::IndexMap;

use crate::config::TierConfig;
use crate::difficulty::{Acceptability, Score};

/// The acceptability of each tier, cheap → frontier; `None` when the score has no head.
///
/// A tier is spoken for by the head that it names, else by the head of its own name, else by its position: the first
/// tier by the first head, the last by the last, and one in between by linear interpolation between the two heads that
/// its place falls between.
#[must_use]
pub fn per_tier(tiers: &[TierConfig], score: &Score) -> Option<IndexMap<String, Acceptability>> {
    let last = score.p.len().checked_sub(1)?;
    let steps = tiers.len().saturating_sub(1).max(1) as f64;
    let p = tiers.iter().enumerate().map(|(i, tier)| {
        let named = score.p.get(tier.head());
        let p = named.copied().unwrap_or_else(|| between(score, i as f64 / steps * last as f64));
        (tier.name.clone(), p)
    });
    Some(p.collect())
}

fn between(score: &Score, place: f64) -> Acceptability {
    let head = |i: f64| score.p.get_index(i as usize).map_or(0.0, |(_, p)| p.get());
    let (below, above) = (place.floor(), place.ceil());
    Acceptability::new(head(below) + (head(above) - head(below)) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::plan::tests::tier;

    fn score(heads: &[(&str, f64)]) -> Score {
        let p = heads.iter().map(|(name, p)| ((*name).to_owned(), Acceptability::new(*p))).collect();
        Score { p, score: 0.0, novelty: None }
    }

    fn values(tiers: &[TierConfig], score: &Score) -> Vec<f64> {
        per_tier(tiers, score).unwrap().values().map(|p| p.get()).collect()
    }

    #[test]
    fn by_position_ends_meet_ends_and_the_middle_lies_between() {
        let score = score(&[("mixtral", 0.25), ("gpt-4", 0.75)]);
        assert_eq!(values(&[tier("a", None), tier("b", None)], &score), [0.25, 0.75]);
        assert_eq!(values(&[tier("a", None), tier("b", None), tier("c", None)], &score), [0.25, 0.5, 0.75]);
    }

    #[test]
    fn names_outrank_positions() {
        let score = score(&[("small", 0.25), ("large", 0.75)]);
        let mut first = tier("large", None);
        let second = tier("x", None);
        assert_eq!(values(&[first.clone(), second.clone()], &score), [0.75, 0.75]);
        first.head = Some("small".to_owned());
        assert_eq!(values(&[first, second], &score), [0.25, 0.75]);
    }

    #[test]
    fn no_head_gives_nothing() {
        assert!(per_tier(&[tier("a", None)], &score(&[])).is_none());
    }
}

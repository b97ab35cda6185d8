//! What a request would have cost otherwise.

use indexmap::IndexMap;

use crate::chat::Usage;
use crate::config::Price;
use crate::decisions::{AttemptStatus, DecisionRecord, Outcome};
use crate::upstream::Tier;

/// Fills in what the record's request would have cost at the highest tier, and what the providers' caches saved.
pub(super) fn account(record: &mut DecisionRecord, tiers: &IndexMap<String, Tier>) {
    let at = record.at;
    let price = |tier: &str| tiers.get(tier).and_then(|tier| tier.config.price_at(at));
    record.cache_saved_usd = record
        .attempts
        .iter()
        .filter_map(|attempt| Some(cache_saved_usd(price(&attempt.tier)?, attempt.usage?)))
        .reduce(|sum, saved| sum + saved);
    let frontier = tiers.last().and_then(|(_, tier)| tier.config.price_at(at));
    let served = served(record);
    record.frontier_usd = frontier.zip(served).map(|(price, usage)| price.cost_usd(usage));
    if let Some(observed) = &mut record.observed {
        let first = observed.rungs.first().and_then(|tier| price(tier));
        observed.cost_usd = first.zip(served).map(|(price, usage)| price.cost_usd(usage));
    }
}

/// What the served answer took; `None` where none was served.
fn served(record: &DecisionRecord) -> Option<Usage> {
    let mut attempts = record.attempts.iter().rev().filter(|_| record.outcome == Outcome::Served);
    attempts.find(|attempt| attempt.status == AttemptStatus::Accepted)?.usage
}

/// What the call would have cost more without a cache; negative where writing it cost more than reading it saved.
fn cache_saved_usd(price: Price, usage: Usage) -> f64 {
    let uncached = Usage { cached_tokens: 0, cache_write_5m_tokens: 0, cache_write_1h_tokens: 0, ..usage };
    price.cost_usd(uncached) - price.cost_usd(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_saves_what_reading_is_cheaper_less_what_writing_is_dearer() {
        let price = Price { cached_input: Some(0.3), cache_write_5m: Some(3.75), ..Price::new(3.0, 15.0) };
        let usage = Usage { cached_tokens: 1_000, cache_write_5m_tokens: 400, ..Usage::new(2_000, 10) };
        // 1000 × (3 − .30) − 400 × (3.75 − 3) millionths.
        assert!((cache_saved_usd(price, usage) - 0.002_4).abs() < 1e-12);
        let only_written = Usage { cached_tokens: 0, ..usage };
        assert!((cache_saved_usd(price, only_written) + 0.000_3).abs() < 1e-12);
    }
}

//! What recorded calls cost.

use std::collections::HashMap;

use serde::Serialize;

use crate::chat::{ChatRequest, Usage};
use crate::config::{Price, TierConfig};
use crate::labelled::RecordedOutcome;
use crate::policy::Tokens;

/// Prices by the tier's name in the data.
#[derive(Debug, Clone, Default)]
pub struct Prices(HashMap<String, Price>);

/// Where a cost is from, the surest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CostSource {
    /// The data's `cost_usd`.
    #[default]
    Recorded,
    /// The data's `input_tokens` and `output_tokens`, times the price.
    Tokens,
    /// The data's `output_tokens` and an estimate of the input from its characters, times the price.
    EstimatedInput,
}

impl Prices {
    /// The prices of configured tiers.
    #[must_use]
    pub fn of(tiers: &[TierConfig]) -> Self {
        Self(tiers.iter().filter_map(|tier| Some((tier.name.clone(), tier.price_now()?))).collect())
    }

    /// Sets the price of a tier.
    pub fn set(&mut self, tier: &str, price: Price) {
        self.0.insert(tier.to_owned(), price);
    }

    /// The price of a tier.
    #[must_use]
    pub fn price(&self, tier: &str) -> Option<Price> {
        self.0.get(tier).copied()
    }

    /// What a call cost in USD: as recorded, else tokens times price. `None` where neither is known.
    #[must_use]
    pub fn cost_usd(&self, tier: &str, outcome: &RecordedOutcome, request: &ChatRequest) -> Option<(f64, CostSource)> {
        if let Some(cost) = outcome.cost_usd {
            return Some((cost, CostSource::Recorded));
        }
        let price = self.price(tier)?;
        let output_tokens = outcome.output_tokens?;
        let (input_tokens, source) = match outcome.input_tokens {
            Some(tokens) => (tokens, CostSource::Tokens),
            None => (Tokens::estimate(request).expected.input_tokens, CostSource::EstimatedInput),
        };
        Some((price.cost_usd(Usage::new(input_tokens, output_tokens)), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(outcome: RecordedOutcome) -> Option<(f64, CostSource)> {
        let mut prices = Prices::default();
        prices.set("large", Price::new(10.0, 30.0));
        prices.cost_usd("large", &outcome, &ChatRequest::from_prompt(&"four".repeat(100)))
    }

    #[test]
    fn the_surest_source_is_taken() {
        let none = RecordedOutcome::default();
        let output = RecordedOutcome { output_tokens: Some(10), ..none.clone() };
        let both = RecordedOutcome { input_tokens: Some(200), ..output.clone() };
        assert_eq!(cost(RecordedOutcome { cost_usd: Some(0.5), ..both.clone() }), Some((0.5, CostSource::Recorded)));
        // 200 × 10 + 10 × 30 millionths.
        assert_eq!(cost(both), Some((0.0023, CostSource::Tokens)));
        // 400 bytes are 80 to 134 tokens, and 4 more for the message: 111.
        let (estimated, source) = cost(output).unwrap();
        assert!((estimated - 0.00141).abs() < 1e-9 && source == CostSource::EstimatedInput, "{estimated}");
        assert_eq!(cost(none), None);
    }
}

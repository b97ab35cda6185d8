use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::in_range;
use crate::chat::Usage;

/// USD per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Input tokens that were neither read from nor written to a cache.
    pub input: f64,
    /// Output tokens, but for those of reasoning where they have a price of their own.
    pub output: f64,
    /// Input tokens that the provider read from its cache; `None` means the price of input.
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Input tokens that the provider wrote to its cache for five minutes; `None` means the price of input.
    #[serde(default)]
    pub cache_write_5m: Option<f64>,
    /// Input tokens that the provider wrote to its cache for an hour; `None` means the price of input.
    #[serde(default)]
    pub cache_write_1h: Option<f64>,
    /// Output tokens that the model thought with; `None` means the price of output.
    #[serde(default)]
    pub reasoning: Option<f64>,
    /// What a call at batch rates costs of the full price, in [0, 1]; `None` means all of it.
    #[serde(default)]
    pub batch: Option<f64>,
}

/// A price that holds from a date on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceChange {
    /// The first day, in UTC.
    pub from: Date,
    /// The price.
    pub price: Price,
}

impl PriceChange {
    /// When it begins to hold.
    pub(super) fn since(&self) -> Timestamp {
        self.from.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |start| start.timestamp())
    }
}

impl Price {
    /// Prices of input and output alone.
    #[must_use]
    pub fn new(input: f64, output: f64) -> Self {
        Self { input, output, ..Self::default() }
    }

    /// The cost in USD of a call. Each token is counted once, at the price of what it was: cached and written tokens are
    /// parts of the input, reasoning of the output, and a part is never more than the whole.
    #[must_use]
    pub fn cost_usd(&self, usage: Usage) -> f64 {
        let read = usage.cached_tokens.min(usage.input_tokens);
        let short = usage.cache_write_5m_tokens.min(usage.input_tokens - read);
        let long = usage.cache_write_1h_tokens.min(usage.input_tokens - read - short);
        let fresh = usage.input_tokens - read - short - long;
        let reasoning = usage.reasoning_tokens.min(usage.output_tokens);
        let micro = fresh as f64 * self.input
            + read as f64 * self.cached_input.unwrap_or(self.input)
            + short as f64 * self.cache_write_5m.unwrap_or(self.input)
            + long as f64 * self.cache_write_1h.unwrap_or(self.input)
            + (usage.output_tokens - reasoning) as f64 * self.output
            + reasoning as f64 * self.reasoning.unwrap_or(self.output);
        let share = if usage.batch { self.batch.unwrap_or(1.0) } else { 1.0 };
        micro * share / 1e6
    }

    /// Checks every amount; `key` is where the price stands.
    pub(crate) fn check(&self, key: &str) -> Result<(), String> {
        for (field, usd) in [
            ("input", Some(self.input)),
            ("output", Some(self.output)),
            ("cached_input", self.cached_input),
            ("cache_write_5m", self.cache_write_5m),
            ("cache_write_1h", self.cache_write_1h),
            ("reasoning", self.reasoning),
        ] {
            in_range(&format!("{key}.{field}"), usd.unwrap_or(0.0), 0.0, 1e6)?;
        }
        in_range(&format!("{key}.batch"), self.batch.unwrap_or(0.0), 0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micro(price: Price, usage: Usage) -> f64 {
        (price.cost_usd(usage) * 1e6 * 1e3).round() / 1e3
    }

    #[test]
    fn each_token_is_counted_once_and_at_its_own_price() {
        let price = Price {
            cached_input: Some(0.3),
            cache_write_5m: Some(3.75),
            cache_write_1h: Some(6.0),
            reasoning: Some(20.0),
            batch: Some(0.5),
            ..Price::new(3.0, 15.0)
        };
        let usage = Usage {
            cached_tokens: 500,
            cache_write_5m_tokens: 200,
            cache_write_1h_tokens: 100,
            reasoning_tokens: 40,
            ..Usage::new(1_000, 50)
        };
        // 200 × 3 + 500 × .3 + 200 × 3.75 + 100 × 6 + 10 × 15 + 40 × 20 millionths.
        assert_eq!(micro(price, usage), 3_050.0);
        assert_eq!(micro(price, Usage { batch: true, ..usage }), 1_525.0);
        // Without prices of their own: 1000 × 3 + 50 × 15.
        assert_eq!(micro(Price::new(3.0, 15.0), Usage { batch: true, ..usage }), 3_750.0);
    }

    #[test]
    fn a_part_that_is_reported_larger_than_the_whole_costs_what_the_whole_costs() {
        let all = Usage { cached_tokens: 50, cache_write_5m_tokens: 50, reasoning_tokens: 9, ..Usage::new(10, 3) };
        assert_eq!(micro(Price::new(1.0, 1.0), all), 13.0);
        assert_eq!(
            micro(Price { cached_input: Some(0.1), cache_write_5m: Some(2.0), ..Price::new(1.0, 1.0) }, all),
            4.0
        );
    }

    #[test]
    fn amounts_out_of_range_name_their_key() {
        assert!(
            Price { batch: Some(50.0), ..Price::default() }
                .check("t.price")
                .is_err_and(|e| e.contains("t.price.batch"))
        );
        assert!(
            Price { reasoning: Some(-1.0), ..Price::default() }.check("p").is_err_and(|e| e.contains("p.reasoning"))
        );
        assert!(Price::new(f64::NAN, 1.0).check("p").is_err());
    }
}

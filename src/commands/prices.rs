//! Prices of tiers, for outcomes whose cost is not recorded.

use crate::config::{Config, Price};
use crate::difficulty::prices::Prices;

/// Prices beside those of the configuration.
#[derive(Debug, clap::Args)]
pub(super) struct PriceArgs {
    /// USD per million input and output tokens of a tier, where the data has token counts but no cost; before the
    /// configuration's.
    #[arg(long = "price", value_name = "TIER=IN/OUT", value_parser = parse)]
    prices: Vec<(String, Price)>,
}

impl PriceArgs {
    /// The configuration's prices, and these over them.
    pub(super) fn prices(&self, config: &Config) -> Prices {
        let mut prices = Prices::of(&config.tiers);
        for (tier, price) in &self.prices {
            prices.set(tier, *price);
        }
        prices
    }
}

fn parse(text: &str) -> Result<(String, Price), String> {
    let usd = |text: &str| text.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0);
    text.rsplit_once('=')
        .and_then(|(tier, price)| {
            let (input, output) = price.split_once('/')?;
            Some((tier.to_owned(), Price::new(usd(input)?, usd(output)?)))
        })
        .filter(|(tier, _)| !tier.is_empty())
        .ok_or_else(|| "must be TIER=IN/OUT in USD per million tokens, such as gpt-4o=2.50/10".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_tier_and_two_amounts() {
        let (tier, price) = parse("gpt-4o=2.50/10").unwrap();
        assert_eq!((tier.as_str(), price.input, price.output), ("gpt-4o", 2.5, 10.0));
        for wrong in ["gpt-4o", "gpt-4o=2.5", "=1/2", "a=-1/2", "a=1/inf", "a=x/1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

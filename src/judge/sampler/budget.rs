//! Keeps judging below its share of the spending, by lowering how often requests are drawn.

use super::{DecisionRecord, JudgeConfig, TierConfig};
use crate::chat::Usage;
use crate::config::Price;

/// Sums over the requests so far. Later ones weigh more: what was spent last month says little of tonight.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    both_orders: f64,
    judge: Option<TierConfig>,
    frontier: Option<TierConfig>,
    spent_usd: f64,
    /// What judging is expected to have cost.
    judged_usd: f64,
}

/// Of what may be spent, so much is planned with: calls fail and are made again, and answers differ in length.
const PLANNED: f64 = 0.8;

/// The weight that a request keeps with each further one.
const FADING: f64 = 0.9995;

/// Tokens of the judge's prompt beside the conversation and the answers, and of its answer.
const PROMPT_TOKENS: u64 = 300;
const ANSWER_TOKENS: u64 = 120;

impl Budget {
    pub(super) fn new(config: &JudgeConfig, frontier: Option<&TierConfig>) -> Self {
        Self {
            share: config.max_spend_share,
            both_orders: config.both_orders,
            judge: config.tier.clone(),
            frontier: frontier.cloned(),
            spent_usd: 0.0,
            judged_usd: 0.0,
        }
    }

    /// Counts a request that is not judged.
    pub(super) fn spent(&mut self, record: &DecisionRecord) {
        self.spent_usd = self.spent_usd * FADING + record.cost_usd.unwrap_or(0.0);
        self.judged_usd *= FADING;
    }

    /// Counts a request that was drawn with this probability.
    pub(super) fn judged(&mut self, record: &DecisionRecord, propensity: f64) {
        self.judged_usd += propensity * self.price(record);
    }

    /// The share of `propensity` that the cap leaves, in [0, 1]; counts the request. Where no cost is known nothing is
    /// capped.
    pub(super) fn share(&mut self, record: &DecisionRecord, propensity: f64) -> f64 {
        self.spent(record);
        let planned = self.share * PLANNED * self.spent_usd - self.judged_usd;
        let wanted = propensity * self.price(record);
        let share = if wanted <= 0.0 || self.spent_usd <= 0.0 { 1.0 } else { (planned / wanted).clamp(0.0, 1.0) };
        self.judged_usd += share * wanted;
        share
    }

    /// What judging the request is expected to cost: an answer of the highest tier, and the judge reading both.
    fn price(&self, record: &DecisionRecord) -> f64 {
        let Usage { input_tokens, output_tokens, .. } = record.usage;
        let cost = |tier: &Option<TierConfig>, usage: Usage| {
            let price: Option<Price> = tier.as_ref().and_then(|tier| tier.price_at(record.at));
            price.map_or(0.0, |price| price.cost_usd(usage))
        };
        let read = Usage::new(input_tokens + 2 * output_tokens + PROMPT_TOKENS, ANSWER_TOKENS);
        cost(&self.frontier, Usage::new(input_tokens, output_tokens))
            + (1.0 + self.both_orders) * cost(&self.judge, read)
    }
}

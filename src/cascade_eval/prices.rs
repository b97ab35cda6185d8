//! What a call cost, where neither the rows nor the user say.

use serde::Serialize;

use crate::config::Price;

/// Where a tier's costs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// `cost_usd` of the rows; rows without it count as their mean.
    Recorded,
    /// `--price` or the configuration, times tokens.
    Given,
    /// The built-in list, times tokens.
    BuiltIn,
    /// Nothing is known of it: ten times the cheap tier's cost, or a tenth of the frontier's.
    Assumed,
}

/// List prices of the models in the recorded outcomes, USD per million tokens of input and output, of the end of 2024.
const LISTED: [(&str, f64, f64); 15] = [
    ("mixtral-8x7b", 0.60, 0.60),
    ("gpt-4", 10.0, 30.0),
    ("gpt-4o", 2.50, 10.0),
    ("gpt-4o-mini", 0.15, 0.60),
    ("o1-mini", 3.0, 12.0),
    ("gemini-1.5-flash", 0.075, 0.30),
    ("gemini-1.5-pro", 1.25, 5.0),
    ("claude-3.5-sonnet", 3.0, 15.0),
    ("llama-3.1-8b", 0.18, 0.18),
    ("llama-3.1-70b", 0.88, 0.88),
    ("codellama-7b", 0.20, 0.20),
    ("mistral-7b", 0.20, 0.20),
    ("yi-6b", 0.15, 0.15),
    ("qwen-14b", 0.30, 0.30),
    ("llama-2-70b", 0.90, 0.90),
];

/// A model's list price.
pub(super) fn listed(model: &str) -> Option<Price> {
    let (_, input, output) = LISTED.into_iter().find(|(name, ..)| *name == model)?;
    Some(Price::new(input, output))
}

//! What one call took.

use serde::{Deserialize, Serialize};

/// Tokens of one call. Whatever has a price of its own is a part of the input or of the output and counted there too:
/// tokens read from and written to a cache are input, reasoning is output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, those read from and written to a cache included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Input tokens that the provider read from its cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Input tokens that the provider wrote to its cache for five minutes, or for a time that it does not tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_5m_tokens: u64,
    /// Input tokens that the provider wrote to its cache for an hour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_1h_tokens: u64,
    /// Output tokens that the model thought with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// Whether the provider says that it bills the call at its batch rates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batch: bool,
}

impl Usage {
    /// A call without a cache and without reasoning.
    #[must_use]
    pub fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self { input_tokens, output_tokens, ..Self::default() }
    }
}

/// The sum of two calls; it says `batch` where either does.
impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            cache_write_5m_tokens: self.cache_write_5m_tokens.saturating_add(other.cache_write_5m_tokens),
            cache_write_1h_tokens: self.cache_write_1h_tokens.saturating_add(other.cache_write_1h_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
            batch: self.batch || other.batch,
        }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

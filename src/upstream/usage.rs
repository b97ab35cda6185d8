//! How providers tell what a call took. Whatever they leave out of their own totals is put back, and nothing is counted
//! twice.

use serde::Deserialize;

use crate::chat::Usage;

/// Usage in OpenAI's shape: of chat completions, of the Responses API (which has other names for the same), and of those
/// who speak like it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct OpenAiUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    // The names of the Responses API. They are fields of their own, because some servers send both.
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    input_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    output_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's name for the cached part.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl OpenAiUsage {
    /// The tokens; `None` when neither count is there, as some servers send in every chunk. `service_tier` is the body's
    /// field of that name.
    ///
    /// What `total_tokens` has beyond prompt and completion is reasoning that was left out of the latter (Gemini, Grok);
    /// it is billed as output.
    #[must_use]
    pub fn read(self, service_tier: Option<&str>) -> Option<Usage> {
        let (input, output) = (self.prompt_tokens.or(self.input_tokens), self.completion_tokens.or(self.output_tokens));
        if input.is_none() && output.is_none() {
            return None;
        }
        let (input_tokens, completion) = (input.unwrap_or(0), output.unwrap_or(0));
        let left_out = self.total_tokens.unwrap_or(0).saturating_sub(input_tokens.saturating_add(completion));
        let output_tokens = completion.saturating_add(left_out);
        let input = self.prompt_tokens_details.or(self.input_tokens_details).unwrap_or_default();
        let output = self.completion_tokens_details.or(self.output_tokens_details);
        let reasoning = output.and_then(|details| details.reasoning_tokens);
        Some(Usage {
            cached_tokens: input.cached_tokens.or(self.prompt_cache_hit_tokens).unwrap_or(0),
            cache_write_5m_tokens: input.cache_write_tokens.unwrap_or(0),
            reasoning_tokens: reasoning.unwrap_or(0).max(left_out).min(output_tokens),
            batch: matches!(service_tier, Some("batch" | "flex")),
            ..Usage::new(input_tokens, output_tokens)
        })
    }
}

/// Usage in Anthropic's shape, whose `input_tokens` are only those that were neither read from nor written to the cache.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AnthropicUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
    #[serde(default)]
    service_tier: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_1h_input_tokens: Option<u64>,
}

impl AnthropicUsage {
    /// The same, with what `later` tells put over it: a stream tells the input at its start and the rest at its end.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_creation: later.cache_creation.or(self.cache_creation),
            service_tier: later.service_tier.or(self.service_tier),
        }
    }

    /// The tokens; `None` when neither count is there.
    #[must_use]
    pub fn read(&self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let cached_tokens = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let long = self.cache_creation.and_then(|created| created.ephemeral_1h_input_tokens).unwrap_or(0).min(written);
        let fresh = self.input_tokens.unwrap_or(0);
        let input_tokens = fresh.saturating_add(cached_tokens).saturating_add(written);
        Some(Usage {
            cached_tokens,
            cache_write_5m_tokens: written - long,
            cache_write_1h_tokens: long,
            batch: self.service_tier.as_deref() == Some("batch"),
            ..Usage::new(input_tokens, self.output_tokens.unwrap_or(0))
        })
    }
}

#[cfg(test)]
mod tests;

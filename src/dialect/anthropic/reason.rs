//! Why a model stopped, and what it took, in both dialects' words.

use serde_json::{Value, json};

use crate::chat::Usage;

/// OpenAI's finish reason for Anthropic's stop reason. One that nobody knows stays as it is.
pub(super) fn finish(stop: &str) -> &str {
    match stop {
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        other => other,
    }
}

/// Anthropic's stop reason for OpenAI's finish reason; its clients know no others than these.
pub(super) fn stop(finish: Option<&str>, calls_tools: bool) -> &'static str {
    match finish {
        _ if calls_tools => "tool_use",
        Some("length" | "max_tokens") => "max_tokens",
        Some("content_filter") => "refusal",
        Some("tool_calls" | "function_call") => "tool_use",
        _ => "end_turn",
    }
}

/// Usage in OpenAI's shape.
pub(super) fn openai_usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    })
}

/// Usage in Anthropic's shape, whose input leaves out what the cache had to do with.
pub(super) fn anthropic_usage(usage: Usage) -> Value {
    let written = usage.cache_write_5m_tokens.saturating_add(usage.cache_write_1h_tokens);
    json!({
        "input_tokens": usage.input_tokens.saturating_sub(usage.cached_tokens).saturating_sub(written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    })
}

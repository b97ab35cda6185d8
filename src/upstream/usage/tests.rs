//! Usage bodies as the providers' references give them, with the price computed by hand.

use serde_json::{Value, json};

use super::*;
use crate::config::Price;

fn openai(body: Value) -> Usage {
    let tier = body["service_tier"].as_str().map(str::to_owned);
    serde_json::from_value::<OpenAiUsage>(body["usage"].clone()).unwrap().read(tier.as_deref()).unwrap()
}

fn anthropic(usage: Value) -> Usage {
    serde_json::from_value::<AnthropicUsage>(usage).unwrap().read().unwrap()
}

/// Holds a cost against one computed by hand, in USD, to a hundredth of a millionth.
#[track_caller]
fn costs(price: Price, usage: Usage, usd: f64) {
    let cost = price.cost_usd(usage);
    assert!((cost - usd).abs() < 1e-8, "{cost} instead of {usd}");
}

#[test]
fn openai_counts_cached_and_reasoning_tokens_within_its_totals() {
    let usage = openai(json!({"service_tier": "default", "usage": {
        "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
        "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}}));
    assert_eq!(usage, Usage { cached_tokens: 1920, reasoning_tokens: 128, ..Usage::new(2006, 300) });
    // gpt-4o: 86 × 2.50 + 1920 × 1.25 + 300 × 10.00 = 215 + 2400 + 3000 millionths.
    costs(Price { cached_input: Some(1.25), ..Price::new(2.5, 10.0) }, usage, 0.005_615);
}

#[test]
fn openais_flex_calls_are_at_batch_rates() {
    let body = json!({"service_tier": "flex", "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}});
    let usage = openai(body);
    assert!(usage.batch);
    // Half of 1000 × 2.00 + 100 × 8.00 = 2800 millionths.
    costs(Price { batch: Some(0.5), ..Price::new(2.0, 8.0) }, usage, 0.001_4);
}

#[test]
fn the_responses_api_has_other_names() {
    let usage = openai(json!({"usage": {"input_tokens": 328, "input_tokens_details": {"cached_tokens": 128},
        "output_tokens": 52, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 380}}));
    assert_eq!(usage, Usage { cached_tokens: 128, reasoning_tokens: 20, ..Usage::new(328, 52) });
    let both = json!({"usage": {"prompt_tokens": 7, "input_tokens": 7, "completion_tokens": 1, "output_tokens": 1}});
    assert_eq!(openai(both), Usage::new(7, 1));
}

#[test]
fn anthropic_leaves_the_cache_out_of_its_input() {
    let usage = anthropic(json!({"input_tokens": 2048, "cache_read_input_tokens": 1800,
        "cache_creation_input_tokens": 248, "output_tokens": 503, "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100}}));
    let parts =
        Usage { cached_tokens: 1800, cache_write_5m_tokens: 148, cache_write_1h_tokens: 100, ..Usage::new(4096, 503) };
    assert_eq!(usage, parts);
    let sonnet = Price {
        cached_input: Some(0.3),
        cache_write_5m: Some(3.75),
        cache_write_1h: Some(6.0),
        batch: Some(0.5),
        ..Price::new(3.0, 15.0)
    };
    // 2048 × 3 + 1800 × .30 + 148 × 3.75 + 100 × 6 + 503 × 15 = 6144 + 540 + 555 + 600 + 7545 millionths.
    costs(sonnet, usage, 0.015_384);
    costs(sonnet, Usage { batch: true, ..usage }, 0.007_692);
}

#[test]
fn anthropics_stream_tells_the_input_first_and_the_output_last() {
    let read = |usage: Value| serde_json::from_value::<AnthropicUsage>(usage).unwrap();
    let start =
        read(json!({"input_tokens": 25, "output_tokens": 1, "cache_read_input_tokens": 5, "service_tier": "batch"}));
    let usage = start.then(read(json!({"output_tokens": 15}))).read().unwrap();
    assert_eq!(usage, Usage { cached_tokens: 5, batch: true, ..Usage::new(30, 15) });
    assert_eq!(read(json!({})).read(), None);
}

#[test]
fn gemini_leaves_its_thoughts_out_of_the_completion() {
    let usage = openai(json!({"usage": {"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1580,
        "prompt_tokens_details": {"cached_tokens": 1024}}}));
    assert_eq!(usage, Usage { cached_tokens: 1024, reasoning_tokens: 300, ..Usage::new(1200, 380) });
    // gemini-2.5-flash: 176 × .30 + 1024 × .075 + 380 × 2.50 = 52.8 + 76.8 + 950 millionths.
    costs(Price { cached_input: Some(0.075), ..Price::new(0.3, 2.5) }, usage, 0.001_079_6);
}

#[test]
fn deepseek_tells_hits_and_misses() {
    let usage = openai(json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
        "prompt_cache_hit_tokens": 768, "prompt_cache_miss_tokens": 232,
        "completion_tokens_details": {"reasoning_tokens": 150}}}));
    assert_eq!(usage, Usage { cached_tokens: 768, reasoning_tokens: 150, ..Usage::new(1000, 200) });
    // 232 × .56 + 768 × .07 + 200 × 1.68 = 129.92 + 53.76 + 336 millionths.
    costs(Price { cached_input: Some(0.07), ..Price::new(0.56, 1.68) }, usage, 0.000_519_68);
}

#[test]
fn vllm_tells_no_details() {
    let usage = openai(json!({"usage": {"prompt_tokens": 15, "completion_tokens": 30, "total_tokens": 45,
        "prompt_tokens_details": null}}));
    assert_eq!(usage, Usage::new(15, 30));
    // 15 × .10 + 30 × .40 = 13.5 millionths.
    costs(Price::new(0.1, 0.4), usage, 0.000_013_5);
}

#[test]
fn a_chunk_without_counts_tells_nothing() {
    assert_eq!(OpenAiUsage::default().read(None), None);
}

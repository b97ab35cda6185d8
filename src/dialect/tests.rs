//! Whatever comes in, no translation panics: bodies come from clients, answers from upstreams.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{anthropic, responses};
use crate::chat::ChatRequest;
use crate::policy::{Tokens, needs};
use crate::upstream::Chunk;

/// Names that the translations look for.
const NAMES: [&str; 28] = [
    "type",
    "role",
    "content",
    "text",
    "input",
    "name",
    "id",
    "source",
    "url",
    "data",
    "media_type",
    "function",
    "arguments",
    "tool_calls",
    "tool_use_id",
    "call_id",
    "output",
    "image_url",
    "file",
    "file_data",
    "cache_control",
    "parameters",
    "input_schema",
    "delta",
    "usage",
    "message",
    "content_block",
    "refusal",
];

/// Words that mean something in their places.
const WORDS: [&str; 24] = [
    "text",
    "image",
    "image_url",
    "tool_use",
    "tool_result",
    "document",
    "function",
    "message",
    "function_call",
    "function_call_output",
    "input_text",
    "output_text",
    "user",
    "assistant",
    "system",
    "tool",
    "base64",
    "url",
    "auto",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(WORDS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let names = prop::sample::select(NAMES.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn with(role: &str, content: &Value, more: &Value) -> Value {
    json!({"role": role, "content": content, "tool_calls": more, "tool_call_id": more})
}

proptest! {
    #[test]
    fn no_request_panics(a in any_json(), b in any_json(), field in prop::sample::select(vec![
        "system", "tools", "tool_choice", "metadata", "output_config", "response_format", "stop", "text", "reasoning",
        "instructions", "n", "max_tokens", "stop_sequences",
    ])) {
        let roles = ["user", "assistant", "system", "tool"];
        let messages: Vec<Value> = roles.iter().map(|role| with(role, &a, &b)).collect();
        let mut body = json!({"messages": messages, "max_tokens": 5, "input": [a, b, with("user", &a, &b)]});
        body[field] = b;
        let text = body.to_string();
        let read = [ChatRequest::parse(text.as_bytes()), anthropic::read(text.as_bytes()), responses::read(text.as_bytes())];
        for request in read.into_iter().flatten() {
            let _ = (anthropic::ask(&request, "m", 5), anthropic::not_carried(&request));
            let _ = (needs(&request), Tokens::estimate(&request), responses::Frame::of(&request));
        }
        let _ = (anthropic::read(a.to_string().as_bytes()), responses::read(a.to_string().as_bytes()));
    }

    #[test]
    fn no_answer_panics(events in prop::collection::vec(any_json(), 1..6), usage in any_json()) {
        let mut decoder = anthropic::Decoder::default();
        let (mut messages, frame) = (anthropic::Encoder::new("1", "m"), responses::read(br#"{"input":"a"}"#).unwrap());
        let mut responses = responses::Encoder::new(responses::Frame::of(&frame).unwrap(), "1", "m");
        for event in &events {
            let _ = anthropic::completion(event, None);
            if let anthropic::decode::Decoded::Chunks(chunks) = decoder.push(event) {
                for chunk in chunks.iter().filter_map(|chunk| Chunk::parse(chunk.to_string()).ok()) {
                    let _ = (messages.push(&chunk), responses.push(&chunk));
                }
            }
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": "a", "tool_calls": [event]}}], "usage": usage});
            if let Ok(chunk) = Chunk::parse(chunk.to_string()) {
                let _ = (messages.push(&chunk), responses.push(&chunk));
            }
        }
        let _ = (messages.end(&usage), responses.end(&usage), responses.failed(&usage));
    }
}

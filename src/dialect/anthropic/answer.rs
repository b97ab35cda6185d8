//! Whole answers, both ways.

use serde_json::{Map, Value, json};

use super::reason::{anthropic_usage, finish, openai_usage, stop};
use crate::chat::{Answer, Usage};

/// A message of Anthropic's as a chat completion. `usage` is what the message tells of it.
#[must_use]
pub fn completion(message: &Value, usage: Option<Usage>) -> Value {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let joined = |kind: &'static str| of(kind).filter_map(|block| block[kind].as_str()).collect::<String>();
    let calls: Vec<Value> = of("tool_use").map(call).collect();
    let text = joined("text");
    let mut said = json!({"role": "assistant", "content": text, "refusal": null});
    if text.is_empty() && !calls.is_empty() {
        said["content"] = Value::Null;
    }
    if !calls.is_empty() {
        said["tool_calls"] = calls.into();
    }
    let thoughts = joined("thinking");
    if !thoughts.is_empty() {
        said["reasoning_content"] = thoughts.into();
    }
    let mut completion = json!({
        "id": message["id"],
        "object": "chat.completion",
        "created": jiff::Timestamp::now().as_second(),
        "model": message["model"],
        "choices": [{
            "index": 0,
            "message": said,
            "logprobs": null,
            "finish_reason": message["stop_reason"].as_str().map(finish),
        }],
    });
    if let Some(usage) = usage {
        completion["usage"] = openai_usage(usage);
    }
    completion
}

fn call(block: &Value) -> Value {
    json!({"id": block["id"], "type": "function", "function": {
        "name": block["name"], "arguments": block["input"].to_string(),
    }})
}

/// An answer of another dialect as a message of Anthropic's.
#[must_use]
pub fn message(answer: &Answer, id: &str, model: &str) -> Value {
    let mut content = Vec::new();
    let text = if answer.text.is_empty() { answer.refusal.as_deref().unwrap_or_default() } else { &answer.text };
    if !text.is_empty() {
        content.push(json!({"type": "text", "text": text}));
    }
    for call in &answer.tool_calls {
        let input = serde_json::from_str::<Map<String, Value>>(&call.arguments).unwrap_or_default();
        content.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}));
    }
    json!({
        "id": format!("msg_{id}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop(answer.finish_reason.as_deref(), !answer.tool_calls.is_empty()),
        "stop_sequence": null,
        "usage": anthropic_usage(answer.usage.unwrap_or_default()),
    })
}

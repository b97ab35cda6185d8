//! Answers as the Responses API gives them.

use serde_json::{Value, json};

use crate::chat::{Answer, ChatRequest, ToolCall, Usage};
use crate::dialect::Dialect;

/// What every response repeats of its request.
#[derive(Debug, Clone)]
pub struct Frame {
    asked: Value,
    created: i64,
}

/// Fields of the request that a response repeats, with what stands where the request says nothing.
fn repeated() -> [(&'static str, Value); 15] {
    [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", true.into()),
        ("previous_response_id", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("service_tier", Value::Null),
        ("temperature", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", "auto".into()),
        ("tools", json!([])),
        ("top_logprobs", 0.into()),
        ("top_p", Value::Null),
        ("truncation", "disabled".into()),
        ("user", Value::Null),
    ]
}

impl Frame {
    /// Of a request; `None` for one of another dialect.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Option<Self> {
        let asked = serde_json::from_slice(&request.native(Dialect::Responses)?.to_body()).unwrap_or_default();
        Some(Self { asked, created: jiff::Timestamp::now().as_second() })
    }

    /// A response in this state.
    #[must_use]
    pub fn response(&self, id: &str, model: &str, status: &str, output: Vec<Value>, usage: Option<Usage>) -> Value {
        let mut response = json!({
            "id": format!("resp_{id}"),
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "model": model,
            "output": output,
            "store": false,
            "usage": usage.map(told),
        });
        for (name, default) in repeated() {
            response[name] = self.asked.get(name).filter(|value| !value.is_null()).cloned().unwrap_or(default);
        }
        response
    }

    /// The whole of a complete answer.
    #[must_use]
    pub fn whole(&self, answer: &Answer, id: &str, model: &str) -> Value {
        let calls = answer.tool_calls.iter().enumerate().map(|(i, call)| function_call(id, i, call, "completed"));
        let has_text = !answer.text.is_empty() || answer.refusal.is_some() || answer.tool_calls.is_empty();
        let text = has_text.then(|| message(id, &content(answer), "completed"));
        let output = text.into_iter().chain(calls).collect();
        self.ended(self.response(id, model, "completed", output, answer.usage), answer.finish_reason.as_deref())
    }

    /// A response whose state says why the model stopped.
    #[must_use]
    pub fn ended(&self, mut response: Value, finish: Option<&str>) -> Value {
        let reason = match finish {
            Some("length" | "max_tokens") => "max_output_tokens",
            Some("content_filter") => "content_filter",
            _ => return response,
        };
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({ "reason": reason });
        response
    }
}

fn told(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
    })
}

/// The parts of an answer's message.
pub(super) fn content(answer: &Answer) -> Vec<Value> {
    let mut parts = Vec::new();
    if !answer.text.is_empty() || answer.refusal.is_none() {
        parts.push(text_part(&answer.text));
    }
    if let Some(refusal) = &answer.refusal {
        parts.push(json!({"type": "refusal", "refusal": refusal}));
    }
    parts
}

pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

pub(super) fn message(id: &str, content: &[Value], status: &str) -> Value {
    json!({"id": format!("msg_{id}"), "type": "message", "role": "assistant", "status": status, "content": content})
}

pub(super) fn function_call(id: &str, place: usize, call: &ToolCall, status: &str) -> Value {
    json!({"id": format!("fc_{id}_{place}"), "type": "function_call", "status": status,
        "call_id": call.id, "name": call.name, "arguments": call.arguments})
}

//! A stream of Anthropic's, event by event, as chunks of a chat completion.

use serde_json::{Value, json};

use super::reason::{finish, openai_usage};
use crate::chat::Usage;
use crate::upstream::usage::AnthropicUsage;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    id: Value,
    model: Value,
    usage: AnthropicUsage,
    /// How many tools were called.
    calls: usize,
    /// The tool call under way that has no arguments yet.
    bare_call: bool,
}

/// What an event comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// Chunks, the event's own first; none for an event that says nothing.
    Chunks(Vec<Value>),
    /// The answer is complete.
    End,
    /// An error in place of the rest of the answer.
    Error(Value),
}

impl Decoder {
    /// Reads the data of the next event.
    pub fn push(&mut self, event: &Value) -> Decoded {
        let delta = match event["type"].as_str().unwrap_or_default() {
            "message_start" => return self.start(&event["message"]),
            "content_block_start" => self.block(&event["content_block"]),
            "content_block_delta" => self.delta(&event["delta"]),
            "content_block_stop" if std::mem::take(&mut self.bare_call) => self.arguments("{}"),
            "message_delta" => return self.end(event),
            "message_stop" => return Decoded::End,
            "error" => return Decoded::Error(event["error"].clone()),
            _ => json!({}),
        };
        let choices = if delta.as_object().is_some_and(|delta| delta.is_empty()) {
            json!([])
        } else {
            json!([{"index": 0, "delta": delta, "finish_reason": null}])
        };
        Decoded::Chunks(vec![self.chunk(choices)])
    }

    /// What was used, as far as it was told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage.read()
    }

    fn start(&mut self, message: &Value) -> Decoded {
        self.id = message["id"].clone();
        self.model = message["model"].clone();
        self.take_usage(&message["usage"]);
        let delta = json!({"role": "assistant", "content": ""});
        Decoded::Chunks(vec![self.chunk(json!([{"index": 0, "delta": delta, "finish_reason": null}]))])
    }

    fn block(&mut self, block: &Value) -> Value {
        match block["type"].as_str() {
            Some("text") if block["text"] != "" => json!({"content": block["text"]}),
            Some("thinking") if block["thinking"] != "" => json!({"reasoning_content": block["thinking"]}),
            Some("tool_use") => {
                let place = self.calls;
                self.calls += 1;
                self.bare_call = true;
                json!({"tool_calls": [{"index": place, "id": block["id"], "type": "function", "function": {
                    "name": block["name"], "arguments": "",
                }}]})
            }
            _ => json!({}),
        }
    }

    fn delta(&mut self, delta: &Value) -> Value {
        match delta["type"].as_str() {
            Some("text_delta") => json!({"content": delta["text"]}),
            Some("thinking_delta") => json!({"reasoning_content": delta["thinking"]}),
            Some("input_json_delta") if self.calls > 0 && delta["partial_json"] != "" => {
                self.bare_call = false;
                self.arguments(delta["partial_json"].as_str().unwrap_or_default())
            }
            _ => json!({}),
        }
    }

    fn arguments(&self, piece: &str) -> Value {
        json!({"tool_calls": [{"index": self.calls.saturating_sub(1), "function": {"arguments": piece}}]})
    }

    fn end(&mut self, event: &Value) -> Decoded {
        self.take_usage(&event["usage"]);
        let mut chunks = Vec::new();
        if let Some(reason) = event["delta"]["stop_reason"].as_str() {
            chunks.push(self.chunk(json!([{"index": 0, "delta": {}, "finish_reason": finish(reason)}])));
        } else {
            chunks.push(self.chunk(json!([])));
        }
        if let Some(usage) = self.usage.read() {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = openai_usage(usage);
            chunks.push(chunk);
        }
        Decoded::Chunks(chunks)
    }

    fn take_usage(&mut self, usage: &Value) {
        if let Ok(later) = serde_json::from_value(usage.clone()) {
            self.usage = std::mem::take(&mut self.usage).then(later);
        }
    }

    fn chunk(&self, choices: Value) -> Value {
        let created = jiff::Timestamp::now().as_second();
        json!({"id": self.id, "object": "chat.completion.chunk", "created": created, "model": self.model, "choices": choices})
    }
}

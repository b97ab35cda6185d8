//! A streamed answer of another dialect as Anthropic's events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::reason::{anthropic_usage, stop};
use crate::chat::{ToolCall, Usage};
use crate::upstream::Chunk;
use crate::upstream::fold::merge;

/// Writes the events of one stream. Only the first choice is told: the dialect has no more.
#[derive(Debug)]
pub struct Encoder {
    id: String,
    model: String,
    has_begun: bool,
    /// The block under way.
    open: Option<Block>,
    /// Blocks begun so far.
    blocks: usize,
    finish: Option<String>,
    usage: Usage,
    calls_tools: bool,
    /// The place of the call that is told as it comes: the first one.
    told: Option<usize>,
    /// Calls beside that one: an upstream may tell them piece by piece in turns, the dialect one by one.
    waiting: BTreeMap<usize, ToolCall>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Block {
    Text,
    /// The call at this place of the answer.
    Call(usize),
}

impl Encoder {
    /// Before the first event.
    #[must_use]
    pub fn new(id: &str, model: &str) -> Self {
        Self {
            id: format!("msg_{id}"),
            model: model.to_owned(),
            has_begun: false,
            open: None,
            blocks: 0,
            finish: None,
            usage: Usage::default(),
            calls_tools: false,
            told: None,
            waiting: BTreeMap::new(),
        }
    }

    /// The events that a chunk comes to.
    pub fn push(&mut self, chunk: &Chunk) -> Vec<Value> {
        let mut events = Vec::new();
        self.begin(&mut events);
        self.usage = chunk.usage.unwrap_or(self.usage);
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            for text in [choice.text.as_str(), choice.refusal.as_deref().unwrap_or_default()] {
                if !text.is_empty() {
                    self.enter(Block::Text, &json!({"type": "text", "text": ""}), &mut events);
                    self.delta(json!({"type": "text_delta", "text": text}), &mut events);
                }
            }
            for (place, call) in &choice.tool_calls {
                self.call(*place, call, &mut events);
            }
            self.finish = choice.finish_reason.clone().or(self.finish.take());
        }
        events
    }

    /// The events that end a complete answer. `more` goes into the usage.
    pub fn end(&mut self, more: &Value) -> Vec<Value> {
        let mut events = Vec::new();
        self.begin(&mut events);
        for (place, call) in std::mem::take(&mut self.waiting) {
            self.tell(place, &call, &mut events);
        }
        self.leave(&mut events);
        let mut usage = anthropic_usage(self.usage);
        usage["x_rungs"] = more.clone();
        let reason = stop(self.finish.as_deref(), self.calls_tools);
        events.push(json!({
            "type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage,
        }));
        events.push(json!({"type": "message_stop"}));
        events
    }

    fn begin(&mut self, events: &mut Vec<Value>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        // What the prompt takes is known at the end alone, and told there.
        let usage = anthropic_usage(Usage::default());
        events.push(json!({"type": "message_start", "message": {
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
        }}));
    }

    fn call(&mut self, place: usize, call: &ToolCall, events: &mut Vec<Value>) {
        self.calls_tools = true;
        if self.told.is_some_and(|told| told != place) {
            return merge(self.waiting.entry(place).or_default(), call);
        }
        self.told = Some(place);
        self.tell(place, call, events);
    }

    fn tell(&mut self, place: usize, call: &ToolCall, events: &mut Vec<Value>) {
        let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        self.enter(Block::Call(place), &block, events);
        if !call.arguments.is_empty() {
            self.delta(json!({"type": "input_json_delta", "partial_json": call.arguments}), events);
        }
    }

    fn enter(&mut self, block: Block, content: &Value, events: &mut Vec<Value>) {
        if self.open == Some(block) {
            return;
        }
        self.leave(events);
        self.open = Some(block);
        self.blocks += 1;
        let index = self.blocks - 1;
        events.push(json!({"type": "content_block_start", "index": index, "content_block": content}));
    }

    fn delta(&self, delta: Value, events: &mut Vec<Value>) {
        events.push(json!({"type": "content_block_delta", "index": self.blocks.saturating_sub(1), "delta": delta}));
    }

    fn leave(&mut self, events: &mut Vec<Value>) {
        if self.open.take().is_some() {
            events.push(json!({"type": "content_block_stop", "index": self.blocks.saturating_sub(1)}));
        }
    }
}

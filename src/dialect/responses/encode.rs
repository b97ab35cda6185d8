//! A streamed answer as the events of the Responses API.

use serde_json::{Value, json};

use super::answer::{Frame, content, function_call, message, text_part};
use crate::chat::{Answer, ToolCall};
use crate::upstream::{Chunk, Fold};

/// Writes the events of one stream. Only the first choice is told: the dialect has no more.
#[derive(Debug)]
pub struct Encoder {
    frame: Frame,
    id: String,
    model: String,
    fold: Fold,
    number: u64,
    /// What is told as it comes: the message or the first call, at its place in the output.
    open: Option<Item>,
    /// Items that are complete.
    output: Vec<Value>,
    /// The place of the call that is told as it comes, of the calls.
    told: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Message,
    Call(usize),
}

impl Encoder {
    /// Before the first event.
    #[must_use]
    pub fn new(frame: Frame, id: &str, model: &str) -> Self {
        let (id, model) = (id.to_owned(), model.to_owned());
        Self { frame, id, model, fold: Fold::default(), number: 0, open: None, output: Vec::new(), told: None }
    }

    /// The events that a chunk comes to.
    pub fn push(&mut self, chunk: &Chunk) -> Vec<Value> {
        let mut events = Vec::new();
        self.begin(&mut events);
        self.fold.push(chunk);
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            if !choice.text.is_empty() {
                self.enter_message(&mut events);
                let place = self.output.len();
                let delta = json!({"type": "response.output_text.delta", "item_id": self.message_id(), "output_index": place,
                    "content_index": 0, "delta": choice.text, "logprobs": []});
                self.tell(delta, &mut events);
            }
            for (place, piece) in &choice.tool_calls {
                self.call(*place, piece, &mut events);
            }
        }
        events
    }

    /// The events that end a complete answer. `more` goes into the usage.
    pub fn end(&mut self, more: &Value) -> Vec<Value> {
        let mut events = Vec::new();
        self.begin(&mut events);
        self.leave(&mut events);
        let answer = self.fold.answer().clone();
        let spoken = self.output.iter().any(|item| item["type"] == "message");
        if !spoken && (answer.refusal.is_some() || answer.tool_calls.is_empty()) {
            self.enter_message(&mut events);
            self.leave(&mut events);
        }
        for (place, call) in answer.tool_calls.iter().enumerate() {
            if self.told != Some(place) {
                self.enter_call(place, call, &mut events);
                self.leave(&mut events);
            }
        }
        let response = self.frame.response(&self.id, &self.model, "completed", self.output.clone(), answer.usage);
        let mut response = self.frame.ended(response, answer.finish_reason.as_deref());
        if response["usage"].is_object() {
            response["usage"]["x_rungs"] = more.clone();
        }
        let kind = if response["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
        self.tell(json!({"type": kind, "response": response}), &mut events);
        events
    }

    /// The events that end a broken answer.
    pub fn failed(&mut self, error: &Value) -> Vec<Value> {
        let mut events = Vec::new();
        self.begin(&mut events);
        let mut response = self.frame.response(&self.id, &self.model, "failed", self.output.clone(), None);
        let code = error["code"].as_str().unwrap_or("server_error");
        response["error"] = json!({"code": code, "message": error["message"]});
        let told = json!({"type": "error", "code": code, "message": error["message"], "param": error["param"]});
        self.tell(told, &mut events);
        self.tell(json!({"type": "response.failed", "response": response}), &mut events);
        events
    }

    fn begin(&mut self, events: &mut Vec<Value>) {
        if self.number > 0 {
            return;
        }
        let response = self.frame.response(&self.id, &self.model, "in_progress", Vec::new(), None);
        self.tell(json!({"type": "response.created", "response": response}), events);
        self.tell(json!({"type": "response.in_progress", "response": response}), events);
    }

    fn tell(&mut self, mut event: Value, events: &mut Vec<Value>) {
        event["sequence_number"] = self.number.into();
        self.number += 1;
        events.push(event);
    }

    fn message_id(&self) -> String {
        format!("msg_{}", self.id)
    }

    fn enter_message(&mut self, events: &mut Vec<Value>) {
        if self.open == Some(Item::Message) {
            return;
        }
        self.leave(events);
        self.open = Some(Item::Message);
        let (place, id) = (self.output.len(), self.message_id());
        let item = message(&self.id, &[], "in_progress");
        self.tell(json!({"type": "response.output_item.added", "output_index": place, "item": item}), events);
        let part = json!({"type": "response.content_part.added", "item_id": id, "output_index": place, "content_index": 0,
            "part": text_part("")});
        self.tell(part, events);
    }

    /// A call is told as it comes only where it is the first: an upstream may tell several in turns.
    fn call(&mut self, place: usize, piece: &ToolCall, events: &mut Vec<Value>) {
        if self.told.is_some_and(|told| told != place) {
            return;
        }
        if self.told.is_none() {
            self.enter_call(place, &ToolCall { arguments: String::new(), ..piece.clone() }, events);
        }
        if !piece.arguments.is_empty() {
            let delta = json!({"type": "response.function_call_arguments.delta", "item_id": self.call_id(place),
                "output_index": self.output.len(), "delta": piece.arguments});
            self.tell(delta, events);
        }
    }

    fn enter_call(&mut self, place: usize, call: &ToolCall, events: &mut Vec<Value>) {
        self.leave(events);
        self.open = Some(Item::Call(place));
        self.told.get_or_insert(place);
        let item =
            function_call(&self.id, place, &ToolCall { arguments: String::new(), ..call.clone() }, "in_progress");
        let added = json!({"type": "response.output_item.added", "output_index": self.output.len(), "item": item});
        self.tell(added, events);
    }

    fn call_id(&self, place: usize) -> String {
        format!("fc_{}_{place}", self.id)
    }

    /// Completes the item under way.
    fn leave(&mut self, events: &mut Vec<Value>) {
        let place = self.output.len();
        let answer: Answer = self.fold.answer().clone();
        let item = match self.open.take() {
            None => return,
            Some(Item::Message) => {
                let (id, parts) = (self.message_id(), content(&answer));
                let done = json!({"type": "response.output_text.done", "item_id": id, "output_index": place,
                    "content_index": 0, "text": answer.text, "logprobs": []});
                self.tell(done, events);
                let part = json!({"type": "response.content_part.done", "item_id": id, "output_index": place,
                    "content_index": 0, "part": parts.first()});
                self.tell(part, events);
                message(&self.id, &parts, "completed")
            }
            Some(Item::Call(call)) => {
                let whole = answer.tool_calls.get(call).cloned().unwrap_or_default();
                let done = json!({"type": "response.function_call_arguments.done", "item_id": self.call_id(call),
                    "output_index": place, "name": whole.name, "arguments": whole.arguments});
                self.tell(done, events);
                function_call(&self.id, call, &whole, "completed")
            }
        };
        self.tell(json!({"type": "response.output_item.done", "output_index": place, "item": item}), events);
        self.output.push(item);
    }
}

//! A request of the Responses API, as the router reads it.

use serde_json::{Value, json};

use crate::chat::{ChatRequest, InvalidRequest};
use crate::dialect::{Dialect, Translation};

/// Reads the body of `POST /v1/responses`.
///
/// # Errors
/// When it is not a JSON object, `input` is missing or malformed, or it asks for what needs a server that remembers:
/// `previous_response_id`, `conversation`, `background`, or an item by its id.
pub fn read(body: &[u8]) -> Result<ChatRequest, InvalidRequest> {
    let fields = Translation::fields(body)?;
    let mut reader = Reader::default();
    if let Some(instructions) = fields.get("instructions").and_then(Value::as_str) {
        reader.out.messages.push(json!({"role": "system", "content": instructions}));
    }
    reader.input(fields.get("input").unwrap_or(&Value::Null))?;
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        reader.field(name, value)?;
    }
    reader.out.end(Dialect::Responses, body)
}

/// Fields that mean the same under the same name.
const SAME: [&str; 15] = [
    "model",
    "stream",
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "seed",
    "stop",
    "logit_bias",
    "verbosity",
];

/// Fields that say nothing to a tier: what the client gets back, and what is stored where nothing is.
const OURS: [&str; 6] = ["input", "instructions", "store", "include", "stream_options", "truncation"];

#[derive(Default)]
struct Reader {
    out: Translation,
}

impl Reader {
    fn field(&mut self, name: &str, value: &Value) -> Result<(), InvalidRequest> {
        match name {
            "previous_response_id" | "conversation" => {
                let message = format!("`{name}`: this server keeps no conversations; send all of it as `input`");
                return Err(InvalidRequest::at(name, message));
            }
            "background" if value == true => {
                return Err(InvalidRequest::at(name, "`background`: this server answers while the client waits"));
            }
            "background" => {}
            "max_output_tokens" => self.out.set("max_tokens", value.clone()),
            "top_logprobs" => {
                self.out.set("logprobs", value.as_u64().unwrap_or(0) > 0);
                self.out.set("top_logprobs", value.clone());
            }
            "reasoning" => self.reasoning(value),
            "text" => self.text(value),
            "tools" => self.tools(value)?,
            "tool_choice" => self.tool_choice(value),
            _ if SAME.contains(&name) => self.out.set(name, value.clone()),
            _ if OURS.contains(&name) => {}
            _ => self.out.loses(name),
        }
        Ok(())
    }

    fn input(&mut self, input: &Value) -> Result<(), InvalidRequest> {
        match input {
            Value::String(text) => self.out.messages.push(json!({"role": "user", "content": text})),
            Value::Array(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    self.item(item)
                        .map_err(|what| InvalidRequest::at(format!("input[{i}]"), format!("input[{i}]: {what}")))?;
                }
            }
            _ => return Err(InvalidRequest::at("input", "`input` is required: send a text or a list of items")),
        }
        Ok(())
    }

    fn item(&mut self, item: &Value) -> Result<(), String> {
        match item["type"].as_str().unwrap_or("message") {
            "message" => self.message(item),
            "function_call" => {
                let call = json!({"id": item["call_id"], "type": "function",
                    "function": {"name": item["name"], "arguments": item["arguments"]}});
                self.call(call);
                Ok(())
            }
            "function_call_output" => {
                let text = match &item["output"] {
                    Value::String(text) => text.clone(),
                    parts => texts(parts),
                };
                self.out.messages.push(json!({"role": "tool", "tool_call_id": item["call_id"], "content": text}));
                Ok(())
            }
            "item_reference" => Err("this server keeps no items; send the item itself".to_owned()),
            other => {
                self.out.loses(format!("input of type {other}"));
                Ok(())
            }
        }
    }

    fn message(&mut self, item: &Value) -> Result<(), String> {
        let role = item["role"].as_str().ok_or("a message needs a `role`")?;
        let content = match &item["content"] {
            Value::String(text) => text.as_str().into(),
            Value::Array(_) if role == "assistant" => texts(&item["content"]).into(),
            Value::Array(parts) => parts.iter().map(part).collect::<Result<Vec<_>, _>>()?.into(),
            _ => return Err("`content` must be a text or a list of parts".to_owned()),
        };
        self.out.messages.push(json!({"role": role, "content": Value::clone(&content)}));
        Ok(())
    }

    /// Calls of one turn belong to one message.
    fn call(&mut self, call: Value) {
        if let Some(last) = self.out.messages.last_mut().filter(|message| message["role"] == "assistant") {
            match last["tool_calls"].as_array_mut() {
                Some(calls) => calls.push(call),
                None => last["tool_calls"] = json!([call]),
            }
            return;
        }
        self.out.messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    }

    fn reasoning(&mut self, reasoning: &Value) {
        for (name, value) in reasoning.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "effort" => self.out.set("reasoning_effort", value.clone()),
                _ => self.out.loses(format!("reasoning.{name}")),
            }
        }
    }

    fn text(&mut self, text: &Value) {
        let format = &text["format"];
        match format["type"].as_str() {
            Some("json_schema") => {
                let mut schema = format.clone();
                schema.as_object_mut().map(|fields| fields.remove("type"));
                self.out.set("response_format", json!({"type": "json_schema", "json_schema": schema}));
            }
            Some("json_object") => self.out.set("response_format", json!({"type": "json_object"})),
            _ => {}
        }
        if let Some(verbosity) = text.get("verbosity").filter(|verbosity| !verbosity.is_null()) {
            self.out.set("verbosity", verbosity.clone());
        }
    }

    fn tools(&mut self, tools: &Value) -> Result<(), InvalidRequest> {
        let Some(tools) = tools.as_array() else {
            return Err(InvalidRequest::at("tools", "`tools` must be a list"));
        };
        let mut functions = Vec::new();
        for tool in tools {
            if tool["type"] != "function" {
                self.out.loses(format!("the tool {}", tool["type"].as_str().unwrap_or_default()));
                continue;
            }
            let mut function = tool.clone();
            if let Some(fields) = function.as_object_mut() {
                fields.retain(|name, value| name != "type" && !value.is_null());
            }
            functions.push(json!({"type": "function", "function": function}));
        }
        if !functions.is_empty() {
            self.out.set("tools", functions);
        }
        Ok(())
    }

    fn tool_choice(&mut self, choice: &Value) {
        match (choice, choice["type"].as_str()) {
            (Value::String(_), _) => self.out.set("tool_choice", choice.clone()),
            (_, Some("function")) => {
                self.out.set("tool_choice", json!({"type": "function", "function": {"name": choice["name"]}}));
            }
            _ => self.out.loses("tool_choice"),
        }
    }
}

/// A part of what the user sends.
fn part(part: &Value) -> Result<Value, String> {
    match part["type"].as_str().unwrap_or_default() {
        "input_text" | "output_text" | "text" => Ok(json!({"type": "text", "text": part["text"]})),
        "input_image" if part["image_url"].is_string() => {
            let mut image = json!({"url": part["image_url"]});
            if let Some(detail) = part.get("detail").filter(|detail| !detail.is_null()) {
                image["detail"] = detail.clone();
            }
            Ok(json!({"type": "image_url", "image_url": image}))
        }
        "input_file" if part["file_data"].is_string() => {
            Ok(json!({"type": "file", "file": {"filename": part["filename"], "file_data": part["file_data"]}}))
        }
        "input_image" | "input_file" => Err("send the data itself: this server keeps no files".to_owned()),
        other => Err(format!("a content part of type `{other}` is not known")),
    }
}

/// What the assistant said, or a function returned: its texts and refusals.
fn texts(parts: &Value) -> String {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    parts
        .iter()
        .filter_map(|part| part["text"].as_str().or_else(|| part["refusal"].as_str()))
        .collect::<Vec<_>>()
        .join("\n")
}

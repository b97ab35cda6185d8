//! A request in Anthropic's shape, as the router reads it.

use serde_json::{Map, Value, json};

use super::blocks::{list, part, text};
use crate::chat::{ChatRequest, InvalidRequest};
use crate::dialect::{Dialect, Translation};

/// Reads the body of `POST /v1/messages`. It is kept beside its translation, for tiers that speak Anthropic's dialect.
///
/// # Errors
/// When it is not a JSON object, `messages` or `max_tokens` is missing or malformed, or a field has another type than
/// Anthropic documents.
pub fn read(body: &[u8]) -> Result<ChatRequest, InvalidRequest> {
    let fields = Translation::fields(body)?;
    if fields.get("max_tokens").and_then(Value::as_u64).is_none_or(|most| most == 0) {
        return Err(InvalidRequest::at("max_tokens", "max_tokens: must be a whole number above 0"));
    }
    let mut reader = Reader::default();
    reader.system(fields.get("system"));
    reader.messages(fields.get("messages"))?;
    for (name, value) in &fields {
        reader.field(name, value)?;
    }
    reader.out.end(Dialect::Anthropic, body)
}

#[derive(Default)]
struct Reader {
    out: Translation,
}

impl Reader {
    fn field(&mut self, name: &str, value: &Value) -> Result<(), InvalidRequest> {
        match name {
            "messages" | "system" => {}
            "model" | "max_tokens" | "stream" | "temperature" | "top_p" => self.out.set(name, value.clone()),
            "stop_sequences" => self.out.set("stop", value.clone()),
            "tools" => self.tools(value)?,
            "tool_choice" => self.tool_choice(value),
            "metadata" => self.metadata(value),
            "output_config" => self.output(value),
            _ => self.out.loses(name),
        }
        Ok(())
    }

    fn system(&mut self, system: Option<&Value>) {
        let Some(system) = system.filter(|system| !system.is_null()) else { return };
        self.cached(system);
        self.out.messages.push(json!({"role": "system", "content": text(system)}));
    }

    fn messages(&mut self, messages: Option<&Value>) -> Result<(), InvalidRequest> {
        let messages = messages.and_then(Value::as_array).filter(|messages| !messages.is_empty());
        let Some(messages) = messages else {
            return Err(InvalidRequest::at("messages", "messages: send a list of at least one message"));
        };
        for (i, message) in messages.iter().enumerate() {
            let content = &message["content"];
            if !content.is_string() && !content.is_array() {
                let place = format!("messages.{i}.content");
                return Err(InvalidRequest::at(&place, format!("{place}: must be a string or a list of blocks")));
            }
            self.cached(content);
            match message["role"].as_str() {
                Some("user") => self.user(content),
                Some("assistant") => self.assistant(content),
                Some("system") => self.system(Some(content)),
                _ => {
                    let place = format!("messages.{i}.role");
                    return Err(InvalidRequest::at(&place, format!("{place}: must be user or assistant")));
                }
            }
        }
        Ok(())
    }

    /// Results of tools are messages of their own, before whatever else the user says.
    fn user(&mut self, content: &Value) {
        let mut parts = Vec::new();
        for block in list(content) {
            if block["type"] != "tool_result" {
                self.push_part(&block, &mut parts);
                continue;
            }
            let mut texts = Vec::new();
            for inner in list(&block["content"]) {
                match inner["text"].as_str() {
                    Some(text) => texts.push(text.to_owned()),
                    // A tool's message holds text alone: what else it returned follows as the user's.
                    None => self.push_part(&inner, &mut parts),
                }
            }
            if block["is_error"] == true {
                self.out.loses("is_error");
            }
            let id = &block["tool_use_id"];
            self.out.messages.push(json!({"role": "tool", "tool_call_id": id, "content": texts.join("\n")}));
        }
        match parts.as_slice() {
            [] => {}
            [only] if only["type"] == "text" => {
                self.out.messages.push(json!({"role": "user", "content": only["text"]}));
            }
            _ => self.out.messages.push(json!({"role": "user", "content": parts})),
        }
    }

    fn push_part(&mut self, block: &Value, parts: &mut Vec<Value>) {
        match part(block) {
            Ok(part) => parts.push(part),
            Err(what) => self.out.loses(what),
        }
    }

    fn assistant(&mut self, content: &Value) {
        let (mut texts, mut calls) = (Vec::new(), Vec::new());
        for block in list(content) {
            match block["type"].as_str().unwrap_or_default() {
                "text" => texts.push(block["text"].as_str().unwrap_or_default().to_owned()),
                "tool_use" => calls.push(json!({"id": block["id"], "type": "function", "function": {
                    "name": block["name"], "arguments": block["input"].to_string(),
                }})),
                other => self.out.loses(format!("content of type {other}")),
            }
        }
        let text = if texts.is_empty() { Value::Null } else { texts.join("\n").into() };
        let mut message = json!({"role": "assistant", "content": text});
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        } else if text.is_null() {
            message["content"] = "".into();
        }
        self.out.messages.push(message);
    }

    fn tools(&mut self, tools: &Value) -> Result<(), InvalidRequest> {
        let Some(tools) = tools.as_array() else {
            return Err(InvalidRequest::at("tools", "tools: must be a list"));
        };
        let mut functions = Vec::new();
        for tool in tools {
            self.cached_at(tool);
            if tool.get("type").is_some_and(|kind| kind != "custom") {
                self.out.loses(format!("the tool {}", tool["type"].as_str().unwrap_or_default()));
                continue;
            }
            let mut function = json!({"name": tool["name"], "parameters": tool["input_schema"]});
            for field in ["description", "strict"] {
                if let Some(value) = tool.get(field) {
                    function[field] = value.clone();
                }
            }
            functions.push(json!({"type": "function", "function": function}));
        }
        if !functions.is_empty() {
            self.out.set("tools", functions);
        }
        Ok(())
    }

    fn tool_choice(&mut self, choice: &Value) {
        let translated = match choice["type"].as_str().unwrap_or_default() {
            "any" => "required".into(),
            "none" => "none".into(),
            "tool" => json!({"type": "function", "function": {"name": choice["name"]}}),
            _ => "auto".into(),
        };
        self.out.set("tool_choice", translated);
        if choice["disable_parallel_tool_use"] == true {
            self.out.set("parallel_tool_calls", false);
        }
    }

    /// Who the user is; and what speaks to the router, which OpenAI's clients put there, too.
    fn metadata(&mut self, metadata: &Value) {
        let mut ours = Map::new();
        for (name, value) in metadata.as_object().into_iter().flatten() {
            if name == "user_id" {
                self.out.set("user", value.clone());
            } else if name.starts_with("x-rungs-") {
                ours.insert(name.clone(), value.clone());
            } else {
                self.out.loses(format!("metadata.{name}"));
            }
        }
        if !ours.is_empty() {
            self.out.set("metadata", ours);
        }
    }

    fn output(&mut self, config: &Value) {
        for (name, value) in config.as_object().into_iter().flatten() {
            match (name.as_str(), value["type"].as_str()) {
                ("format", Some("json_schema")) => {
                    let schema = json!({"name": "output", "schema": value["schema"], "strict": true});
                    self.out.set("response_format", json!({"type": "json_schema", "json_schema": schema}));
                }
                _ => self.out.loses(format!("output_config.{name}")),
            }
        }
    }

    fn cached(&mut self, content: &Value) {
        content.as_array().into_iter().flatten().for_each(|block| self.cached_at(block));
    }

    fn cached_at(&mut self, block: &Value) {
        if block.get("cache_control").is_some() {
            self.out.loses("cache_control");
        }
    }
}

//! A request as an upstream of Anthropic's dialect is asked it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::blocks::{block, list, text};
use crate::chat::ChatRequest;
use crate::dialect::Dialect;

/// Fields of a chat request that are carried over; what else it has is named by [`not_carried`].
const CARRIED: [&str; 20] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "user",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "thinking",
    "logprobs",
    "top_logprobs",
    "n",
];

/// The body of a call. A request that came in this dialect is sent as it came, but for the model and the stream.
///
/// # Errors
/// When the request holds what the dialect cannot say, with the reason.
pub fn ask(request: &ChatRequest, model: &str, max_tokens: u64) -> Result<Bytes, String> {
    if let Some(native) = request.native(Dialect::Anthropic) {
        return Ok(native.clone().with("model", &model.into()).to_body());
    }
    let get = |name: &str| request.get::<Value>(name).filter(|value| !value.is_null());
    if request.get("n").unwrap_or(1_u32) > 1 {
        return Err("more than one choice (`n`)".to_owned());
    }
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    set("model", model.into());
    set("max_tokens", get("max_completion_tokens").or_else(|| get("max_tokens")).unwrap_or_else(|| max_tokens.into()));
    let conversation = Conversation::read(&get("messages").unwrap_or_default())?;
    if !conversation.system.is_empty() {
        set("system", conversation.system.into());
    }
    set("messages", conversation.turns.into());
    for name in ["top_p", "top_k", "thinking"] {
        get(name).into_iter().for_each(|value| set(name, value));
    }
    if let Some(temperature) = request.get::<f64>("temperature") {
        set("temperature", temperature.clamp(0.0, 1.0).into());
    }
    if request.stream() {
        set("stream", true.into());
    }
    if let Some(stop) = get("stop") {
        let stops = if stop.is_string() { vec![stop] } else { stop.as_array().cloned().unwrap_or_default() };
        set("stop_sequences", stops.into());
    }
    if let Some(user) = get("user") {
        set("metadata", json!({ "user_id": user }));
    }
    if let Some(tools) = get("tools") {
        set("tools", tools.as_array().into_iter().flatten().map(tool).collect::<Result<Vec<_>, _>>()?.into());
        if let Some(choice) = tool_choice(get("tool_choice").as_ref(), request.get("parallel_tool_calls")) {
            set("tool_choice", choice);
        }
    }
    if let Some(config) = output_config(get("response_format").as_ref(), request.get("reasoning_effort")) {
        set("output_config", config);
    }
    serde_json::to_vec(&out).map(Bytes::from).map_err(|error| error.to_string())
}

/// Fields of a chat request that this dialect has no word for.
#[must_use]
pub fn not_carried(request: &ChatRequest) -> Vec<String> {
    if request.native(Dialect::Anthropic).is_some() {
        return Vec::new();
    }
    let mut lost: Vec<String> =
        request.field_names().filter(|name| !CARRIED.contains(name)).map(str::to_owned).collect();
    if request.get("logprobs").unwrap_or(false) {
        lost.push("logprobs".to_owned());
    }
    if request.get::<Value>("response_format").is_some_and(|format| format["type"] == "json_object") {
        lost.push("response_format".to_owned());
    }
    lost
}

#[derive(Default)]
struct Conversation {
    system: Vec<Value>,
    /// Turns alternate: neighbours of one role are one turn.
    turns: Vec<Value>,
}

impl Conversation {
    fn read(messages: &Value) -> Result<Self, String> {
        let mut conversation = Self::default();
        for message in messages.as_array().into_iter().flatten() {
            let content = &message["content"];
            match message["role"].as_str().unwrap_or_default() {
                "system" | "developer" => {
                    let blocks = list(content).iter().map(block).collect::<Result<Vec<_>, _>>()?;
                    conversation.system.extend(blocks.into_iter().filter(|block| block["text"] != ""));
                }
                "assistant" => conversation.add("assistant", spoken(message)?),
                "tool" => conversation.add("user", vec![result(message)?]),
                "function" => return Err("messages of the role `function`".to_owned()),
                _ => {
                    let blocks = list(content).iter().map(block).collect::<Result<Vec<_>, _>>()?;
                    conversation.add("user", blocks);
                }
            }
        }
        Ok(conversation)
    }

    fn add(&mut self, role: &str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if let Some(last) = self.turns.last_mut().filter(|turn| turn["role"] == role)
            && let Some(content) = last["content"].as_array_mut()
        {
            content.extend(blocks);
            return;
        }
        self.turns.push(json!({"role": role, "content": blocks}));
    }
}

/// What the assistant said and called. Anthropic refuses empty texts.
fn spoken(message: &Value) -> Result<Vec<Value>, String> {
    let mut blocks: Vec<Value> = Vec::new();
    for part in list(&message["content"]) {
        let said = if part["type"] == "refusal" { &part["refusal"] } else { &part["text"] };
        if said.as_str().is_some_and(|text| !text.is_empty()) {
            blocks.push(json!({"type": "text", "text": said}));
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        if function.is_null() {
            return Err("calls of tools that are no functions".to_owned());
        }
        let arguments = function["arguments"].as_str().unwrap_or_default();
        // A model may have written what is no JSON object; the call still has to be there for its result.
        let input = serde_json::from_str::<Map<String, Value>>(arguments).unwrap_or_default();
        blocks.push(json!({"type": "tool_use", "id": call["id"], "name": function["name"], "input": input}));
    }
    Ok(blocks)
}

fn result(message: &Value) -> Result<Value, String> {
    let content = match &message["content"] {
        Value::Array(parts) => parts.iter().map(block).collect::<Result<Vec<_>, _>>()?.into(),
        content => text(content).into(),
    };
    Ok(json!({"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": Value::clone(&content)}))
}

fn tool(tool: &Value) -> Result<Value, String> {
    let function = &tool["function"];
    if function.is_null() {
        return Err(format!("a tool of type `{}`", tool["type"].as_str().unwrap_or_default()));
    }
    let schema = function.get("parameters").filter(|schema| schema.is_object()).cloned();
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let mut out = json!({"name": function["name"], "input_schema": schema});
    for name in ["description", "strict"] {
        if let Some(value) = function.get(name).filter(|value| !value.is_null()) {
            out[name] = value.clone();
        }
    }
    if let Some(control) = tool.get("cache_control") {
        out["cache_control"] = control.clone();
    }
    Ok(out)
}

fn tool_choice(choice: Option<&Value>, parallel: Option<bool>) -> Option<Value> {
    let mut out = match choice {
        Some(Value::String(word)) if word == "required" => json!({"type": "any"}),
        Some(Value::String(word)) if word == "none" => return Some(json!({"type": "none"})),
        Some(Value::Object(choice)) => json!({"type": "tool", "name": choice.get("function")?.get("name")?}),
        Some(_) => json!({"type": "auto"}),
        None if parallel == Some(false) => json!({"type": "auto"}),
        None => return None,
    };
    if parallel == Some(false) {
        out["disable_parallel_tool_use"] = true.into();
    }
    Some(out)
}

fn output_config(format: Option<&Value>, effort: Option<String>) -> Option<Value> {
    let mut config = Map::new();
    if let Some(format) = format.filter(|format| format["type"] == "json_schema") {
        let schema = &format["json_schema"]["schema"];
        config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    match effort.as_deref() {
        Some("minimal" | "low") => drop(config.insert("effort".to_owned(), "low".into())),
        Some(effort @ ("medium" | "high" | "xhigh" | "max")) => drop(config.insert("effort".to_owned(), effort.into())),
        _ => {}
    }
    (!config.is_empty()).then(|| config.into())
}

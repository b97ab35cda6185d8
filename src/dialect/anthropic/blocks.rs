//! Content blocks and content parts.

use serde_json::{Value, json};

/// A part of OpenAI's user content as a block; `Err` says what cannot be carried over.
pub(super) fn block(part: &Value) -> Result<Value, String> {
    let kind = part["type"].as_str().unwrap_or_default();
    let mut block = match kind {
        "text" => json!({"type": "text", "text": part["text"]}),
        "image_url" => {
            json!({"type": "image", "source": source(part["image_url"]["url"].as_str().unwrap_or_default())})
        }
        "file" => {
            let data = part["file"]["file_data"].as_str().unwrap_or_default();
            if data.is_empty() {
                return Err("a file by its id".to_owned());
            }
            json!({"type": "document", "source": source(data)})
        }
        other => return Err(format!("a content part of type `{other}`")),
    };
    if let Some(control) = part.get("cache_control") {
        block["cache_control"] = control.clone();
    }
    Ok(block)
}

/// A `data:` URL as inline data, any other as an address.
fn source(url: &str) -> Value {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((kind, data)) => json!({"type": "base64", "media_type": kind, "data": data}),
        None => json!({"type": "url", "url": url}),
    }
}

/// A block of Anthropic's user content as a part; `Err` names what cannot be carried over.
pub(super) fn part(block: &Value) -> Result<Value, String> {
    let kind = block["type"].as_str().unwrap_or_default();
    let source = &block["source"];
    match (kind, source["type"].as_str().unwrap_or_default()) {
        ("text", _) => Ok(json!({"type": "text", "text": block["text"]})),
        ("image", "base64" | "url") => Ok(json!({"type": "image_url", "image_url": {"url": url(source)}})),
        ("document", "base64") => {
            let name = block["title"].as_str().unwrap_or("document.pdf");
            Ok(json!({"type": "file", "file": {"filename": name, "file_data": url(source)}}))
        }
        ("document", "text") => Ok(json!({"type": "text", "text": source["data"]})),
        (kind, _) => Err(format!("content of type {kind}")),
    }
}

fn url(source: &Value) -> String {
    match source["url"].as_str() {
        Some(url) => url.to_owned(),
        None => format!(
            "data:{};base64,{}",
            source["media_type"].as_str().unwrap_or_default(),
            source["data"].as_str().unwrap_or_default()
        ),
    }
}

/// Content as a list of parts or blocks: a bare text is one.
pub(super) fn list(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        Value::Array(parts) => parts.clone(),
        _ => Vec::new(),
    }
}

/// The texts of content, joined by newlines.
pub(super) fn text(content: &Value) -> String {
    list(content).iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
}

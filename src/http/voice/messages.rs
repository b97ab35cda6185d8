//! Answers in Anthropic's dialect: in the upstream's own words where it speaks it, translated where it does not.

use bytes::Bytes;
use serde_json::{Value, json};

use super::told;
use crate::cascade::Facts;
use crate::dialect::anthropic::{Encoder, message};
use crate::http::ApiError;
use crate::upstream::{Chunk, Completion};

/// A streamed answer.
#[derive(Default)]
pub(in crate::http) struct Messages {
    /// `None` until it is known who answers.
    encoder: Option<Encoder>,
    /// Whether the upstream speaks the dialect itself, as its first piece tells.
    is_native: bool,
}

pub(super) fn whole(completion: Completion, facts: &Facts) -> Bytes {
    let model = completion.answer.model.as_deref().unwrap_or(&facts.model);
    let translated = || Bytes::from(message(&completion.answer, &facts.id, model).to_string());
    completion.native.clone().unwrap_or_else(translated)
}

/// The event that ends a broken stream; no `message_stop` follows it.
pub(super) fn failed(error: &ApiError) -> Bytes {
    event(&error.anthropic())
}

impl Messages {
    pub(super) fn for_answer(self, facts: &Facts) -> Self {
        Self { encoder: Some(Encoder::new(&facts.id, &facts.model)), ..self }
    }

    pub(super) fn event(&mut self, chunk: Chunk) -> Bytes {
        self.is_native |= chunk.native.is_some();
        if !self.is_native {
            return written(&self.encoder.as_mut().map(|encoder| encoder.push(&chunk)).unwrap_or_default());
        }
        chunk.native.map(|data| raw_event(&data)).unwrap_or_default()
    }

    pub(super) fn ending(&mut self, chunks: Vec<Chunk>, facts: &Facts) -> Bytes {
        let mut bytes = Vec::new();
        for mut chunk in chunks {
            chunk.native = chunk.native.map(|data| with_facts(data, facts));
            bytes.extend_from_slice(&self.event(chunk));
        }
        let end = match &mut self.encoder {
            Some(encoder) if !self.is_native => encoder.end(&told(facts)),
            _ => vec![json!({"type": "message_stop"})],
        };
        bytes.extend_from_slice(&written(&end));
        bytes.into()
    }
}

/// The event that tells the usage also tells what the router knows.
fn with_facts(data: Bytes, facts: &Facts) -> Bytes {
    match serde_json::from_slice::<Value>(&data) {
        Ok(mut event) if event["type"] == "message_delta" && event["usage"].is_object() => {
            event["usage"]["x_rungs"] = told(facts);
            event.to_string().into()
        }
        _ => data,
    }
}

fn written(events: &[Value]) -> Bytes {
    events.iter().flat_map(event).collect()
}

fn event(event: &Value) -> Bytes {
    Bytes::from(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
}

/// An event in the upstream's own words.
fn raw_event(data: &[u8]) -> Bytes {
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let kind = serde_json::from_slice(data).map_or_else(|_| "ping".to_owned(), |kind: Kind| kind.kind);
    let mut event = format!("event: {kind}\ndata: ").into_bytes();
    // A line end inside the JSON text would end the event's field; between tokens a space means the same.
    event.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    event.extend_from_slice(b"\n\n");
    event.into()
}

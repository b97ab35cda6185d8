//! Answers as the client is to see them: what only the router asked for is taken out again.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::cascade::Facts;
use crate::chat::ChatRequest;
use crate::http::voice::told;
use crate::upstream::{Chunk, Completion, Document};

/// What the client asked for, and what has to be taken out of an answer because it did not.
#[derive(Debug, Clone)]
pub(in crate::http) struct Dress {
    wants_logprobs: bool,
    wants_usage: bool,
    /// Stands in where the upstream does not say which model it is.
    model: String,
}

impl Dress {
    pub(in crate::http) fn new(request: &ChatRequest) -> Self {
        let options: serde_json::Map<String, Value> = request.get("stream_options").unwrap_or_default();
        Self {
            wants_logprobs: request.get("logprobs").unwrap_or(false),
            wants_usage: options.get("include_usage").and_then(Value::as_bool).unwrap_or(false),
            model: String::new(),
        }
    }

    /// With the model that a chunk names where the upstream does not.
    pub(in crate::http) fn for_model(self, model: &str) -> Self {
        Self { model: model.to_owned(), ..self }
    }

    /// A whole answer.
    pub(in crate::http) fn whole(self, completion: Completion, facts: &Facts) -> Bytes {
        self.for_model(&facts.model).common(completion.document, completion.answer.model.is_some()).bytes()
    }

    /// A chunk as an event; nothing for one that only tells a usage that the client did not ask for.
    pub(in crate::http) fn event(&self, chunk: Chunk) -> Option<Bytes> {
        self.document(chunk).map(|document| event(&document))
    }

    /// The last chunks and `[DONE]`. Where the client asked for usage, the last chunk that tells it also tells what the
    /// router knows.
    pub(in crate::http) fn ending(&self, mut chunks: Vec<Chunk>, facts: &Facts) -> Bytes {
        if self.wants_usage {
            add_facts(&mut chunks, facts);
        }
        let mut bytes = BytesMut::new();
        chunks.into_iter().filter_map(|chunk| self.event(chunk)).for_each(|event| bytes.extend_from_slice(&event));
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        bytes.freeze()
    }

    fn document(&self, chunk: Chunk) -> Option<Document> {
        let says_nothing = chunk.choices.is_empty() && chunk.usage.is_none() && chunk.native.is_some();
        if says_nothing || (!self.wants_usage && chunk.choices.is_empty() && chunk.usage.is_some()) {
            return None;
        }
        let document = self.common(chunk.document, chunk.model.is_some());
        Some(if self.wants_usage || !mentions(&document, b"\"usage\"") { document } else { document.without("usage") })
    }

    fn common(&self, document: Document, names_model: bool) -> Document {
        let document = if names_model { document } else { document.with("model", &self.model.as_str().into()) };
        if self.wants_logprobs || !mentions(&document, b"\"logprobs\"") {
            return document;
        }
        document.without_in_choices("logprobs")
    }
}

/// An event that ends a broken stream; no `[DONE]` follows it.
pub(in crate::http) fn error_event(error: &Value) -> Bytes {
    Bytes::from(format!("data: {}\n\n", json!({ "error": error })))
}

fn add_facts(chunks: &mut Vec<Chunk>, facts: &Facts) {
    if !chunks.iter().any(|chunk| chunk.usage.is_some()) {
        let Some(last) = chunks.last().cloned() else { return };
        let document = last.document.with("choices", &json!([])).with("usage", &Value::Null);
        chunks.push(Chunk { choices: Vec::new(), document, ..last });
    }
    let place = chunks.iter().rposition(|chunk| chunk.usage.is_some()).or(chunks.len().checked_sub(1));
    if let Some(chunk) = place.and_then(|place| chunks.get_mut(place)) {
        chunk.document = chunk.document.clone().with("x_rungs", &told(facts));
    }
}

/// Whether the text holds these bytes: a cheap test that spares the edit where there is nothing to edit.
fn mentions(document: &Document, name: &[u8]) -> bool {
    document.bytes().windows(name.len()).any(|window| window == name)
}

fn event(document: &Document) -> Bytes {
    let text = document.bytes();
    let mut event = Vec::with_capacity(text.len() + 8);
    event.extend_from_slice(b"data: ");
    // A line end inside the JSON text would end the event's field; between tokens a space means the same.
    event.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    event.extend_from_slice(b"\n\n");
    Bytes::from(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dress(request: &str) -> Dress {
        Dress::new(&ChatRequest::parse(request.as_bytes()).unwrap()).for_model("m-1")
    }

    fn plain() -> Dress {
        dress(r#"{"messages":[{"role":"user","content":"hi"}]}"#)
    }

    fn asking() -> Dress {
        dress(
            r#"{"messages":[{"role":"user","content":"hi"}],"logprobs":true,"stream_options":{"include_usage":true}}"#,
        )
    }

    fn chunk(text: &str) -> Chunk {
        Chunk::parse(text.to_owned()).unwrap()
    }

    fn text(event: Option<Bytes>) -> String {
        String::from_utf8(event.unwrap().to_vec()).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            id: "d".into(),
            tier: "small".into(),
            model: "m".into(),
            escalations: 1,
            cost_usd: Some(0.5),
            task_cost_usd: None,
            stand_in: false,
            unpassed: None,
        }
    }

    const FULL: &str =
        r#"{"model":"m","choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[]}}],"usage":null}"#;

    #[test]
    fn what_the_client_did_not_ask_for_is_taken_out() {
        let sent = text(plain().event(chunk(FULL)));
        assert_eq!(sent, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n");
        assert!(plain().event(chunk(r#"{"choices":[],"usage":{"prompt_tokens":1}}"#)).is_none());
    }

    #[test]
    fn what_it_asked_for_stays_byte_for_byte() {
        assert_eq!(text(asking().event(chunk(FULL))), format!("data: {FULL}\n\n"));
    }

    #[test]
    fn the_model_is_named_where_the_upstream_does_not() {
        assert!(text(plain().event(chunk(r#"{"choices":[]}"#))).contains(r#""model":"m-1""#));
    }

    /// The data of the events of an ending.
    fn ending(dress: &Dress, chunks: &[&str]) -> Vec<String> {
        let bytes = dress.ending(chunks.iter().map(|text| chunk(text)).collect(), &facts());
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
    }

    #[test]
    fn the_last_usage_chunk_tells_the_cost() {
        let end = ending(&asking(), &[FULL, r#"{"model":"m","choices":[],"usage":{"prompt_tokens":1}}"#]);
        let usage: Value = serde_json::from_str(&end[1]).unwrap();
        assert_eq!((end[0].as_str(), &usage["x_rungs"]["cost_usd"], end[2].as_str()), (FULL, &json!(0.5), "[DONE]"));
    }

    #[test]
    fn a_usage_chunk_is_made_where_the_upstream_sent_none() {
        let end = ending(&asking(), &[FULL]);
        let usage: Value = serde_json::from_str(&end[1]).unwrap();
        assert_eq!((&usage["usage"], &usage["choices"], &usage["model"]), (&Value::Null, &json!([]), &json!("m")));
        assert_eq!(usage["x_rungs"]["decision_id"], "d");
        assert_eq!(ending(&plain(), &[FULL]).len(), 2);
    }

    #[test]
    fn line_ends_between_tokens_do_not_end_the_event() {
        assert_eq!(
            text(asking().event(chunk("{\"model\":\"m\",\n\"choices\":[]}"))),
            "data: {\"model\":\"m\", \"choices\":[]}\n\n"
        );
    }
}

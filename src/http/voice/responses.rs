//! Answers of the Responses API.

use bytes::Bytes;
use serde_json::Value;

use super::told;
use crate::cascade::Facts;
use crate::dialect::responses::{Encoder, Frame};
use crate::http::ApiError;
use crate::upstream::{Chunk, Completion};

/// An answer in the making.
pub(in crate::http) struct Responses {
    frame: Frame,
    /// `None` until it is known who answers.
    encoder: Option<Encoder>,
}

impl Responses {
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, encoder: None }
    }

    pub(super) fn for_answer(self, facts: &Facts) -> Self {
        let encoder = Encoder::new(self.frame.clone(), &facts.id, &facts.model);
        Self { encoder: Some(encoder), ..self }
    }

    pub(super) fn whole(&self, completion: &Completion, facts: &Facts) -> Bytes {
        let model = completion.answer.model.as_deref().unwrap_or(&facts.model);
        Bytes::from(self.frame.whole(&completion.answer, &facts.id, model).to_string())
    }

    pub(super) fn event(&mut self, chunk: &Chunk) -> Bytes {
        written(&self.encoder.as_mut().map(|encoder| encoder.push(chunk)).unwrap_or_default())
    }

    pub(super) fn ending(&mut self, chunks: &[Chunk], facts: &Facts) -> Bytes {
        let Some(encoder) = &mut self.encoder else { return Bytes::new() };
        let mut events: Vec<Value> = chunks.iter().flat_map(|chunk| encoder.push(chunk)).collect();
        events.extend(encoder.end(&told(facts)));
        written(&events)
    }

    pub(super) fn failed(&mut self, error: &ApiError) -> Bytes {
        let frame = &self.frame;
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(frame.clone(), "failed", ""));
        written(&encoder.failed(error.object()))
    }
}

fn written(events: &[Value]) -> Bytes {
    let written = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(written).collect::<String>().into()
}

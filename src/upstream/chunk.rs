//! A piece of a streamed answer as the upstream sent it.

use bytes::Bytes;

use super::document::Document;
use super::error::UpstreamError;
use super::wire::{Body, Call, logprobs};
use crate::chat::{TokenLogprob, ToolCall, Usage};

/// Tool calls of one answer that are read; a place beyond is an upstream gone wild.
pub(super) const PLACES: usize = 1024;

/// A piece of an answer: what the router reads of it, and the upstream's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// The model that the upstream says it uses.
    pub model: Option<String>,
    /// Pieces of the choices; a chunk that only tells the usage has none.
    pub choices: Vec<ChoiceDelta>,
    /// Tokens so far, where the chunk tells them.
    pub usage: Option<Usage>,
    /// The JSON object as it came, or its translation.
    pub document: Document,
    /// The event as it came, where the upstream speaks Anthropic's dialect; `None` for a further chunk of the same event.
    pub native: Option<Bytes>,
}

/// What a chunk adds to one choice.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceDelta {
    /// The choice, from 0.
    pub index: u64,
    /// Whether it adds anything that the client would show, read by the router or not.
    pub says_something: bool,
    /// Text to add.
    pub text: String,
    /// Refusal text to add.
    pub refusal: Option<String>,
    /// Pieces of tool calls with their places, below 1024, in the answer.
    pub tool_calls: Vec<(usize, ToolCall)>,
    /// Log-probabilities of the tokens added.
    pub logprobs: Vec<TokenLogprob>,
    /// Why the model stopped, on the choice's last piece.
    pub finish_reason: Option<String>,
}

impl Chunk {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// [`UpstreamError::Reported`] for an error in place of a chunk, [`UpstreamError::Malformed`]
    /// for anything else that is not a chunk.
    pub fn parse(data: String) -> Result<Self, UpstreamError> {
        let body: Body<'_> = serde_json::from_str(&data)
            .map_err(|error| UpstreamError::Malformed(format!("an event that is not a chunk: {error}")))?;
        let usage = body.usage();
        if let Some(error) = body.error.filter(|error| !error.is_null()) {
            return Err(UpstreamError::Reported(error));
        }
        let choices: Vec<ChoiceDelta> = body.choices.unwrap_or_default().into_iter().map(delta).collect();
        let model = body.model;
        Ok(Self { model, choices, usage, document: Document::new(Bytes::from(data)), native: None })
    }

    /// Whether the answer has begun or ended with this chunk; the first one often only names the role.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.choices.iter().any(|choice| choice.says_something || choice.finish_reason.is_some())
    }
}

fn delta(wire: super::wire::Choice<'_>) -> ChoiceDelta {
    let mut delta = wire.delta.unwrap_or_default();
    let says_something = delta.says_something();
    let calls = delta.tool_calls.take().unwrap_or_default();
    ChoiceDelta {
        index: wire.index,
        says_something,
        text: delta.text(),
        refusal: delta.refusal,
        tool_calls: calls.into_iter().enumerate().filter_map(piece).collect(),
        logprobs: logprobs(wire.logprobs),
        finish_reason: wire.finish_reason,
    }
}

fn piece((order, wire): (usize, Call)) -> Option<(usize, ToolCall)> {
    let place = wire.index.unwrap_or(order);
    let mut call = ToolCall::default();
    wire.add_to(&mut call);
    (place < PLACES).then_some((place, call))
}

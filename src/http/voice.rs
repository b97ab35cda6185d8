//! The dialect that a client is answered in.

mod messages;
mod responses;

use bytes::Bytes;

use super::chat::dress::{Dress, error_event};
use super::error::ApiError;
use crate::cascade::Facts;
use crate::chat::ChatRequest;
use crate::dialect::Dialect;
use crate::dialect::responses::Frame;
use crate::upstream::{Chunk, Completion};

use self::messages::Messages;
use self::responses::Responses;

/// Writes one answer, whole or in pieces.
pub(super) enum Voice {
    /// OpenAI's chat completions.
    Chat(Dress),
    /// Anthropic's Messages.
    Messages(Messages),
    /// OpenAI's Responses.
    Responses(Box<Responses>),
}

impl Voice {
    /// In the dialect that the request came in.
    pub(super) fn of(request: &ChatRequest) -> Self {
        if request.native(Dialect::Anthropic).is_some() {
            return Self::Messages(Messages::default());
        }
        match Frame::of(request) {
            Some(frame) => Self::Responses(Box::new(Responses::new(frame))),
            None => Self::Chat(Dress::new(request)),
        }
    }

    /// Now that it is known who answers.
    pub(super) fn for_answer(self, facts: &Facts) -> Self {
        match self {
            Self::Chat(dress) => Self::Chat(dress.for_model(&facts.model)),
            Self::Messages(messages) => Self::Messages(messages.for_answer(facts)),
            Self::Responses(responses) => Self::Responses(Box::new(responses.for_answer(facts))),
        }
    }

    /// A whole answer.
    pub(super) fn whole(self, completion: Completion, facts: &Facts) -> Bytes {
        match self {
            Self::Chat(dress) => dress.whole(completion, facts),
            Self::Messages(_) => messages::whole(completion, facts),
            Self::Responses(responses) => responses.whole(&completion, facts),
        }
    }

    /// The next piece of a streamed one; nothing where the client would see nothing.
    pub(super) fn event(&mut self, chunk: Chunk) -> Option<Bytes> {
        match self {
            Self::Chat(dress) => dress.event(chunk),
            Self::Messages(messages) => Some(messages.event(chunk)).filter(|bytes| !bytes.is_empty()),
            Self::Responses(responses) => Some(responses.event(&chunk)).filter(|bytes| !bytes.is_empty()),
        }
    }

    /// The last pieces of a complete one.
    pub(super) fn ending(&mut self, chunks: Vec<Chunk>, facts: &Facts) -> Bytes {
        match self {
            Self::Chat(dress) => dress.ending(chunks, facts),
            Self::Messages(messages) => messages.ending(chunks, facts),
            Self::Responses(responses) => responses.ending(&chunks, facts),
        }
    }

    /// The end of one that broke.
    pub(super) fn failed(&mut self, error: &ApiError) -> Bytes {
        match self {
            Self::Chat(_) => error_event(error.object()),
            Self::Messages(_) => messages::failed(error),
            Self::Responses(responses) => responses.failed(error),
        }
    }
}

/// What the last event of a stream tells beside the usage.
pub(super) fn told(facts: &Facts) -> serde_json::Value {
    let mut told = serde_json::json!({
        "decision_id": facts.id,
        "tier": facts.tier,
        "escalations": facts.escalations,
        "cost_usd": facts.cost_usd,
    });
    if let Some(cost) = facts.task_cost_usd {
        told["task_cost_usd"] = cost.into();
    }
    told
}

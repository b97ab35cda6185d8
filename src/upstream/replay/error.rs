use serde_json::{Value, json};

use crate::upstream::UpstreamError;

/// Why a request cannot be answered from the recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrecorded {
    /// No tier of this name.
    #[error("no recorded tier is called `{tier}`: use one of {}", known.join(", "))]
    Tier {
        /// What was asked for.
        tier: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The conversation is none of the recorded ones.
    #[error("this conversation is not among the recorded queries, and a replay answers nothing else")]
    Question,
    /// The tier has not seen the conversation.
    #[error("the recorded query `{id}` has no outcome of `{tier}`")]
    Outcome {
        /// The query.
        id: String,
        /// The tier.
        tier: String,
    },
}

impl Unrecorded {
    /// The `error` object in OpenAI's shape; it goes with status 404.
    #[must_use]
    pub fn to_object(&self) -> Value {
        let (param, code) = match self {
            Self::Tier { .. } => ("model", "model_not_found"),
            Self::Question => ("messages", "query_not_recorded"),
            Self::Outcome { .. } => ("model", "outcome_not_recorded"),
        };
        json!({"message": self.to_string(), "type": "invalid_request_error", "param": param, "code": code})
    }
}

impl From<Unrecorded> for UpstreamError {
    fn from(error: Unrecorded) -> Self {
        Self::status(404, Some(error.to_object()))
    }
}

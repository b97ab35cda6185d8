//! Labelled queries: requests with what each model made of them, one JSON object a line.

mod error;
mod fields;
mod prompt;
mod reader;
mod row;
mod source;

use indexmap::IndexMap;
use serde::Serialize;

use crate::chat::ChatRequest;

pub use error::RowError;
pub use prompt::{Prompt, prompts};
pub use reader::{OnBad, Reader, Skipped, parse};
pub(crate) use source::Source;

/// A request with the recorded outcome of each tier that saw it.
#[derive(Debug, Clone)]
pub struct LabelledQuery {
    /// Names the query.
    pub id: String,
    /// What was asked: the row's `messages` or `prompt`, with its `tools` and `response_format`.
    pub request: ChatRequest,
    /// The named use of the product.
    pub route: Option<String>,
    /// The subject.
    pub domain: Option<String>,
    /// The unit of resampling: rows of one conversation or template share it.
    pub group: Option<String>,
    /// The part that the row was assigned to, such as `train`.
    pub split: Option<String>,
    /// How much the row counts, finite and not negative; 1 unless the row says otherwise.
    pub weight: f64,
    /// Tier → what it made of the request; never empty.
    pub outcomes: IndexMap<String, RecordedOutcome>,
}

/// What one tier made of a request. All but the score is optional, because most sources record little more.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecordedOutcome {
    /// Acceptability in [0, 1]; 1 is acceptable.
    pub score: f64,
    /// Cost of the call in USD, not negative.
    pub cost_usd: Option<f64>,
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// Duration of the call, milliseconds, not negative.
    pub latency_ms: Option<f64>,
    /// The answer's text.
    pub answer: Option<String>,
    /// Mean token log-probability of the answer, natural logarithm.
    pub logprob: Option<f64>,
    /// Log-probability of each token of the answer.
    pub token_logprobs: Option<Vec<f64>>,
    /// For each token of the answer, the alternatives at its place with their log-probabilities.
    pub top_logprobs: Option<Vec<IndexMap<String, f64>>>,
    /// Further answers drawn of the same model.
    pub samples: Option<Vec<String>>,
    /// Acceptability of each sample, in [0, 1]; as many as there are samples.
    pub sample_scores: Option<Vec<f64>>,
}

impl LabelledQuery {
    /// The unit of resampling: the row's group, or the row itself where it names none.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.id)
    }

    /// The tier's recorded score; `None` where the tier has not seen the request.
    #[must_use]
    pub fn score_of(&self, tier: &str) -> Option<f64> {
        self.outcomes.get(tier).map(|outcome| outcome.score)
    }
}

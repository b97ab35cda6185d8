//! What a tier answered, read from a whole completion or gathered from a stream.

use super::usage::Usage;

/// A complete answer of one model call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The model that the upstream says it used.
    pub model: Option<String>,
    /// The text of the first choice; empty when there is none.
    pub text: String,
    /// The model's own refusal, where the provider reports one apart from the text.
    pub refusal: Option<String>,
    /// Tools that the model wants called.
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`, or what the provider says.
    pub finish_reason: Option<String>,
    /// Log-probability of each token of the answer; empty when the upstream gives none.
    pub logprobs: Vec<TokenLogprob>,
    /// Tokens used; `None` when the upstream does not say.
    pub usage: Option<Usage>,
}

/// A tool call in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// The arguments, as the JSON text that the model wrote (not necessarily valid).
    pub arguments: String,
}

/// One token of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// Natural log-probability, at most 0; an upstream may send −∞ as a very negative number.
    pub logprob: f64,
    /// The alternatives at this place with their log-probabilities, the chosen one usually among them.
    pub top: Vec<(String, f64)>,
}

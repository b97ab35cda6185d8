//! A recorded answer in OpenAI's shapes.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::choice::{Choice, Token};
use crate::chat::{ChatRequest, Usage};
use crate::labelled::RecordedOutcome;
use crate::policy::Tokens;

/// An answer, ready to be sent whole or in pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    id: String,
    model: String,
    choices: Vec<Choice>,
    usage: Usage,
    latency: Duration,
    /// Alternatives to show for each token; `None` where log-probabilities were not asked for.
    alternatives: Option<usize>,
}

/// More choices than this are not given; it is the limit of OpenAI's API.
const MAX_CHOICES: u32 = 128;

impl Reply {
    /// What a tier answered; `first` says which recorded text comes first: 0 is the answer, `i` the `i`th sample.
    pub(super) fn recorded(
        request: &ChatRequest,
        tier: &str,
        id: &str,
        outcome: &RecordedOutcome,
        first: usize,
    ) -> Self {
        let texts = 1 + outcome.samples.as_ref().map_or(0, Vec::len);
        let choices: Vec<Choice> =
            (first..first + wanted(request)).map(|i| Choice::recorded(request, tier, id, outcome, i % texts)).collect();
        Self {
            usage: Usage::new(
                outcome.input_tokens.unwrap_or_else(|| Tokens::estimate(request).expected.input_tokens),
                choices.iter().map(|choice| choice.spent(outcome)).sum(),
            ),
            latency: Duration::from_secs_f64(outcome.latency_ms.unwrap_or(0.0).clamp(0.0, 3.6e6) / 1e3),
            ..Self::new(request, tier, format!("chatcmpl-{id}-{first}"), choices)
        }
    }

    /// A plain sentence that is no recorded answer.
    #[must_use]
    pub fn sentence(request: &ChatRequest, tier: &str, sentence: &str) -> Self {
        let choice = Choice::sentence(sentence);
        Self::new(request, tier, "chatcmpl-unrecorded".to_owned(), vec![choice; wanted(request)])
    }

    fn new(request: &ChatRequest, tier: &str, id: String, choices: Vec<Choice>) -> Self {
        let output_tokens = choices.iter().map(|choice| choice.tokens.len() as u64).sum();
        let usage = Usage::new(Tokens::estimate(request).expected.input_tokens, output_tokens);
        let alternatives = request.get("logprobs").unwrap_or(false).then(|| request.get("top_logprobs").unwrap_or(0));
        Self { id, model: tier.to_owned(), choices, usage, latency: Duration::ZERO, alternatives }
    }

    /// How long the recorded call took; zero where that is not recorded.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// The whole answer as a `chat.completion`.
    #[must_use]
    pub fn completion(&self) -> Value {
        let choices = self.choices.iter().enumerate().map(|(index, choice)| {
            let logprobs = self.logprobs(&choice.tokens);
            json!({"index": index, "message": choice.message(), "logprobs": logprobs, "finish_reason": choice.finish_reason})
        });
        self.envelope("chat.completion", choices.collect(), Some(self.usage))
    }

    /// The answer as `chat.completion.chunk`s: a token each, the finish reason, and the usage where it is wanted.
    #[must_use]
    pub fn chunks(&self, usage: bool) -> Vec<Value> {
        let mut chunks = Vec::new();
        for (index, choice) in self.choices.iter().enumerate() {
            let chunk = |delta: Value, logprobs: Value, finish_reason: Option<&str>| {
                let choice =
                    json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason});
                self.envelope("chat.completion.chunk", vec![choice], None)
            };
            chunks.push(chunk(
                json!({"role": "assistant", "content": choice.calls.is_empty().then_some("")}),
                Value::Null,
                None,
            ));
            if choice.calls.is_empty() {
                chunks.extend(choice.tokens.iter().map(|token| {
                    chunk(json!({"content": token.text}), self.logprobs(std::slice::from_ref(token)), None)
                }));
            } else {
                chunks.push(chunk(json!({"tool_calls": choice.tool_calls(true)}), self.logprobs(&choice.tokens), None));
            }
            chunks.push(chunk(json!({}), Value::Null, Some(choice.finish_reason)));
        }
        if usage {
            chunks.push(self.envelope("chat.completion.chunk", vec![], Some(self.usage)));
        }
        chunks
    }

    fn envelope(&self, object: &str, choices: Vec<Value>, usage: Option<Usage>) -> Value {
        let usage = usage.map(|usage| {
            json!({
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "total_tokens": usage.input_tokens + usage.output_tokens,
            })
        });
        json!({
            "id": self.id, "object": object, "created": Timestamp::now().as_second(), "model": self.model,
            "system_fingerprint": "rungs-replay", "choices": choices, "usage": usage,
        })
    }

    /// Null where log-probabilities were not asked for or are not recorded.
    fn logprobs(&self, tokens: &[Token]) -> Value {
        let Some(alternatives) = self.alternatives else { return Value::Null };
        let content: Option<Vec<Value>> = tokens.iter().map(|token| token.to_json(alternatives)).collect();
        content.map_or(Value::Null, |content| json!({"content": content}))
    }
}

fn wanted(request: &ChatRequest) -> usize {
    request.get("n").unwrap_or(1_u32).clamp(1, MAX_CHOICES) as usize
}

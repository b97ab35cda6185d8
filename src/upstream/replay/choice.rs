//! One choice of a recorded answer: its tokens, its tool calls, why it ends.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::chat::ChatRequest;
use crate::labelled::RecordedOutcome;
use crate::policy::answer_limit;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub(super) tokens: Vec<Token>,
    pub(super) calls: Vec<Call>,
    pub(super) finish_reason: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    logprob: Option<f64>,
    top: Vec<(String, f64)>,
}

/// A tool call as a labelled query writes it in `answer`: `{"tool_calls":[{"name":…,"arguments":{…}}]}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Call {
    name: String,
    arguments: Value,
}

impl Choice {
    pub(super) fn recorded(
        request: &ChatRequest,
        tier: &str,
        id: &str,
        outcome: &RecordedOutcome,
        text: usize,
    ) -> Self {
        let answer = outcome.answer.as_deref();
        let text = match text.checked_sub(1) {
            None => answer,
            Some(sample) => outcome.samples.as_ref().and_then(|samples| samples.get(sample)).map(String::as_str),
        };
        let Some(text) = text else {
            return Self::of(split(&format!("[{id}: the text of {tier}'s answer is not recorded]"), 1), "stop");
        };
        // Log-probabilities are those of the answer: a sample of another text has none.
        let mut choice = Self::of(tokens(text, (Some(text) == answer).then_some(outcome)), "stop");
        if !request.tools().is_empty()
            && let Some(calls) = calls(text)
        {
            return Self { calls, finish_reason: "tool_calls", ..choice };
        }
        let limit = answer_limit(request).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        if choice.tokens.len() > limit {
            choice.tokens.truncate(limit);
            choice.finish_reason = "length";
        }
        choice
    }

    /// A plain sentence.
    pub(super) fn sentence(sentence: &str) -> Self {
        Self::of(tokens(sentence, None), "stop")
    }

    fn of(tokens: Vec<Token>, finish_reason: &'static str) -> Self {
        Self { tokens, calls: Vec::new(), finish_reason }
    }

    /// Output tokens: as recorded for the whole answer, else as many as are sent.
    pub(super) fn spent(&self, outcome: &RecordedOutcome) -> u64 {
        let whole = self.finish_reason != "length" && Some(self.text().as_str()) == outcome.answer.as_deref();
        outcome.output_tokens.filter(|_| whole).unwrap_or(self.tokens.len() as u64)
    }

    fn text(&self) -> String {
        self.tokens.iter().map(|token| token.text.as_str()).collect()
    }

    pub(super) fn message(&self) -> Value {
        if self.calls.is_empty() {
            json!({"role": "assistant", "content": self.text(), "refusal": null})
        } else {
            json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": self.tool_calls(false)})
        }
    }

    pub(super) fn tool_calls(&self, places: bool) -> Vec<Value> {
        let calls = self.calls.iter().enumerate().map(|(place, call)| {
            let function = json!({"name": call.name, "arguments": call.arguments.to_string()});
            let mut object = json!({"id": format!("call_{place}"), "type": "function", "function": function});
            if places {
                object["index"] = place.into();
            }
            object
        });
        calls.collect()
    }
}

impl Token {
    pub(super) fn to_json(&self, alternatives: usize) -> Option<Value> {
        let top = self.top.iter().take(alternatives);
        let top: Vec<Value> = top.map(|(token, logprob)| logprob_of(token, *logprob)).collect();
        let mut object = logprob_of(&self.text, self.logprob?);
        object["top_logprobs"] = top.into();
        Some(object)
    }
}

fn logprob_of(token: &str, logprob: f64) -> Value {
    json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()})
}

/// The pieces of a text. A recording has the log-probabilities of tokens but not their texts: the text is cut into as
/// many pieces as there are log-probabilities. Where only their mean is recorded, every piece has the mean.
fn tokens(text: &str, outcome: Option<&RecordedOutcome>) -> Vec<Token> {
    let recorded = outcome.and_then(|outcome| outcome.token_logprobs.as_deref()).unwrap_or_default();
    let top = outcome.and_then(|outcome| outcome.top_logprobs.as_deref()).unwrap_or_default();
    let mean = outcome.and_then(|outcome| outcome.logprob);
    let count = if recorded.is_empty() { estimate(text) } else { recorded.len() };
    let mut tokens = split(text, count);
    for (i, token) in tokens.iter_mut().enumerate() {
        token.logprob = recorded.get(i).copied().or(mean);
        token.top = top.get(i).into_iter().flatten().map(|(token, logprob)| (token.clone(), *logprob)).collect();
    }
    tokens
}

/// Cuts a text into pieces of about equal length.
fn split(text: &str, count: usize) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let at = |i: usize| characters.len() * i / count.max(1);
    (0..count)
        .map(|i| Token { text: characters[at(i)..at(i + 1)].iter().collect(), logprob: None, top: Vec::new() })
        .collect()
}

/// A token for every four characters, and none for nothing.
fn estimate(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

fn calls(text: &str) -> Option<Vec<Call>> {
    #[derive(Deserialize)]
    struct Recorded {
        tool_calls: Vec<Call>,
    }
    let recorded: Recorded = serde_json::from_str(text).ok()?;
    (!recorded.tool_calls.is_empty()).then_some(recorded.tool_calls)
}

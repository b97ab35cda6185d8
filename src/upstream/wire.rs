//! The parts of OpenAI's answers that the router reads. Everything else stays in the [`super::Document`].

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::usage::OpenAiUsage;
use crate::chat::content::Content;
use crate::chat::{TokenLogprob, ToolCall, Usage};

/// A whole completion or a chunk: they differ in `message` and `delta` alone.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default, borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<OpenAiUsage>,
    /// Who bills at other rates says so here.
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

impl Body<'_> {
    /// The tokens, where the body tells them.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage?.read(self.service_tier.as_deref())
    }
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub(super) index: u64,
    #[serde(default)]
    pub(super) message: Option<Delta>,
    #[serde(default)]
    pub(super) delta: Option<Delta>,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
    #[serde(default, borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<Call>>,
    /// Thoughts that some servers stream ahead of the text.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// Another name for the same; some servers send both.
    #[serde(default)]
    reasoning: Option<String>,
    /// The older form of a tool call: passed on unread.
    #[serde(default)]
    function_call: Option<IgnoredAny>,
    /// A spoken answer: passed on unread.
    #[serde(default)]
    audio: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Call {
    /// Place of the call in the answer; only chunks have it.
    #[serde(default)]
    pub(super) index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

impl Delta {
    /// Whether there is more to it than the role that an answer opens with.
    pub(super) fn says_something(&self) -> bool {
        let content = self.content.as_ref().is_some_and(|content| !content.is_empty());
        let texts = [&self.refusal, &self.reasoning_content, &self.reasoning];
        content
            || texts.into_iter().flatten().any(|text| !text.is_empty())
            || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
            || self.function_call.is_some()
            || self.audio.is_some()
    }

    /// The text that this piece adds.
    pub(super) fn text(&mut self) -> String {
        self.content.take().map(|content| content.text("")).unwrap_or_default()
    }
}

impl Call {
    /// Adds this piece to a call: the id and the name come once, the arguments bit by bit.
    pub(super) fn add_to(self, call: &mut ToolCall) {
        if let Some(id) = self.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        let Some(function) = self.function else { return };
        if let Some(name) = function.name.filter(|name| !name.is_empty()) {
            call.name = name;
        }
        call.arguments.push_str(&function.arguments.unwrap_or_default());
    }
}

/// Reads log-probabilities in the chat shape (`content`) or the older one (`tokens`, `token_logprobs`). What cannot be
/// read counts as not given: it is a signal, not a part of the answer.
pub(super) fn logprobs(raw: Option<&RawValue>) -> Vec<TokenLogprob> {
    let Some(wire) = raw.and_then(|raw| serde_json::from_str::<WireLogprobs>(raw.get()).ok()) else {
        return Vec::new();
    };
    if let Some(content) = wire.content {
        return content.into_iter().filter_map(WireToken::read).collect();
    }
    let mut texts = wire.tokens.unwrap_or_default().into_iter();
    let values = wire.token_logprobs.unwrap_or_default();
    values
        .into_iter()
        .filter_map(|logprob| {
            let token = texts.next().unwrap_or_default();
            Some(TokenLogprob { token, logprob: logprob?, top: Vec::new() })
        })
        .collect()
}

#[derive(Deserialize)]
struct WireLogprobs {
    #[serde(default)]
    content: Option<Vec<WireToken>>,
    #[serde(default)]
    tokens: Option<Vec<String>>,
    #[serde(default)]
    token_logprobs: Option<Vec<Option<f64>>>,
}

#[derive(Deserialize)]
struct WireToken {
    #[serde(default)]
    token: String,
    #[serde(default)]
    logprob: Option<f64>,
    #[serde(default)]
    top_logprobs: Option<Vec<WireToken>>,
}

impl WireToken {
    fn read(self) -> Option<TokenLogprob> {
        let top = self.top_logprobs.unwrap_or_default();
        let top = top.into_iter().filter_map(|other| Some((other.token, other.logprob?))).collect();
        Some(TokenLogprob { token: self.token, logprob: self.logprob?, top })
    }
}

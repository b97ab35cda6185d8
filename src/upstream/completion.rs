//! A whole answer as the upstream sent it.

use bytes::Bytes;

use super::chunk::PLACES;
use super::document::Document;
use super::error::UpstreamError;
use super::finish;
use super::wire::{Body, logprobs};
use crate::chat::{Answer, ToolCall};

/// A whole answer: what the router reads of it, and the upstream's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The first choice.
    pub answer: Answer,
    /// The JSON object as it came, or its translation.
    pub document: Document,
    /// The message as it came, where the upstream speaks Anthropic's dialect.
    pub native: Option<Bytes>,
}

impl Completion {
    /// Reads the body of a successful answer.
    ///
    /// # Errors
    /// [`UpstreamError::Reported`] for an error in the body or as finish reason, [`UpstreamError::Malformed`] for
    /// anything but a completion with at least one choice that has a message.
    pub fn parse(text: Bytes) -> Result<Self, UpstreamError> {
        let body: Body<'_> = serde_json::from_slice(&text)
            .map_err(|error| UpstreamError::Malformed(format!("not a chat completion: {error}")))?;
        let usage = body.usage();
        if let Some(error) = body.error.filter(|error| !error.is_null()) {
            return Err(UpstreamError::Reported(error));
        }
        let mut choices = body.choices.unwrap_or_default();
        let first = choices.iter().position(|choice| choice.index == 0).unwrap_or(0);
        if choices.is_empty() {
            return Err(UpstreamError::Malformed("a completion without `choices`".to_owned()));
        }
        let choice = choices.swap_remove(first);
        let Some(mut message) = choice.message else {
            return Err(UpstreamError::Malformed("a choice without `message`".to_owned()));
        };
        let said = message.says_something();
        if let Some(failure) = choice.finish_reason.as_deref().and_then(|reason| finish::failure(reason, said)) {
            return Err(UpstreamError::Reported(failure.into()));
        }
        let calls = message.tool_calls.take().unwrap_or_default();
        let answer = Answer {
            model: body.model,
            text: message.text(),
            refusal: message.refusal,
            tool_calls: calls.into_iter().take(PLACES).map(whole).collect(),
            finish_reason: choice.finish_reason,
            logprobs: logprobs(choice.logprobs),
            usage,
        };
        Ok(Self { answer, document: Document::new(text), native: None })
    }
}

fn whole(wire: super::wire::Call) -> ToolCall {
    let mut call = ToolCall::default();
    wire.add_to(&mut call);
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Completion, UpstreamError> {
        Completion::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn reads_text_calls_logprobs_and_cached_tokens() {
        let completion = parse(
            r#"{"model":"m-1","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"four",
            "tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},
            "logprobs":{"content":[{"token":"four","logprob":-0.25,"top_logprobs":[{"token":"4","logprob":-1.5}]}]}}],
            "usage":{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":8}}}"#,
        )
        .unwrap();
        let answer = completion.answer;
        assert_eq!((answer.text.as_str(), answer.model.as_deref()), ("four", Some("m-1")));
        assert_eq!(answer.tool_calls[0].arguments, r#"{"a":2}"#);
        assert_eq!(answer.logprobs[0].top, vec![("4".to_owned(), -1.5)]);
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cached_tokens), (10, 1, 8));
    }

    #[test]
    fn content_in_parts_and_the_older_logprobs_are_read() {
        let completion = parse(
            r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
            "logprobs":{"tokens":["a","b"],"token_logprobs":[null,-0.5]}}]}"#,
        )
        .unwrap();
        assert_eq!(completion.answer.text, "ab");
        assert_eq!(completion.answer.logprobs.len(), 1);
        assert_eq!(completion.answer.logprobs[0].token, "b");
    }

    #[test]
    fn success_with_an_error_inside_is_an_error() {
        assert!(matches!(parse(r#"{"error":{"message":"quota"}}"#), Err(UpstreamError::Reported(_))));
        assert!(matches!(
            parse(r#"{"choices":[{"message":{"content":""},"finish_reason":"error"}]}"#),
            Err(UpstreamError::Reported(_))
        ));
        for broken in ["", "{", "[]", "null", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#, r#"{"choices":7}"#, "\u{0}"] {
            assert!(matches!(parse(broken), Err(UpstreamError::Malformed(_))), "{broken}");
        }
    }

    #[test]
    fn odd_logprobs_are_no_reason_to_refuse_an_answer() {
        let completion = parse(r#"{"choices":[{"message":{"content":"x"},"logprobs":{"content":"none"}}]}"#).unwrap();
        assert!(completion.answer.logprobs.is_empty());
    }
}

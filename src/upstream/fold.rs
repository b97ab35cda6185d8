//! Gathers the pieces of a stream into the answer that they make.

use std::collections::HashSet;

use super::chunk::{ChoiceDelta, Chunk};
use crate::chat::{Answer, ToolCall};

/// A streamed answer in the making; only the first choice is gathered.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    answer: Answer,
    finished: HashSet<u64>,
}

impl Fold {
    /// Adds the next chunk.
    pub fn push(&mut self, chunk: &Chunk) {
        if self.answer.model.is_none() {
            self.answer.model.clone_from(&chunk.model);
        }
        // A later count outranks: some servers tell a running total in every chunk.
        self.answer.usage = chunk.usage.or(self.answer.usage);
        for choice in &chunk.choices {
            if choice.finish_reason.is_some() {
                self.finished.insert(choice.index);
            }
            if choice.index == 0 {
                self.add(choice);
            }
        }
    }

    /// How many choices have given their finish reason.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.finished.len()
    }

    /// The answer so far.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The answer.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    fn add(&mut self, piece: &ChoiceDelta) {
        let answer = &mut self.answer;
        answer.text.push_str(&piece.text);
        if let Some(refusal) = &piece.refusal {
            answer.refusal.get_or_insert_default().push_str(refusal);
        }
        for (place, piece) in &piece.tool_calls {
            if answer.tool_calls.len() <= *place {
                answer.tool_calls.resize_with(place + 1, ToolCall::default);
            }
            if let Some(call) = answer.tool_calls.get_mut(*place) {
                merge(call, piece);
            }
        }
        answer.logprobs.extend_from_slice(&piece.logprobs);
        if piece.finish_reason.is_some() {
            answer.finish_reason.clone_from(&piece.finish_reason);
        }
    }
}

/// Adds a piece to a call: id and name come once, the arguments bit by bit.
pub(crate) fn merge(call: &mut ToolCall, piece: &ToolCall) {
    if !piece.id.is_empty() {
        call.id.clone_from(&piece.id);
    }
    if !piece.name.is_empty() {
        call.name.clone_from(&piece.name);
    }
    call.arguments.push_str(&piece.arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Usage;

    fn fold(events: &[&str]) -> Fold {
        let mut fold = Fold::default();
        for event in events {
            fold.push(&Chunk::parse((*event).to_owned()).unwrap());
        }
        fold
    }

    #[test]
    fn text_reason_and_usage_come_together() {
        let fold = fold(&[
            r#"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            r#"{"model":"m","choices":[{"index":0,"delta":{"content":"fo"},"logprobs":{"content":[{"token":"fo","logprob":-1}]}}]}"#,
            r#"{"model":"m","choices":[{"index":0,"delta":{"content":"ur"},"logprobs":{"content":[{"token":"ur","logprob":0}]}}]}"#,
            r#"{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        ]);
        assert_eq!(fold.finished(), 1);
        let answer = fold.into_answer();
        assert_eq!((answer.text.as_str(), answer.finish_reason.as_deref()), ("four", Some("stop")));
        assert_eq!(answer.logprobs.len(), 2);
        assert_eq!(answer.usage, Some(Usage::new(3, 2)));
    }

    #[test]
    fn parallel_tool_calls_are_joined_by_their_place() {
        let answer = fold(&[
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"}"}}]}}]}"#,
        ])
        .into_answer();
        let calls: Vec<_> = answer.tool_calls.iter().map(|c| (&*c.id, &*c.name, &*c.arguments)).collect();
        assert_eq!(calls, [("a", "f", "{}"), ("b", "g", "{}")]);
    }

    #[test]
    fn a_wild_place_of_a_call_costs_no_memory() {
        let answer =
            fold(&[r#"{"choices":[{"delta":{"tool_calls":[{"index":99999999999,"id":"a"}]}}]}"#]).into_answer();
        assert!(answer.tool_calls.is_empty());
    }

    #[test]
    fn other_choices_do_not_mix_into_the_first() {
        let fold = fold(&[
            r#"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"stop"},{"index":0,"delta":{"content":"a"}}]}"#,
        ]);
        assert_eq!((fold.finished(), fold.answer().text.as_str()), (1, "a"));
    }

    #[test]
    fn an_error_event_is_an_error() {
        use crate::upstream::UpstreamError;
        assert!(matches!(Chunk::parse(r#"{"error":{"message":"x"}}"#.to_owned()), Err(UpstreamError::Reported(_))));
        assert!(matches!(Chunk::parse("[1".to_owned()), Err(UpstreamError::Malformed(_))));
    }
}

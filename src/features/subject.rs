//! The text that is scored: the user's own request, in the context that it needs.

use std::borrow::Cow;

use super::injected::own_words;
use crate::chat::{ChatRequest, Role};

/// Longest subject in bytes; of a longer one the head and the tail are read.
const MAX_BYTES: usize = 8_000;

/// A later request shorter than this, in bytes, is read together with the user's turns before it.
const FOLLOW_UP_BYTES: usize = 200;

/// Longest context that is put before a short request, in bytes.
const CONTEXT_BYTES: usize = 2_000;

/// What of a conversation is scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The user's request, at most about 8,000 bytes. Where it is a short follow-up, such as "commit it", the user's
    /// turns before it stand in front, oldest first.
    pub text: Cow<'a, str>,
    /// Length of the request itself in characters, before it was shortened and without its context.
    pub request_chars: usize,
}

/// Finds what the user asks: the last user message that has words of the user's own, in its context.
///
/// System and developer messages, tool results, attachments and blocks that the client injected are not the request.
/// Where no user message has words, the text is empty.
#[must_use]
pub fn subject(request: &ChatRequest) -> Subject<'_> {
    let mut turns = request
        .messages()
        .iter()
        .rev()
        .filter(|message| message.role == Role::User)
        .map(|message| own_words(&message.text))
        .filter(|words| !words.is_empty());
    let Some(last) = turns.next() else { return Subject { text: Cow::Borrowed(""), request_chars: 0 } };
    let request_chars = last.chars().count();
    let text = if last.len() < FOLLOW_UP_BYTES { in_context(last, turns) } else { excerpt(last, MAX_BYTES) };
    Subject { text, request_chars }
}

/// A short request behind as many of the earlier turns, newest first, as fit.
fn in_context<'a>(request: Cow<'a, str>, earlier: impl Iterator<Item = Cow<'a, str>>) -> Cow<'a, str> {
    let mut room = CONTEXT_BYTES;
    let mut parts = vec![request];
    for turn in earlier {
        let part = excerpt(turn, room);
        room = room.saturating_sub(part.len());
        parts.push(part);
        if room < FOLLOW_UP_BYTES {
            break;
        }
    }
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => Cow::Owned(parts.iter().rev().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n")),
    }
}

/// The text, or where it is longer than `max` bytes its head and its tail of half of that each.
pub(super) fn excerpt(text: Cow<'_, str>, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return text;
    }
    let (head, tail) = ends(&text, max / 2);
    Cow::Owned(format!("{head}\n{tail}"))
}

/// The first and the last `bytes` of a text, cut at character boundaries.
pub(super) fn ends(text: &str, bytes: usize) -> (&str, &str) {
    let head = text.floor_char_boundary(bytes);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(bytes));
    (&text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(turns: &[(&str, &str)]) -> ChatRequest {
        let messages: Vec<_> =
            turns.iter().map(|(role, text)| serde_json::json!({"role": role, "content": text})).collect();
        ChatRequest::parse(serde_json::json!({"messages": messages}).to_string().as_bytes()).unwrap()
    }

    fn text(turns: &[(&str, &str)]) -> String {
        subject(&conversation(turns)).text.into_owned()
    }

    #[test]
    fn the_request_is_the_users_last_words_and_not_what_surrounds_them() {
        let long = "Rewrite the scheduler so that it never starves a queue. ".repeat(5);
        let turns = [
            ("system", "You are terse."),
            ("user", "Hello."),
            ("assistant", "Hi."),
            ("user", long.as_str()),
            ("assistant", "I look at the files."),
            ("tool", "error: no such file"),
            ("user", "<system-reminder>The todo list is empty.</system-reminder>"),
        ];
        assert_eq!(text(&turns), long.trim());
    }

    #[test]
    fn a_short_follow_up_is_read_with_the_turns_before_it() {
        let turns = [("user", "Prove that the queue is lock-free."), ("assistant", "Done."), ("user", "commit it")];
        let request = conversation(&turns);
        let subject = subject(&request);
        assert_eq!(subject.text, "Prove that the queue is lock-free.\ncommit it");
        assert_eq!(subject.request_chars, 9);
    }

    #[test]
    fn the_context_is_bounded_and_keeps_the_newest_turns() {
        let turns: Vec<(&str, String)> = (0..500).map(|i| ("user", format!("turn {i} {}", "x".repeat(90)))).collect();
        let turns: Vec<(&str, &str)> = turns.iter().map(|(role, text)| (*role, text.as_str())).collect();
        let text = text(&turns);
        assert!(text.len() < CONTEXT_BYTES + 200, "{}", text.len());
        assert!(text.contains("turn 499 ") && text.contains("turn 490 ") && !text.contains("turn 3 "));
    }

    #[test]
    fn of_a_huge_request_the_head_and_the_tail_are_read() {
        let huge = format!("first {} last?", "é".repeat(5_000_000));
        let request = ChatRequest::from_prompt(&huge);
        let subject = subject(&request);
        assert!(subject.text.len() <= MAX_BYTES + 1);
        assert!(subject.text.starts_with("first é") && subject.text.ends_with("é last?"));
        assert_eq!(subject.request_chars, 5_000_012);
    }

    #[test]
    fn a_conversation_without_words_has_an_empty_subject() {
        for turns in [&[("user", "")][..], &[("user", " \n")], &[("system", "Be brief.")], &[("tool", "4")]] {
            assert_eq!(subject(&conversation(turns)), Subject { text: "".into(), request_chars: 0 });
        }
    }
}

//! How many tokens a conversation takes, without the tokenizer of each model behind the router.

use serde_json::Value;

use crate::chat::{ChatRequest, Usage};

/// Bounds on the tokens that a model must hold for a request: prompt, tools and the answer asked for.
///
/// Common tokenizers make a token of about four ASCII bytes of English prose and of about three of code, and of
/// roughly one character elsewhere. `high` counts three bytes and one character to a token, `low` five and two. Each message
/// adds 4, each attachment 1000 to `high` and 100 to `low`. The answer adds `max_completion_tokens` or `max_tokens`
/// to both, and nothing where the request does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Hardly more than this.
    pub high: u64,
    /// Hardly less than this.
    pub low: u64,
    /// What a call is expected to take: the middle of the prompt's bounds, and an answer of 256 tokens or of as many as
    /// the request allows, if that is less.
    pub expected: Usage,
}

/// Expected length of an answer, in tokens, where the request sets no lower limit.
const USUAL_ANSWER: u64 = 256;

/// The most tokens that the client lets the answer have.
#[must_use]
pub fn answer_limit(request: &ChatRequest) -> Option<u64> {
    request.get("max_completion_tokens").or_else(|| request.get("max_tokens"))
}

/// About how many tokens a text takes: four ASCII bytes or one other character to a token.
#[must_use]
pub fn text_tokens(text: &str) -> u64 {
    let mut counted = Text::default();
    counted.count(text);
    counted.ascii.div_ceil(4) + counted.other
}

impl Tokens {
    /// Estimates a request.
    #[must_use]
    pub fn estimate(request: &ChatRequest) -> Self {
        let mut text = Text::default();
        for field in ["messages", "tools", "functions", "response_format"] {
            if let Some(value) = request.get::<Value>(field) {
                text.add(&value);
            }
        }
        let messages = request.messages().len() as u64;
        let attachments: u64 = request.messages().iter().map(|message| message.attachments as u64).sum();
        let prompt = |bytes: u64, characters: u64, attachment: u64| {
            let text = text.ascii.div_ceil(bytes) + text.other.div_ceil(characters);
            text + 4 * messages + attachment * attachments
        };
        let (high, low, answer) = (prompt(3, 1, 1000), prompt(5, 2, 100), answer_limit(request));
        let output_tokens = answer.unwrap_or(USUAL_ANSWER).min(USUAL_ANSWER);
        Self {
            high: high.saturating_add(answer.unwrap_or(0)),
            low: low.saturating_add(answer.unwrap_or(0)),
            expected: Usage::new(high.midpoint(low), output_tokens),
        }
    }
}

/// What is written in a JSON value. Attachments are not text: their data is skipped.
#[derive(Default)]
struct Text {
    ascii: u64,
    other: u64,
}

impl Text {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.count(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "role" | "type" | "image_url" | "input_audio" | "file"))
                .for_each(|(_, item)| self.add(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.ascii += 4,
        }
    }

    fn count(&mut self, text: &str) {
        let ascii = text.bytes().filter(u8::is_ascii).count();
        self.ascii += ascii as u64;
        self.other += text.chars().count().saturating_sub(ascii) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(body: &str) -> Tokens {
        Tokens::estimate(&ChatRequest::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn the_bounds_hold_for_a_text_of_known_length() {
        // GPT-4o's tokenizer makes 9 tokens of this sentence.
        let tokens =
            estimate(r#"{"messages":[{"role":"user","content":"The quick brown fox jumps over the lazy dog"}]}"#);
        assert!(tokens.low - 4 <= 9 && 9 <= tokens.high - 4, "{tokens:?}");
    }

    #[test]
    fn the_answer_asked_for_counts_and_cannot_overflow() {
        let plain = estimate(r#"{"messages":[{"role":"user","content":"hi"}]}"#);
        let asked = estimate(r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":500}"#);
        assert_eq!(asked.high - plain.high, 500);
        assert_eq!((plain.expected.output_tokens, asked.expected), (USUAL_ANSWER, plain.expected));
        let wild =
            estimate(r#"{"messages":[{"role":"user","content":"hi"}],"max_completion_tokens":18446744073709551615}"#);
        assert_eq!(wild.low, u64::MAX);
    }

    #[test]
    fn an_images_data_is_not_text_but_tool_arguments_are() {
        let image = "A".repeat(9_000);
        let seen = estimate(&format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{image}"}}}}]}}]}}"#
        ));
        assert_eq!(seen.high, 1004);
        let call = estimate(&format!(
            r#"{{"messages":[{{"role":"assistant","tool_calls":[{{"id":"1","function":{{"name":"f","arguments":"{image}"}}}}]}}]}}"#
        ));
        assert!(call.high > 3_000);
    }

    #[test]
    fn other_scripts_count_by_character() {
        let tokens = estimate(r#"{"messages":[{"role":"user","content":"三人行必有我师"}]}"#);
        assert_eq!((tokens.high, tokens.low), (11, 8));
    }
}

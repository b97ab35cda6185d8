//! Finds stated uncertainty and refusals in an answer's prose, by the patterns of `phrases.toml`.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::Deserialize;

/// How far from either end of the prose a phrase still speaks for the answer, in characters. In the middle of a long
/// text it is more likely the text's own than the model's.
const REACH: usize = 400;

/// Whether the answer says that the model does not know.
pub(super) fn states_uncertainty(text: &str) -> bool {
    let prose = prose(text);
    PATTERNS.unsure.is_match(head(&prose)) || PATTERNS.unsure.is_match(tail(&prose))
}

/// Whether it says so at its beginning.
pub(super) fn begins_unsure(text: &str) -> bool {
    PATTERNS.unsure.is_match(head(&prose(text)))
}

/// The beginning of an answer without the quotation that it breaks off in: what is quoted there is not the model's word.
pub(super) fn closed(text: &str) -> &str {
    let line = text.rfind('\n').map_or(0, |end| end + 1);
    let last = &text[line..];
    let odd = |mark: char| last.matches(mark).count() % 2 == 1;
    let opened = ['"', '`'].into_iter().filter(|mark| odd(*mark)).filter_map(|mark| last.rfind(mark));
    let curly = last.rfind('“').filter(|open| !last[*open..].contains('”'));
    opened.chain(curly).min().map_or(text, |open| &text[..line + open])
}

/// Whether the answer is a refusal in words.
pub(super) fn is_refusal(text: &str) -> bool {
    PATTERNS.refusal.is_match(head(&prose(text)))
}

struct Patterns {
    unsure: RegexSet,
    refusal: RegexSet,
    quoted: Option<Regex>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    unsure: Vec<String>,
    refusal: Vec<String>,
}

/// A clause begins at the start, after a sentence's or clause's end, or after one of the words that lead up to it.
const CLAUSE: &str = r"(?:^|[.!?:;,\n(—]\s*|\b(?:but|and|so|because|since|however|honestly|frankly|sorry)\s+)[*_]*";

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // The file is part of the binary; the tests below keep it sound.
    let phrases: Phrases = toml::from_str(include_str!("phrases.toml")).unwrap_or_default();
    Patterns {
        unsure: set(CLAUSE, &phrases.unsure),
        refusal: set(r"^\W*", &phrases.refusal),
        quoted: Regex::new("(?s)```.*?(?:```|$)|`[^`\n]*`|\"[^\"\n]*\"|“[^”\n]*”|(?m:^>.*$)").ok(),
    }
});

fn set(prefix: &str, phrases: &[String]) -> RegexSet {
    RegexSet::new(phrases.iter().map(|phrase| format!("(?i){prefix}(?:{phrase})")))
        .unwrap_or_else(|_| RegexSet::empty())
}

/// The text without code and quotations, with straight apostrophes.
fn prose(text: &str) -> String {
    let text = text.replace(['’', '‘'], "'");
    match &PATTERNS.quoted {
        Some(quoted) => quoted.replace_all(&text, " … ").trim().to_owned(),
        None => text,
    }
}

fn head(prose: &str) -> &str {
    prose.char_indices().nth(REACH).map_or(prose, |(end, _)| &prose[..end])
}

fn tail(prose: &str) -> &str {
    prose.char_indices().nth_back(REACH - 1).map_or(prose, |(start, _)| &prose[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        let phrases: Phrases = toml::from_str(include_str!("phrases.toml")).unwrap();
        assert_eq!(PATTERNS.unsure.len(), phrases.unsure.len());
        assert_eq!(PATTERNS.refusal.len(), phrases.refusal.len());
        assert!(PATTERNS.quoted.is_some() && phrases.unsure.len() > 5 && phrases.refusal.len() > 4);
    }

    #[test]
    fn stated_uncertainty_is_found() {
        for text in [
            "I'm not sure.",
            "I’m not entirely certain, but it might be Lyon.",
            "It could be Paris, but I am not sure.",
            "I don't know the answer to that.",
            "Honestly, I do not really know.",
            "I am unsure which of the two is meant.",
            "Sorry, I don't have enough information to answer.",
            "I cannot verify this without the source.",
            "42. This is just a guess.",
            "The answer is B.\n\nConfidence: low",
        ] {
            assert!(states_uncertainty(text), "{text}");
        }
    }

    #[test]
    fn other_talk_of_certainty_is_not() {
        for text in [
            "The capital of France is Paris.",
            "She said \"I don't know\" and left.",
            "```\nprint(\"I'm not sure\")\n```\nThis prints the message.",
            "`I don't know` is returned when the key is missing.",
            "> I'm not sure\n\nThis sentence is in the present tense.",
            "It is not certain that the series converges; by the ratio test it does.",
            "You don't know the value of x yet, so solve for it.",
            "I'm sure.",
            "Confidence intervals at a low level are narrow.",
        ] {
            assert!(!states_uncertainty(text), "{text}");
        }
        let story =
            format!("{} I don't know, he thought. {}", "The road went on. ".repeat(60), "Rain fell. ".repeat(60));
        assert!(!states_uncertainty(&story));
    }

    #[test]
    fn refusals_are_found_at_the_beginning() {
        for text in [
            "I'm sorry, but I can't help with that.",
            "I’m sorry, I cannot assist with this request.",
            "Sorry, but I am unable to do so.",
            "I cannot provide instructions for that.",
            "I can't assist with that.",
            "I must decline.",
            "As an AI language model, I cannot browse the internet.",
            "Unfortunately, I can't share that.",
        ] {
            assert!(is_refusal(text), "{text}");
        }
    }

    #[test]
    fn answers_about_refusing_are_not() {
        for text in [
            "You can't divide by zero.",
            "I can help with that: use `sort`.",
            "\"I'm sorry, but I can't help with that.\" is how such a model answers.",
            "Dear Ms Lee, we are sorry that your order was late.",
            "The proof is short. I cannot provide a shorter one.",
        ] {
            assert!(!is_refusal(text), "{text}");
        }
    }

    #[test]
    fn a_quotation_that_is_not_closed_is_cut_off() {
        for (text, kept) in [
            ("He said \"I don't know", "He said "),
            ("Run `I'm not sure", "Run "),
            ("„Ja“ and “I'm not sure", "„Ja“ and "),
            ("\"a\" and \"b\"", "\"a\" and \"b\""),
            ("one \"\ntwo `x` and `", "one \"\ntwo `x` and "),
            ("", ""),
        ] {
            assert_eq!(closed(text), kept, "{text}");
        }
        assert!(
            begins_unsure(closed("I don't know. She said \"we")) && !begins_unsure(closed("She said \"I don't know."))
        );
    }

    #[test]
    fn other_scripts_are_cut_between_characters() {
        assert!(!states_uncertainty(&"我不知道。".repeat(500)) && !is_refusal(&"é".repeat(5_000)));
    }
}

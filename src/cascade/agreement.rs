//! Whether several answers to one question say the same thing, and which one speaks for most of them.
//!
//! Two answers are compared by what they come to: the tools that they call, a JSON value, a letter of a multiple choice,
//! a number, or the normalised text. Free text that says the same in other words does not agree.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::quantity::Quantity;
use crate::chat::Answer;

/// The answer that most samples agree with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Majority {
    /// Place of the first sample that gives it.
    pub index: usize,
    /// Share of the samples that give it, in (0, 1].
    pub agreement: f64,
}

/// Finds the most common answer; of equally common ones the one that was given first. `None` for fewer than two
/// samples: one alone neither agrees nor disagrees.
#[must_use]
pub fn majority(samples: &[&Answer]) -> Option<Majority> {
    if samples.len() < 2 {
        return None;
    }
    let conclusions: Vec<Conclusion> = samples.iter().map(|answer| Conclusion::of(answer)).collect();
    let votes = |i: usize| conclusions.iter().filter(|other| conclusions[i].agrees(other)).count();
    let (index, votes) = (0..samples.len()).map(|i| (i, votes(i))).rev().max_by_key(|(_, votes)| *votes)?;
    Some(Majority { index, agreement: votes as f64 / samples.len() as f64 })
}

/// What an answer comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Calls of tools, by name and arguments.
    Calls(Vec<(String, Value)>),
    /// A JSON object or list.
    Json(Value),
    /// A letter of a multiple choice.
    Choice(char),
    /// A number.
    Number(Number),
    /// Anything else, as its words.
    Text(String),
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Number(Quantity);

impl Conclusion {
    /// Reads an answer: its last explicit conclusion ("the answer is …", `\boxed{…}`, `#### …`), else all of it.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        if !answer.tool_calls.is_empty() {
            let calls = answer.tool_calls.iter();
            return Self::Calls(calls.map(|call| (call.name.clone(), arguments(&call.arguments))).collect());
        }
        Self::of_text(&answer.text)
    }

    /// Reads a text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let whole = text.trim();
        if let Some(value) = json(whole) {
            return Self::Json(value);
        }
        let said = boxed(whole).or_else(|| stated(whole)).unwrap_or(whole).trim();
        if let Some(letter) = letter(said) {
            return Self::Choice(letter);
        }
        match Quantity::parse(said) {
            Some(number) => Self::Number(Number(number)),
            None => Self::Text(words(said)),
        }
    }

    /// Whether two conclusions are the same.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.0.agrees(&b.0),
            (a, b) => a == b,
        }
    }
}

fn arguments(text: &str) -> Value {
    serde_json::from_str(text).map_or_else(|_| Value::String(text.to_owned()), canonical)
}

/// A JSON object or list, bare or in a code fence.
fn json(text: &str) -> Option<Value> {
    let fenced = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let text = fenced.map_or(text, |inner| inner.trim_start_matches("json")).trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok().map(canonical)
}

/// The value with all numbers as floats: 1 and 1.0 are the same. Objects compare without regard to order.
fn canonical(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, canonical(value))).collect(),
        other => other,
    }
}

/// What stands in the last `\boxed{…}`.
fn boxed(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("\\boxed{")?;
    let mut depth = 1_u32;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&rest[..at]);
        }
    }
    None
}

static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:####|\b(?:the |my )?(?:final |correct |best |right )*(?:answer|option|choice)\**\s*(?:is|would be|:|=)\s*:?)\s*\**\s*([^\n]+)",
    )
    .ok()
});

/// What follows the last "the answer is", up to the end of its sentence.
fn stated(text: &str) -> Option<&str> {
    let last = STATED.as_ref()?.captures_iter(text).last()?.get(1)?.as_str();
    let end = [". ", "; ", ", because", ", since"].iter().filter_map(|end| last.find(end)).min();
    Some(last[..end.unwrap_or(last.len())].trim().trim_end_matches(['.', '*']))
}

static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\**\s*(?:(?i:option|choice)\s+)?(?:\(([A-Ja-j])\)|([A-J])(?:[).:]|\s*\**\s*$))").ok()
});

/// The letter that a short text chooses: `B`, `(b)`, `B) Paris`, `option C`.
fn letter(text: &str) -> Option<char> {
    if text.contains('\n') || text.len() > 200 {
        return None;
    }
    let captures = LETTER.as_ref()?.captures(text)?;
    let letter = captures.get(1).or(captures.get(2))?.as_str().chars().next()?;
    Some(letter.to_ascii_uppercase())
}

/// The words of a text in lower case, without articles, punctuation and mark-up. Signs that mean something (`<`, `+`,
/// `=` …) stay, and so does negation; a text that is nothing but punctuation is kept as it is.
fn words(text: &str) -> String {
    let plain = text.to_lowercase().replace(['’', '‘'], "'").replace("n't", " not").replace("cannot", "can not");
    let characters: Vec<char> = plain.chars().collect();
    let in_number = |at: usize| {
        let digit = |place: Option<usize>| place.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    let spaced: String = characters
        .iter()
        .enumerate()
        .map(|(at, c)| match c {
            '.' | ',' | ':' if !in_number(at) => ' ',
            ';' | '!' | '?' | '"' | '“' | '”' | '\'' | '`' | '*' | '_' | '#' | '(' | ')' => ' ',
            other => *other,
        })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().filter(|word| !matches!(*word, "a" | "an" | "the")).collect();
    if words.is_empty() { plain } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(a: &str, b: &str) -> bool {
        Conclusion::of_text(a).agrees(&Conclusion::of_text(b))
    }

    #[test]
    fn goldens_that_agree() {
        for (a, b) in [
            ("1,000", "1e3"),
            ("The answer is 1,000.", "So we get\n#### 1000"),
            ("Thus \\boxed{\\frac{1}{2}}.", "0.5"),
            ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1.0}"),
            ("```json\n[1, 2]\n```", "[1.0,2]"),
            ("B", "(b)"),
            ("B) Paris", "The correct answer is (B)."),
            ("**Answer: C**", "the best option is C"),
            ("Paris.", "paris"),
            ("It isn't prime.", "it is not prime"),
            ("The Eiffel Tower", "an eiffel tower!"),
            ("...", "..."),
        ] {
            assert!(agree(a, b), "{a} = {b}");
        }
    }

    #[test]
    fn goldens_that_do_not() {
        for (a, b) in [
            ("It is prime.", "It is not prime."),
            ("x < 3", "x > 3"),
            ("1,000", "1,001"),
            ("{\"a\":1}", "{\"a\":2}"),
            ("[1,2]", "[2,1]"),
            ("B", "C"),
            ("A dog", "A cat"),
            ("3.5 is it, or so", "35 is it, or so"),
            ("我知道", "我不知道"),
            ("!", "?"),
        ] {
            assert!(!agree(a, b), "{a} ≠ {b}");
        }
    }

    #[test]
    fn the_majority_is_the_first_of_the_most_common() {
        let answers = |texts: &[&str]| -> Vec<Answer> {
            texts.iter().map(|text| Answer { text: (*text).to_owned(), ..Answer::default() }).collect()
        };
        let of = |texts: &[&str]| majority(&answers(texts).iter().collect::<Vec<_>>());
        assert_eq!(of(&["8", "7", "The answer is 7."]), Some(Majority { index: 1, agreement: 2.0 / 3.0 }));
        assert_eq!(of(&["a", "b"]), Some(Majority { index: 0, agreement: 0.5 }));
        assert_eq!((of(&["7"]), of(&[])), (None, None));
    }

    #[test]
    fn calls_agree_by_name_and_arguments() {
        use crate::chat::ToolCall;
        let call = |arguments: &str| Answer {
            tool_calls: vec![ToolCall { id: "1".into(), name: "f".into(), arguments: arguments.into() }],
            ..Answer::default()
        };
        assert!(Conclusion::of(&call(r#"{"a":1,"b":2}"#)).agrees(&Conclusion::of(&call(r#"{"b": 2.0, "a": 1}"#))));
        assert!(!Conclusion::of(&call("{\"a\":1}")).agrees(&Conclusion::of(&call("{\"a\":"))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_agrees_with_itself(text in "\\PC{0,120}") {
            proptest::prop_assert!(agree(&text, &text));
        }
    }
}

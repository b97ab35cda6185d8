//! What an answer comes to.

use jiff::civil::Date;

use super::literal::canonical;
use super::quantity::Quantity;
use super::{code, date, prose, stated};
use crate::chat::Answer;

/// What an answer comes to, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Calls of tools, by name and canonical arguments.
    Calls(Vec<(String, String)>),
    /// A list, map, tuple, set or quoted string of JSON or Python, in its canonical form.
    Value(String),
    /// A program, by its tokens.
    Code(Vec<String>),
    /// A letter of a multiple choice.
    Choice(char),
    /// A calendar date.
    Date(Date),
    /// A number.
    Number(Number),
    /// Anything else.
    Text(Prose),
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Number(Quantity);

/// Free text.
#[derive(Debug, Clone, PartialEq)]
pub struct Prose {
    /// As it was written.
    pub(super) said: String,
    /// Its normalised words.
    pub(super) words: String,
}

/// Words of a text, or tokens of a program, up to which several samples of it are compared.
const LONGEST: usize = 64;

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
        let fenced = code::fenced(whole);
        if let Some(value) = canonical(fenced.unwrap_or(whole)) {
            return Self::Value(value);
        }
        let said = match (stated::conclusion(whole), fenced) {
            (None, Some(code)) => return Self::Code(code::tokens(code)),
            (said, _) => said.unwrap_or(whole).trim(),
        };
        if let Some(value) = canonical(said) {
            return Self::Value(value);
        }
        if let Some(letter) = stated::letter(said) {
            return Self::Choice(letter);
        }
        if let Some(date) = date::only(said) {
            return Self::Date(date);
        }
        match Quantity::parse(said) {
            Some(number) => Self::Number(Number(number)),
            None => Self::Text(Prose { said: said.to_owned(), words: prose::words(said) }),
        }
    }

    /// Whether another answer to the same question would come to the same, word for word or nearly so, if both were
    /// right: a program or a text of more than 64 tokens or words would not.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        match self {
            Self::Code(tokens) => tokens.len() <= LONGEST,
            Self::Text(prose) => prose.words.split(' ').count() <= LONGEST,
            _ => true,
        }
    }

    /// Whether two conclusions are the same. Free text that says the same in other words is not.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.0.agrees(&b.0),
            (Self::Text(a), Self::Text(b)) => a.words == b.words,
            // One sample quotes what another says bare.
            (Self::Value(value), Self::Text(text)) | (Self::Text(text), Self::Value(value)) => {
                value.starts_with('"') && prose::words(value) == text.words
            }
            (a, b) => a == b,
        }
    }
}

fn arguments(text: &str) -> String {
    canonical(text).unwrap_or_else(|| text.trim().to_owned())
}

//! What kind of thing an answer is.

use serde::{Deserialize, Serialize};

use crate::cascade::agreement::Conclusion;
use crate::chat::Answer;

/// Answers of one kind are judged alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A letter of a multiple choice.
    Choice,
    /// A number or a date.
    Number,
    /// A JSON or Python value.
    Json,
    /// A program.
    Code,
    /// Anything else in words.
    Text,
    /// Calls of tools.
    ToolCall,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Choice, Self::Number, Self::Json, Self::Code, Self::Text, Self::ToolCall];

    /// The kind of an answer, by what it comes to.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match Conclusion::of(answer) {
            Conclusion::Choice(_) => Self::Choice,
            Conclusion::Number(_) | Conclusion::Date(_) => Self::Number,
            Conclusion::Value(_) => Self::Json,
            Conclusion::Code(_) => Self::Code,
            Conclusion::Text(_) => Self::Text,
            Conclusion::Calls(_) => Self::ToolCall,
        }
    }
}

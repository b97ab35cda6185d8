//! What somebody said of an answer later. It refers to a record and never changes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A judgement of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// UUIDv7.
    pub id: String,
    /// The record that it speaks of.
    pub decision_id: String,
    /// When it came.
    pub at: Timestamp,
    /// How good the answer was, in [0, 1].
    pub score: f64,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

//! What was decided of a streamed answer before its end.

use serde::{Deserialize, Serialize};

use super::record::{EscalationReason, Signals};

/// A decision that rests on the beginning of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Early {
    /// What was decided.
    pub verdict: EarlyVerdict,
    /// What it was decided at.
    pub trigger: Trigger,
    /// Tokens that had come: those with a log-probability, or an estimate by the text where it has none.
    pub tokens: u64,
    /// What was measured of them.
    pub signals: Signals,
    /// Of an answer that was committed, why its whole would not have passed; `None` where it would have, or did not come
    /// to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regret: Option<EscalationReason>,
}

/// What is done with an answer before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyVerdict {
    /// The client gets it as it comes; there is no way back.
    Commit,
    /// The call is given up for a higher tier.
    Escalate,
}

/// When an answer is decided before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// At a number of tokens.
    Checkpoint,
    /// When the time to the first token was used up.
    Budget,
}

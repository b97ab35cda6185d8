//! Which monitor: what it watches, and whose.

use serde::{Deserialize, Serialize};

use crate::alert::Scope;

/// A monitor's name in the database and in `/v1/stats`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What it watches.
    pub family: Family,
    /// Whose.
    pub scope: Scope,
}

/// What a monitor watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Judged failures.
    Quality,
    /// Predicted less judged acceptance.
    Calibration,
    /// The judge's disagreement with people on the anchor set.
    Judge,
    /// The distribution of scores.
    Inputs,
    /// Requests far from all that the artifact has learned from.
    Novelty,
    /// Requests that climb, against what may.
    Escalation,
    /// Requests that climb, against what pays.
    Economics,
    /// USD a request.
    Cost,
    /// Milliseconds a request.
    Latency,
    /// Calls that fail.
    Upstream,
}

impl Key {
    /// All requests.
    #[must_use]
    pub fn of_all(family: Family) -> Self {
        Self { family, scope: Scope::default() }
    }

    /// As it is stored: two keys never have the same.
    #[must_use]
    pub fn name(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {}", self.family, self.scope)
    }
}

//! What monitors are told of the log.

use jiff::Timestamp;

/// An answer that was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The decision.
    pub decision: String,
    /// When it was judged.
    pub at: Timestamp,
    /// The request's route.
    pub route: Option<String>,
    /// The tier that answered.
    pub tier: Option<String>,
    /// Who pays.
    pub tenant: Option<String>,
    /// How acceptable the answer is, in [0, 1].
    pub score: f64,
    /// What was predicted of it, in [0, 1].
    pub predicted: Option<f64>,
    /// Whether it was drawn whatever it was: what was chosen by what was predicted says nothing of all answers.
    pub is_uniform: bool,
}

/// An anchor that the judge has scored again.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchored {
    /// When.
    pub at: Timestamp,
    /// How far the judge is from the people who labelled it, in [0, 1].
    pub disagreement: f64,
}

/// A request that has ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// When it came.
    pub at: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Its route.
    pub route: Option<String>,
    /// The tier that answered.
    pub tier: Option<String>,
    /// Who pays.
    pub tenant: Option<String>,
    /// p_frontier − p_cheap.
    pub score: Option<f64>,
    /// The share of the artifact's training rows that lie nearer to the others, in [0, 1].
    pub novelty: Option<f64>,
    /// Whether it climbed; `None` where it could not.
    pub climbed: Option<bool>,
    /// What the tiers below the highest took, and what one call of that would have cost, in USD.
    pub below_and_above: Option<(f64, f64)>,
    /// What it cost, in USD.
    pub cost_usd: Option<f64>,
    /// How long it took, in milliseconds; `None` where nothing was served.
    pub latency_ms: Option<f64>,
    /// Calls: tier, endpoint, and whether the call failed.
    pub calls: Vec<(String, Option<String>, bool)>,
}

//! From a score to a plan: where to start, how far to climb, what to check.

mod certified;
mod heads;
mod needs;
mod plan;
mod rule;
mod scoring;
mod target;
mod tokens;

use serde::Serialize;

pub use certified::{Certified, Standing};
pub use heads::per_tier;
pub use needs::{Capability, can, needs};
pub use plan::{Ask, PlanError, Rules, plan};
pub use rule::{start, start_checked};
pub use scoring::Scoring;
pub use target::{Target, UnknownModel};
pub use tokens::{Tokens, answer_limit, text_tokens};

/// What will be done with one request, decided before any tier is called.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Tiers to call in this order (names, cheap → frontier); the first is the start, the last the ceiling.
    pub rungs: Vec<String>,
    /// Whether answers below the ceiling are checked before they are served.
    pub checked: bool,
    /// Why the plan is as it is.
    pub cause: Cause,
    /// Probability with which the policy chose this start tier (1 for a deterministic choice).
    pub propensity: f64,
}

/// Why a plan starts where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The learned score against the operating point.
    Score,
    /// What it is worth to see a cheaper answer first, against its price at the operating point.
    Worth,
    /// The client named a tier.
    Direct,
    /// No score was to be had or trusted (no usable signal); the fallback policy decided.
    Fallback,
    /// The cheaper tiers cannot hold the conversation.
    ContextWindow,
    /// The tier that was wanted lacks what the request needs.
    Capability,
    /// The client or the route asks for more than the score does.
    Floor,
    /// The cascade was switched off by measurement: it costs more than its ceiling alone.
    CascadeOff,
    /// The cascade was switched off, and this request shows whether it would pay again.
    Probe,
    /// The tier that was wanted is expected to cost more than the request may.
    MaxCost,
}

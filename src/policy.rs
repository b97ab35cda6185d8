//! From a score to a plan: where to start, how far to climb, what to check.

mod certified;
mod heads;
mod needs;
mod plan;
mod rule;
mod scoring;
mod stay;
mod stickiness;
mod target;
mod tokens;

use serde::Serialize;

pub use certified::{Certified, Standing};
pub use heads::per_tier;
pub use needs::{Capability, can, needs};
pub use plan::{Ask, PlanError, Rules, plan};
pub use rule::{start, start_checked};
pub use scoring::Scoring;
pub use stay::{Stay, Warmth};
pub use stickiness::{Horizon, Side, Turn, switches};
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
    /// The conversation stays at the tier that answered it last: going would cost more than it brings.
    Sticky,
    /// The request goes where its client sent it, because it is not among the share that is routed.
    Observed,
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
    /// The request starts elsewhere than its score says, to learn what becomes of it.
    Explore,
    /// The cascade was switched off, and this request shows whether it would pay again.
    Probe,
    /// The tier that was wanted is expected to cost more than the request may.
    MaxCost,
    /// A budget is spent, and the cheapest tier is what it still allows.
    Budget,
}

impl Cause {
    /// Whether the score and nothing else decided.
    #[must_use]
    pub fn is_by_score(self) -> bool {
        matches!(self, Self::Score | Self::Worth)
    }
}

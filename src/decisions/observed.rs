//! What routing would have done with a request that went where its client sent it.

use serde::{Deserialize, Serialize};

use super::DecisionRecord;
use crate::policy::Cause;

/// A plan that was not carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The tiers that it allowed, in order.
    pub rungs: Vec<String>,
    /// Why it started where it did.
    pub cause: Cause,
    /// What its first call would have cost with the tokens that the served answer took, USD; what a climb would have added is
    /// not in it. `None` where tokens or price are unknown.
    pub cost_usd: Option<f64>,
}

impl DecisionRecord {
    /// The tier at which routing would have begun, where that is another one than answered.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&str> {
        let first = self.observed.as_ref()?.rungs.first()?;
        (self.tier.as_ref()? != first).then_some(first)
    }
}

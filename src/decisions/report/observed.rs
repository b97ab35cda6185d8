//! What requests that were not routed would have cost, had they been.

use serde::Serialize;

use crate::decisions::DecisionRecord;

/// Requests that went where their clients sent them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Observing {
    /// How many there are.
    pub requests: u64,
    /// Those of them that would have begun at another tier than the one that answered.
    pub elsewhere: u64,
    /// What those cost of which it is known what they would have cost.
    pub cost_usd: f64,
    /// What the same would have cost: one call of the tier where each would have begun, with the tokens of the answer that was
    /// served. Samples and climbs are not in it.
    pub routed_usd: f64,
}

impl Observing {
    pub(super) fn add(&mut self, record: &DecisionRecord) {
        let Some(observed) = &record.observed else { return };
        self.requests += 1;
        self.elsewhere += u64::from(observed.rungs.first() != record.tier.as_ref());
        if let (Some(cost), Some(routed)) = (record.cost_usd, observed.cost_usd) {
            self.cost_usd += cost;
            self.routed_usd += routed;
        }
    }

    /// `None` where nothing was observed.
    pub(super) fn figures(self) -> Option<Self> {
        (self.requests > 0).then_some(self)
    }
}

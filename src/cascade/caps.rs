//! What one request may take, all its calls together.

use super::ledger::Ledger;
use crate::chat::Usage;
use crate::decisions::Cap;
use crate::upstream::Tier;

/// The limits of one request. No call is started that is expected to pass one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caps {
    /// Calls of tiers, samples among them.
    pub max_calls: u32,
    /// Cost in USD; `None` for no limit. A tier without prices counts as free.
    pub max_cost_usd: Option<f64>,
    /// Tokens that a call is expected to take, until an answer tells.
    pub expected: Usage,
}

impl Caps {
    /// Which limit these further calls would pass, on top of what the request has taken.
    pub(super) fn forbids<'a>(&self, ledger: &Ledger, calls: impl IntoIterator<Item = &'a Tier>) -> Option<Cap> {
        let usage = ledger.usage().unwrap_or(self.expected);
        let (mut count, mut cost) = (ledger.calls(), ledger.spent_usd(self.expected));
        for tier in calls {
            count += 1;
            cost += tier.config.price_now().map_or(0.0, |price| price.cost_usd(usage));
        }
        if count > self.max_calls as usize {
            return Some(Cap::Calls);
        }
        self.max_cost_usd.filter(|most| cost > *most).map(|_| Cap::Cost)
    }
}

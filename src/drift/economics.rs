//! Whether climbing pays: the escalation rate against the economic line.
//!
//! A request costs c_C and its checks below the highest tier and, for a share e of them, c_F on top; from
//! e* = 1 − (c_C + c_check)/c_F on, asking the highest tier alone is cheaper. The line is taken from the first requests.
//!
//! Source: c_C + c_check + e·c_F = c_F solved for e; the rate is watched by [`super::Bernoulli`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rate::{Change, Limits, Null, Rate};

/// One cascade's escalation rate against its line.
///
/// ```
/// use jiff::Timestamp;
/// use rungs::drift::Change;
/// use rungs::drift::economics::Economics;
///
/// let mut economics = Economics::new(1_000.0);
/// let mut climbing = |n: u32, one_in: u32| {
///     let costs = (0.2, 1.0);
///     (0..n).filter_map(|i| economics.observe(i % one_in == 0, costs, Timestamp::UNIX_EPOCH)).collect::<Vec<_>>()
/// };
/// assert!(climbing(2_000, 2).is_empty(), "a half is below the line of .8");
/// assert!(matches!(climbing(400, 1)[..], [Change::Raised(_)]), "all is above it");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Economics {
    run_length: f64,
    requests: u64,
    below_usd: f64,
    above_usd: f64,
    rate: Option<Rate>,
}

/// Requests that the line is taken from.
const LEARNS: u64 = 200;

/// How far above the line rates are bet on.
const ALTERNATIVES: [f64; 4] = [0.05, 0.1, 0.2, 0.3];

impl Economics {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(run_length: f64) -> Self {
        Self { run_length, requests: 0, below_usd: 0.0, above_usd: 0.0, rate: None }
    }

    /// Takes a request that could climb: whether it did, and what below and above cost.
    pub fn observe(&mut self, climbed: bool, (below, above): (f64, f64), at: Timestamp) -> Option<Change> {
        if let Some(rate) = &mut self.rate {
            return rate.observe(f64::from(climbed), at);
        }
        self.requests += 1;
        self.below_usd += below;
        self.above_usd += above;
        if self.requests >= LEARNS && self.above_usd > 0.0 {
            let line = (1.0 - self.below_usd / self.above_usd).clamp(0.0, 1.0);
            let rates = ALTERNATIVES.iter().map(|above| line + above).collect();
            self.rate = Some(Rate::new(Limits { null: Null::Fixed(line), run_length: self.run_length, rates }));
        }
        None
    }

    /// The rate against its line; `None` until the line is known.
    #[must_use]
    pub fn rate(&self) -> Option<&Rate> {
        self.rate.as_ref()
    }

    /// Ends an alarm that somebody has seen to; the line is taken anew.
    pub fn acknowledge(&mut self) {
        *self = Self::new(self.run_length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_where_climbing_stops_to_pay() {
        let mut economics = Economics::new(1_000.0);
        let mut alarms = |every: u32, n: u32| {
            let changes = (0..n).filter_map(|i| economics.observe(i % every == 0, (0.5, 1.0), Timestamp::UNIX_EPOCH));
            changes.filter(|change| matches!(change, Change::Raised(_))).count()
        };
        // The line is at one half: a third may climb, all may not.
        assert_eq!((alarms(3, 5_000), alarms(1, 100)), (0, 1));
        assert!(economics.rate().is_some_and(|rate| rate.tolerated() == Some(0.5)));
    }
}

//! How much comes a day.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::Family;

/// Requests and verdicts of the last day or so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    since: Option<Timestamp>,
    requests: f64,
    verdicts: f64,
}

/// Seconds after which what was counted has half its weight: the pace follows changes within days.
const HALVED: f64 = 86_400.0;

impl Pace {
    /// Counts what has come by now.
    pub(super) fn count(&mut self, requests: u64, verdicts: u64, now: Timestamp) {
        let since = *self.since.get_or_insert(now);
        self.requests += requests as f64;
        self.verdicts += verdicts as f64;
        let elapsed = now.duration_since(since).as_secs_f64();
        if elapsed >= 2.0 * HALVED {
            // Half of the time, and half of what came in it.
            self.since = now.checked_sub(jiff::SignedDuration::from_secs(HALVED as i64)).ok();
            self.requests /= elapsed / HALVED;
            self.verdicts /= elapsed / HALVED;
        }
    }

    /// Units of a family a day; `None` before an hour has passed.
    #[must_use]
    pub(super) fn per_day(&self, family: Family) -> Option<f64> {
        let elapsed = Timestamp::now().duration_since(self.since?).as_secs_f64();
        let days = Some(elapsed / 86_400.0).filter(|days| *days >= 1.0 / 24.0)?;
        match family {
            Family::Quality | Family::Calibration => Some(self.verdicts / days),
            Family::Cost | Family::Latency => Some(24.0),
            Family::Judge => None,
            _ => Some(self.requests / days),
        }
    }
}

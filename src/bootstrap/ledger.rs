//! What is spent while calls are under way, and when no more are begun.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One for all calls of a run.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: Option<f64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spent: f64,
    reserved: f64,
    /// Failures of a tier since it answered last.
    streaks: HashMap<String, u32>,
    stopped: Option<Stop>,
}

/// Why no more calls are begun.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// The next one is expected to pass the limit.
    Limit,
    /// A tier does not answer.
    Broken(String),
}

/// So many failures of a tier in a row are not about single prompts.
const LONGEST_STREAK: u32 = 10;

impl Ledger {
    /// Nothing is spent yet; at most `limit` USD is to be.
    pub(super) fn new(limit: Option<f64>) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// Whether a call may be begun that is expected to cost this.
    pub(super) fn reserve(&self, usd: f64) -> bool {
        let mut state = self.state();
        if self.limit.is_some_and(|limit| state.spent + state.reserved + usd > limit) {
            state.stopped.get_or_insert(Stop::Limit);
        }
        if state.stopped.is_some() {
            return false;
        }
        state.reserved += usd;
        true
    }

    /// A call that was begun has ended: what it really cost, or why it failed.
    pub(super) fn settle(&self, tier: &str, reserved: f64, ended: Result<f64, &str>) {
        let mut state = self.state();
        state.reserved -= reserved;
        match ended {
            Ok(usd) => {
                state.spent += usd;
                state.streaks.remove(tier);
            }
            Err(error) => {
                let streak = state.streaks.entry(tier.to_owned()).or_default();
                *streak += 1;
                if *streak >= LONGEST_STREAK {
                    let why = format!("{LONGEST_STREAK} calls of `{tier}` in a row failed, the last: {error}");
                    state.stopped.get_or_insert(Stop::Broken(why));
                }
            }
        }
    }

    /// Why no more calls were begun, where that is so.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.state().stopped.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_begun_that_is_expected_to_pass_the_limit() {
        let ledger = Ledger::new(Some(1.0));
        assert!(ledger.reserve(0.4) && ledger.reserve(0.4));
        ledger.settle("a", 0.4, Ok(0.1));
        assert!(ledger.reserve(0.4), "a call was cheaper than expected");
        assert!(!ledger.reserve(0.2));
        assert_eq!(ledger.stopped(), Some(Stop::Limit));
        assert!(!ledger.reserve(0.0), "it has stopped");
    }

    #[test]
    fn a_tier_that_fails_ten_times_in_a_row_stops_the_run_and_one_that_fails_now_and_then_does_not() {
        let ledger = Ledger::new(None);
        for n in 0..40 {
            assert!(ledger.reserve(1.0));
            ledger.settle("a", 1.0, if n % 9 == 8 { Ok(1.0) } else { Err("status 500") });
        }
        for _ in 0..10 {
            ledger.settle("b", 0.0, Err("status 401"));
        }
        assert!(matches!(ledger.stopped(), Some(Stop::Broken(why)) if why.contains("`b`") && why.contains("401")));
    }
}

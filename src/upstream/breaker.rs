//! A circuit breaker: an endpoint that keeps failing is left alone for a while, then tried by one call.
//!
//! Mechanism alone: what counts as a failure is the caller's to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When to leave an endpoint alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerPolicy {
    /// Failures in a row that open the breaker; at least 1.
    pub failures: u32,
    /// How long it stays open the first time; each time that the trial call fails too doubles it.
    pub pause: Duration,
    /// The longest that it stays open.
    pub max_pause: Duration,
}

/// The state of one endpoint, shared by all calls.
#[derive(Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    phase: Mutex<Phase>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Calls go through.
    Closed { failures: u32 },
    /// None does until then; it is the `times`-th pause in a row.
    Open { until: Instant, times: u32 },
    /// One call is trying.
    Trial { times: u32 },
}

/// Leave to make one call. Dropped without a verdict, it says nothing of the endpoint.
#[derive(Debug)]
pub struct Pass {
    breaker: Arc<Breaker>,
    is_trial: bool,
    is_judged: bool,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(policy: BreakerPolicy) -> Arc<Self> {
        Arc::new(Self { policy, phase: Mutex::new(Phase::Closed { failures: 0 }) })
    }

    /// How long calls are still refused; `None` where one may go through.
    #[must_use]
    pub fn rests(&self) -> Option<Duration> {
        let now = Instant::now();
        match *self.phase() {
            Phase::Closed { .. } => None,
            Phase::Open { until, .. } => Some(until.saturating_duration_since(now)).filter(|rest| !rest.is_zero()),
            // The trial will tell soon; nobody knows when.
            Phase::Trial { .. } => Some(self.policy.pause.min(Duration::from_secs(1))),
        }
    }

    /// Leave for one call; `None` while the endpoint is left alone.
    #[must_use]
    pub fn admit(self: &Arc<Self>) -> Option<Pass> {
        let mut phase = self.phase();
        let is_trial = match *phase {
            Phase::Closed { .. } => false,
            Phase::Open { until, times } if until <= Instant::now() => {
                *phase = Phase::Trial { times };
                true
            }
            Phase::Open { .. } | Phase::Trial { .. } => return None,
        };
        Some(Pass { breaker: Arc::clone(self), is_trial, is_judged: false })
    }

    fn fail(&self, is_trial: bool, at_least: Option<Duration>) {
        let mut phase = self.phase();
        let times = match *phase {
            Phase::Closed { failures } if failures + 1 < self.policy.failures => {
                *phase = Phase::Closed { failures: failures + 1 };
                return;
            }
            Phase::Closed { .. } => 0,
            Phase::Trial { times } if is_trial => times + 1,
            // A call from before the pause tells nothing new.
            Phase::Open { .. } | Phase::Trial { .. } => return,
        };
        let doubled = self.policy.pause.saturating_mul(1 << times.min(16));
        let pause = doubled.max(at_least.unwrap_or_default()).min(self.policy.max_pause);
        *phase = Phase::Open { until: Instant::now() + pause, times };
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        // A phase is replaced whole: it is never half written.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The endpoint has begun to answer, which may take long: a trial holds up no other call from here on. One more
    /// failure opens the breaker again.
    #[must_use]
    pub fn begun(mut self) -> Self {
        if std::mem::take(&mut self.is_trial) {
            *self.breaker.phase() = Phase::Closed { failures: self.breaker.policy.failures.saturating_sub(1) };
        }
        self
    }

    /// The endpoint works.
    pub fn succeeded(mut self) {
        self.is_judged = true;
        let mut phase = self.breaker.phase();
        if self.is_trial || matches!(*phase, Phase::Closed { .. }) {
            *phase = Phase::Closed { failures: 0 };
        }
    }

    /// It does not; `at_least` is the pause that it asks for.
    pub fn failed(mut self, at_least: Option<Duration>) {
        self.is_judged = true;
        self.breaker.fail(self.is_trial, at_least);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_trial && !self.is_judged {
            let mut phase = self.breaker.phase();
            if let Phase::Trial { times } = *phase {
                // The next call is the trial.
                *phase = Phase::Open { until: Instant::now(), times };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Arc<Breaker> {
        Breaker::new(BreakerPolicy { failures: 2, pause: 4 * SECOND, max_pause: 10 * SECOND })
    }

    fn fail(breaker: &Arc<Breaker>) {
        breaker.admit().unwrap().failed(None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_closes_after_a_good_trial() {
        let breaker = breaker();
        fail(&breaker);
        breaker.admit().unwrap().succeeded();
        fail(&breaker);
        assert_eq!(breaker.rests(), None, "not two in a row");
        fail(&breaker);
        assert_eq!((breaker.rests(), breaker.admit().is_none()), (Some(4 * SECOND), true));
        tokio::time::advance(4 * SECOND).await;
        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_none(), "one trial at a time");
        trial.succeeded();
        assert!(breaker.admit().is_some() && breaker.admit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn each_bad_trial_doubles_the_pause_up_to_its_limit() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        for pause in [4, 8, 10, 10] {
            assert_eq!(breaker.rests(), Some(pause * SECOND));
            tokio::time::advance(pause * SECOND).await;
            fail(&breaker);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_that_is_asked_for_is_kept_within_the_limit() {
        for (asked, kept) in [(1, 4), (7, 7), (3600, 10)] {
            let breaker = breaker();
            fail(&breaker);
            breaker.admit().unwrap().failed(Some(asked * SECOND));
            assert_eq!(breaker.rests(), Some(kept * SECOND));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_up_leaves_its_place_to_the_next_call() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        tokio::time::advance(4 * SECOND).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_has_begun_lets_others_through_and_may_still_fail() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        tokio::time::advance(4 * SECOND).await;
        let trial = breaker.admit().unwrap().begun();
        assert!(breaker.admit().is_some());
        trial.failed(None);
        assert!(breaker.admit().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_from_before_the_pause_change_nothing() {
        let breaker = breaker();
        let (slow, slower) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        fail(&breaker);
        fail(&breaker);
        slow.failed(None);
        slower.succeeded();
        assert_eq!(breaker.rests(), Some(4 * SECOND));
    }
}

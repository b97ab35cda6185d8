//! When a call is made again, and after which pause.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::error::UpstreamError;

/// How often a call is made again after a pause, and how long the pauses are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Further rounds after the first; 0 for none.
    pub rounds: usize,
    /// The first pause; each further one doubles, and each is lengthened by up to its own length at random, so that
    /// callers that failed together do not come back together.
    pub pause: Duration,
    /// The longest pause. An upstream that asks for a longer one is not asked again.
    pub max_pause: Duration,
}

/// The pauses of one call.
#[derive(Debug)]
pub(super) struct Pauses {
    backoff: ExponentialBackoff,
    max: Duration,
}

impl RetryPolicy {
    pub(super) fn pauses(&self) -> Pauses {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.pause)
            .with_max_delay(self.max_pause)
            .with_max_times(self.rounds)
            .with_factor(2.0)
            .with_jitter();
        Pauses { backoff: backoff.build(), max: self.max_pause }
    }
}

impl Pauses {
    /// How long to wait after this error before the next round; `None` where there is none: the rounds are used up, the
    /// upstream asks for a longer pause than is made, or the deadline would pass.
    pub(super) fn next(&mut self, error: &UpstreamError, deadline: Instant) -> Option<Duration> {
        let own = self.backoff.next()?;
        let asked = error.retry_after().unwrap_or_default();
        let pause = own.max(asked);
        (asked <= self.max && Instant::now() + pause < deadline).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { rounds: 3, pause: Duration::from_millis(100), max_pause: Duration::from_secs(1) };

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn busy(seconds: Option<u64>) -> UpstreamError {
        UpstreamError::Status { code: 429, body: None, retry_after: seconds.map(Duration::from_secs) }
    }

    #[tokio::test]
    async fn pauses_double_with_jitter_and_end() {
        let mut pauses = POLICY.pauses();
        for base in [100, 200, 400] {
            let pause = pauses.next(&busy(None), far()).unwrap().as_millis();
            assert!((base..=2 * base).contains(&pause), "{pause} for {base}");
        }
        assert_eq!(pauses.next(&busy(None), far()), None);
    }

    #[tokio::test]
    async fn what_the_upstream_asks_for_is_kept_or_nothing_is_done() {
        assert_eq!(POLICY.pauses().next(&busy(Some(1)), far()), Some(Duration::from_secs(1)));
        assert_eq!(POLICY.pauses().next(&busy(Some(2)), far()), None);
    }

    #[tokio::test]
    async fn no_pause_passes_the_deadline() {
        assert_eq!(POLICY.pauses().next(&busy(None), Instant::now() + Duration::from_millis(50)), None);
    }
}

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::in_range;
use crate::upstream::breaker::BreakerPolicy;
use crate::upstream::retry::RetryPolicy;

/// What is done about upstreams that fail; the same for all tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamsConfig {
    /// How often a refused, unreachable or broken call is made again, once every endpoint of the tier has failed.
    pub retries: u32,
    /// The first pause before that, in seconds; it doubles, and is lengthened by up to its own length at random.
    pub retry_pause_s: f64,
    /// The longest pause. An upstream that asks for a longer one is not asked again.
    pub retry_max_pause_s: f64,
    /// Where an endpoint has said nothing for so many seconds, the next one of the tier is called beside it; `None`: never.
    pub hedge_after_s: Option<f64>,
    /// Failures in a row after which an endpoint is left alone.
    pub breaker_failures: u32,
    /// For how long at first, in seconds; one call then tries it, and doubles the time if it fails too.
    pub breaker_pause_s: f64,
    /// For how long at most.
    pub breaker_max_pause_s: f64,
}

impl Default for UpstreamsConfig {
    fn default() -> Self {
        Self {
            retries: 2,
            retry_pause_s: 0.25,
            retry_max_pause_s: 5.0,
            hedge_after_s: None,
            breaker_failures: 5,
            breaker_pause_s: 5.0,
            breaker_max_pause_s: 60.0,
        }
    }
}

impl UpstreamsConfig {
    /// When a call is made again.
    #[must_use]
    pub fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            rounds: self.retries as usize,
            pause: Duration::from_secs_f64(self.retry_pause_s),
            max_pause: Duration::from_secs_f64(self.retry_max_pause_s),
        }
    }

    /// When an endpoint is left alone.
    #[must_use]
    pub fn breaker(&self) -> BreakerPolicy {
        BreakerPolicy {
            failures: self.breaker_failures,
            pause: Duration::from_secs_f64(self.breaker_pause_s),
            max_pause: Duration::from_secs_f64(self.breaker_max_pause_s),
        }
    }

    /// When another endpoint is called beside a silent one.
    #[must_use]
    pub fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after_s.map(Duration::from_secs_f64)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        in_range("upstreams.hedge_after_s", self.hedge_after_s.unwrap_or(1.0), 0.001, 3_600.0)?;
        in_range("upstreams.retries", f64::from(self.retries), 0.0, 10.0)?;
        in_range("upstreams.retry_pause_s", self.retry_pause_s, 0.001, 60.0)?;
        in_range("upstreams.retry_max_pause_s", self.retry_max_pause_s, self.retry_pause_s, 600.0)?;
        in_range("upstreams.breaker_failures", f64::from(self.breaker_failures), 1.0, 1e9)?;
        in_range("upstreams.breaker_pause_s", self.breaker_pause_s, 0.001, 3_600.0)?;
        in_range("upstreams.breaker_max_pause_s", self.breaker_max_pause_s, self.breaker_pause_s, 86_400.0)
    }
}

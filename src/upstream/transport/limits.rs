//! The time limits of a call.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::config::TierConfig;
use crate::upstream::error::{Phase, UpstreamError};

/// How long each part of a call may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::upstream) struct Limits {
    pub(in crate::upstream) connect: Duration,
    first_byte: Duration,
    idle: Duration,
    total: Duration,
}

impl Limits {
    pub(in crate::upstream) fn of(tier: &TierConfig) -> Self {
        Self {
            connect: Duration::from_secs_f64(tier.connect_timeout_s),
            first_byte: Duration::from_secs_f64(tier.first_byte_timeout_s),
            idle: Duration::from_secs_f64(tier.idle_timeout_s),
            total: Duration::from_secs_f64(tier.total_timeout_s),
        }
    }

    /// Starts the clock of one call.
    pub(in crate::upstream) fn start(self) -> Running {
        let now = Instant::now();
        Running { first_byte: now + self.first_byte, idle: self.idle, total: now + self.total }
    }
}

/// The limits of a call under way.
#[derive(Debug, Clone, Copy)]
pub(in crate::upstream) struct Running {
    first_byte: Instant,
    idle: Duration,
    total: Instant,
}

impl Running {
    /// Waits for the answer to begin.
    pub(in crate::upstream) async fn first_byte<T>(&self, wait: impl Future<Output = T>) -> Result<T, UpstreamError> {
        self.within(self.first_byte, Phase::FirstByte, wait).await
    }

    /// Waits for the next piece of the answer.
    pub(in crate::upstream) async fn next<T>(&self, wait: impl Future<Output = T>) -> Result<T, UpstreamError> {
        self.within(Instant::now() + self.idle, Phase::Idle, wait).await
    }

    async fn within<T>(&self, limit: Instant, phase: Phase, wait: impl Future<Output = T>) -> Result<T, UpstreamError> {
        let (until, phase) = if self.total < limit { (self.total, Phase::Total) } else { (limit, phase) };
        timeout_at(until, wait).await.map_err(|_| UpstreamError::Timeout(phase))
    }
}

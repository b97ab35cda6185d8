//! What a caller lets the calls of one attempt take, and what it learns of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::UpstreamError;

/// The deadline of an attempt, and its calls so far.
#[derive(Debug)]
pub struct Watch {
    /// No pause is begun that would pass it.
    pub deadline: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    endpoint: Option<String>,
    failed: Vec<FailedCall>,
    given_up: u32,
}

/// A call that failed and that another one made good, or was to.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedCall {
    /// The endpoint called.
    pub endpoint: String,
    /// How long the call took.
    pub took: Duration,
    /// How it failed.
    pub error: UpstreamError,
}

impl Watch {
    /// Nothing was called yet.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, seen: Mutex::default() }
    }

    /// The endpoint that is called now, or was called last.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        self.seen().endpoint.clone()
    }

    /// Calls that failed, in order.
    #[must_use]
    pub fn failed(&self) -> Vec<FailedCall> {
        self.seen().failed.clone()
    }

    /// Calls that were given up because another endpoint, called beside them, answered first.
    #[must_use]
    pub fn given_up(&self) -> u32 {
        self.seen().given_up
    }

    pub(super) fn gives_up(&self) {
        self.seen().given_up += 1;
    }

    pub(super) fn calls(&self, endpoint: &str) {
        self.seen().endpoint = Some(endpoint.to_owned());
    }

    pub(super) fn fails(&self, call: FailedCall) {
        self.seen().failed.push(call);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Each change is one assignment or push.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

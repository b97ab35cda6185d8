//! How the log does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;

/// How the log does, for `/v1/stats`, `/readyz` and whoever watches.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LogState {
    /// Records that wait for the database, in the journal or in memory.
    pub pending: u64,
    /// Those of them that only memory holds, because the journal takes none either.
    pub in_memory: u64,
    /// Records lost since the start: nothing took them, and memory was full.
    pub lost: u64,
    /// Since when the database takes none; `None` while it does.
    pub down_since: Option<Timestamp>,
    /// What it says.
    pub error: Option<String>,
    /// Whether answers are served: false where records have to be kept first and nothing takes them.
    pub takes_records: bool,
}

/// Counts what becomes of records, and tells the log when that changes.
#[derive(Debug, Default)]
pub(super) struct Meter {
    waiting: AtomicU64,
    held: AtomicU64,
    lost: AtomicU64,
    /// Whether the last records found no place at all.
    stuck: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug, Clone)]
struct Trouble {
    since: Timestamp,
    error: String,
    told: Instant,
}

/// How often the log is told of the same trouble.
const REMIND: Duration = Duration::from_secs(60);

impl Meter {
    /// The database took records.
    pub(super) fn works(&self) {
        self.stuck.store(false, Ordering::Relaxed);
        if let Some(Trouble { since, .. }) = self.trouble().take() {
            tracing::info!(%since, pending = self.pending(), "the decision log takes records again");
        }
    }

    /// The database, or the journal, took none.
    pub(super) fn fails(&self, error: &StoreError) {
        let mut trouble = self.trouble();
        let (since, told) = match trouble.as_ref() {
            Some(known) if known.told.elapsed() < REMIND => (known.since, known.told),
            known => {
                tracing::warn!(pending = self.pending(), error = error.0, "THE DECISION LOG LAGS: records wait for it");
                (known.map_or_else(Timestamp::now, |known| known.since), Instant::now())
            }
        };
        *trouble = Some(Trouble { since, error: error.0.clone(), told });
    }

    /// Whether the last records found a place, be it in the journal.
    pub(super) fn is_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// So many wait in the journal.
    pub(super) fn waits(&self, records: u64) {
        self.waiting.store(records, Ordering::Relaxed);
    }

    /// So many wait in memory.
    pub(super) fn holds(&self, records: usize) {
        self.held.store(records as u64, Ordering::Relaxed);
    }

    /// So many are lost.
    pub(super) fn loses(&self, records: usize, error: &StoreError) {
        let lost = self.lost.fetch_add(records as u64, Ordering::Relaxed) + records as u64;
        tracing::error!(lost, error = error.0, "DECISION RECORDS ARE LOST");
    }

    pub(super) fn state(&self, refuses: bool) -> LogState {
        let trouble = self.trouble().clone();
        let in_memory = self.held.load(Ordering::Relaxed);
        LogState {
            pending: self.pending(),
            in_memory,
            lost: self.lost.load(Ordering::Relaxed),
            takes_records: !(refuses && self.stuck.load(Ordering::Relaxed)),
            down_since: trouble.as_ref().map(|trouble| trouble.since),
            error: trouble.map(|trouble| trouble.error),
        }
    }

    fn pending(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed) + self.held.load(Ordering::Relaxed)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Deletes what is older than it may become, in steps that hold nobody up.

use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;
use super::backend::Backend;
use super::sql;
use crate::config::LogConfig;
use crate::database::Statement;
use crate::decisions::id;

/// How long records and contents are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    records: Option<Duration>,
    contents: Option<Duration>,
}

impl Retention {
    pub(super) fn of(config: &LogConfig) -> Self {
        let days = |days: Option<f64>| days.map(|days| Duration::from_secs_f64(days * 86_400.0));
        Self { records: days(config.keep_days), contents: days(config.keep_content_days) }
    }

    /// Does the upkeep and deletes what is too old; gives the rows that were deleted one by one.
    pub(super) async fn apply(self, backend: &dyn Backend, now: Timestamp) -> Result<u64, StoreError> {
        let keep_since = since(now, self.records);
        backend.upkeep(now, keep_since).await?;
        let mut deleted: u64 = 0;
        for (table, key, since) in [
            ("attempts", "decision_id", keep_since),
            ("contents", "decision_id", keep_since.max(since(now, self.contents))),
            ("feedback", "decision_id", keep_since),
            ("verdicts", "decision_id", keep_since),
            ("judge_jobs", "decision_id", keep_since),
            ("judge_calls", "decision_id", keep_since.max(since(now, self.contents))),
            ("decisions", "id", keep_since),
        ] {
            let Some(since) = since else { continue };
            deleted += delete(backend, || sql::delete_before(table, key, &id::first_of(since))).await?;
        }
        delete(backend, || sql::delete_expired(now)).await?;
        Ok(deleted)
    }
}

/// Runs a statement until it deletes nothing more.
async fn delete(backend: &dyn Backend, statement: impl Fn() -> Statement) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let done = backend.transact(vec![statement()]).await?;
        match done.iter().map(|done| done.changed).sum::<u64>() {
            0 => return Ok(deleted),
            rows => deleted += rows,
        }
    }
}

fn since(now: Timestamp, kept: Option<Duration>) -> Option<Timestamp> {
    now.checked_sub(kept?).ok()
}

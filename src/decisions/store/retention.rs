//! Deletes what is older than it may become, in steps that hold nobody up.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::backend::Backend;
use super::sql;
use crate::config::LogConfig;
use crate::decisions::id;

/// How long records and contents are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    records: Option<Duration>,
    contents: Option<Duration>,
}

/// From the start to the first upkeep: a router that starts has better things to do.
const SETTLING: Duration = Duration::from_secs(60);

/// From one upkeep to the next.
const PERIOD: Duration = Duration::from_secs(3600);

impl Retention {
    pub(super) fn of(config: &LogConfig) -> Self {
        let days = |days: Option<f64>| days.map(|days| Duration::from_secs_f64(days * 86_400.0));
        Self { records: days(config.keep_days), contents: days(config.keep_content_days) }
    }

    /// Does the upkeep a minute from now and then once an hour, until the store closes.
    pub(super) fn work(self, backend: Arc<dyn Backend>, closing: CancellationToken) {
        tokio::spawn(async move {
            let mut pause = SETTLING;
            while timeout(pause, closing.cancelled()).await.is_err() {
                pause = PERIOD;
                let due = self.apply(backend.as_ref(), Timestamp::now());
                match closing.run_until_cancelled(due).await {
                    Some(Ok(0)) | None => {}
                    Some(Ok(rows)) => tracing::info!(rows, "what was older than log.keep_days allows was deleted"),
                    Some(Err(error)) => tracing::warn!(%error, "the upkeep of the decision log failed"),
                }
            }
        });
    }

    /// Does the upkeep and deletes what is too old; gives the rows that were deleted one by one.
    pub(super) async fn apply(self, backend: &dyn Backend, now: Timestamp) -> Result<u64, StoreError> {
        let keep_since = since(now, self.records);
        backend.upkeep(now, keep_since).await?;
        let mut deleted = 0;
        for (table, key, since) in [
            ("attempts", "decision_id", keep_since),
            ("contents", "decision_id", keep_since.max(since(now, self.contents))),
            ("feedback", "decision_id", keep_since),
            ("decisions", "id", keep_since),
        ] {
            let Some(since) = since else { continue };
            loop {
                match backend.execute(sql::delete_before(table, key, &id::first_of(since))).await? {
                    0 => break,
                    rows => deleted += rows,
                }
            }
        }
        Ok(deleted)
    }
}

fn since(now: Timestamp, kept: Option<Duration>) -> Option<Timestamp> {
    now.checked_sub(kept?).ok()
}

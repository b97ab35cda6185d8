//! What the log needs every now and then: room for what comes, and what is too old deleted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::DecisionStore;
use crate::leader::Leader;

/// From the start to the first upkeep: a router that starts has better things to do.
const SETTLING: Duration = Duration::from_secs(60);

/// From one upkeep to the next.
const PERIOD: Duration = Duration::from_secs(3600);

/// Looks after the log a minute from now and then once an hour, where this router leads, until `stop`.
pub async fn work(store: Arc<dyn DecisionStore>, leader: Leader, stop: CancellationToken) {
    let mut pause = SETTLING;
    while timeout(pause, stop.cancelled()).await.is_err() {
        pause = PERIOD;
        if !leader.is_leader() {
            continue;
        }
        match stop.run_until_cancelled(store.expire(Timestamp::now())).await {
            Some(Ok(0)) | None => {}
            Some(Ok(rows)) => tracing::info!(rows, "what was older than log.keep_days allows was deleted"),
            Some(Err(error)) => tracing::warn!(%error, "the upkeep of the decision log failed"),
        }
    }
}

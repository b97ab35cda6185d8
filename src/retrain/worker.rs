//! Retrains by the schedule and when an operator asks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::rollout::advance;
use super::run::{Ask, run};
use crate::decisions::DecisionStore;
use crate::http::{Current, Retraining};
use crate::leader::Leader;
use crate::registry::Registry;

/// From one look at the schedule and at what is on trial to the next.
pub const LOOK: Duration = Duration::from_secs(20);

/// A retraining that failed is tried again by the schedule after this, not at the next look.
const AGAIN: Duration = Duration::from_secs(3600);

const DAY_S: f64 = 86_400.0;

/// Works until the token is cancelled, with a look at the schedule every now and then. A retraining that somebody asks for is
/// done by the router that was asked, one of the schedule by the router that leads.
pub async fn work(
    store: Arc<dyn DecisionStore>,
    current: Current,
    mut asked: mpsc::Receiver<Retraining>,
    (leader, look): (Leader, Duration),
    stop: CancellationToken,
) {
    let mut failed = None;
    loop {
        let right = tokio::select! {
            () = stop.cancelled() => return,
            Some(right) = asked.recv() => Some(right),
            () = tokio::time::sleep(look) => match leader.is_leader() {
                true => scheduled(&store, &current, failed).await,
                false => None,
            },
        };
        let Some(right) = right else { continue };
        let Some(succeeded) = stop.run_until_cancelled(retrain(&store, &current)).await else { return };
        failed = (!succeeded).then(Instant::now);
        drop(right);
    }
}

/// Moves on what is on trial; gives the right to retrain where the schedule asks for that now.
async fn scheduled(store: &Arc<dyn DecisionStore>, current: &Current, failed: Option<Instant>) -> Option<Retraining> {
    match advance(store, current.app().config()).await {
        Ok(Some(done)) => tracing::warn!("{done}"),
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "what is on trial cannot be judged; it stays as it is"),
    }
    let rests = failed.is_some_and(|failed| failed.elapsed() < AGAIN);
    if rests || !is_due(&**store, current).await {
        return None;
    }
    current.retraining()
}

/// Whether the schedule asks for one now.
async fn is_due(store: &dyn DecisionStore, current: &Current) -> bool {
    let app = current.app();
    let every = app.config().retrain.every_days;
    let Some(database) = store.database().filter(|_| every > 0.0) else { return false };
    let registry = Registry::open(database, &app.config().data_dir());
    match registry.last_attempt().await {
        Ok(Some(last)) => Timestamp::now().duration_since(last).as_secs_f64() >= every * DAY_S,
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether it came to a conclusion.
async fn retrain(store: &Arc<dyn DecisionStore>, current: &Current) -> bool {
    let app = current.app();
    let told = |what: &str| tracing::info!("retraining: {what}");
    match run(Arc::clone(store), app.config(), &Ask::default(), &told).await {
        Ok(report) if report.outcome.passes() => {
            tracing::info!(challenger = report.challenger, reason = report.reason, "the challenger passes the gate");
            true
        }
        Ok(report) => {
            tracing::warn!(challenger = report.challenger, reason = report.reason, "the champion stays");
            true
        }
        Err(error) => {
            tracing::error!(%error, "retraining failed; the champion stays");
            false
        }
    }
}

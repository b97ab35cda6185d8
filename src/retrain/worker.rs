//! Retrains by the schedule and when an operator asks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::rollout::advance;
use super::run::{Ask, run};
use crate::decisions::DecisionStore;
use crate::http::Current;
use crate::leader::Leader;
use crate::registry::{Outcome, Registry};

/// From one look at the schedule and at what is on trial to the next.
const LOOK: Duration = Duration::from_secs(20);

/// Works until the token is cancelled. A retraining that somebody asks for is done by the router that was asked, one of the
/// schedule by the router that leads.
pub async fn work(
    store: Arc<dyn DecisionStore>,
    current: Current,
    mut asked: mpsc::Receiver<()>,
    leader: Leader,
    stop: CancellationToken,
) {
    loop {
        let due = tokio::select! {
            () = stop.cancelled() => return,
            Some(()) = asked.recv() => true,
            () = tokio::time::sleep(LOOK) => leader.is_leader() && look(&store, &current).await,
        };
        if due && stop.run_until_cancelled(retrain(&store, &current)).await.is_none() {
            return;
        }
    }
}

/// Moves on what is on trial; says whether a retraining is due.
async fn look(store: &Arc<dyn DecisionStore>, current: &Current) -> bool {
    match advance(store, current.app().config()).await {
        Ok(Some(done)) => tracing::warn!("{done}"),
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "what is on trial cannot be judged; it stays as it is"),
    }
    is_due(&**store, current).await
}

/// Whether the schedule asks for one now.
async fn is_due(store: &dyn DecisionStore, current: &Current) -> bool {
    let app = current.app();
    let every = app.config().retrain.every_days;
    let Some(database) = store.database().filter(|_| every > 0.0) else { return false };
    let registry = Registry::open(database, &app.config().data_dir());
    match registry.last_attempt().await {
        Ok(Some(last)) => Timestamp::now().duration_since(last).as_secs_f64() >= every * 86_400.0,
        Ok(None) => true,
        Err(_) => false,
    }
}

async fn retrain(store: &Arc<dyn DecisionStore>, current: &Current) {
    let app = current.app();
    let told = |what: &str| tracing::info!("retraining: {what}");
    match run(Arc::clone(store), app.config(), &Ask::default(), &told).await {
        Ok(report) if matches!(report.outcome, Outcome::Promoted) => {
            tracing::info!(challenger = report.challenger, reason = report.reason, "the challenger passes the gate");
        }
        Ok(report) => {
            tracing::warn!(challenger = report.challenger, reason = report.reason, "the champion stays");
        }
        Err(error) => tracing::error!(%error, "retraining failed; the champion stays"),
    }
}

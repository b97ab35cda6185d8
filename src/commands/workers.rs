//! The workers of `rungs serve` that watch the log and tell of what they find.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::alert::{keeper, webhook};
use crate::decisions::DecisionStore;
use crate::drift::{alarms, worker};
use crate::http::Current;
use crate::leader::Leader;

/// Starts them; they heed whichever configuration is in force. A store without a database has nothing to watch.
pub(super) fn start(store: &Arc<dyn DecisionStore>, current: &Current, leader: &Leader, stop: &CancellationToken) {
    let Some(database) = store.database() else { return };
    let of = |current: &Current| current.clone();
    let (told, called, watched, followed) = (of(current), of(current), of(current), of(current));
    let settings = move || told.app().config().alerts.clone();
    keeper::start(database.clone(), settings, leader.clone(), stop.clone());
    webhook::start(database.clone(), move || called.app().config().alerts.clone(), stop.clone());
    let settings = move || watched.app().config().drift.clone();
    worker::start(database.clone(), settings, leader.clone(), stop.clone());
    alarms::follow(database, move || followed.app().alarms().clone(), stop.clone());
}

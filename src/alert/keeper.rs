//! Takes signals into alerts and alerts to receivers. Only the leader does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::life::{Alert, take_in};
use super::webhook::queue;
use super::{Fingerprint, Signal, group, table};
use crate::config::AlertsConfig;
use crate::database::{Database, Statement};
use crate::decisions::StoreError;
use crate::leader::Leader;
use crate::trouble::Trouble;

/// From one look at the outbox to the next.
const PERIOD: Duration = Duration::from_millis(500);

/// From one look for what is to be deleted to the next.
const UPKEEP: Duration = Duration::from_secs(3_600);

/// Signals that are taken in at once.
const AT_ONCE: i64 = 200;

/// Looks after the alerts until the token is cancelled, by whatever configuration is in force.
pub fn start(
    database: Database,
    config: impl Fn() -> AlertsConfig + Send + 'static,
    leader: Leader,
    stop: CancellationToken,
) {
    tokio::spawn(async move {
        let (mut trouble, mut expired) = (Trouble::default(), None::<Instant>);
        while timeout(PERIOD, stop.cancelled()).await.is_err() {
            if !leader.is_leader() {
                continue;
            }
            let (config, now) = (config(), Timestamp::now());
            let mut done = round(&database, &config, now).await;
            if done.is_ok() && expired.is_none_or(|last| last.elapsed() >= UPKEEP) {
                expired = Some(Instant::now());
                done = expire(&database, &config, now).await;
            }
            if let Some(error) = trouble.news(&done) {
                tracing::warn!(error, "alerts are not looked after until the database answers");
            }
        }
    });
}

/// Does what is to be done at this time: all of it in one transaction, so that a signal is taken in once and whoever has to be
/// told of it is.
///
/// # Errors
/// When the database cannot be read or written; nothing was done then.
pub async fn round(database: &Database, config: &AlertsConfig, now: Timestamp) -> Result<(), StoreError> {
    let mut statements = Vec::new();
    let mut before = BTreeMap::new();
    let mut alerts = living(database, config, now).await?;
    alerts.iter().for_each(|alert| drop(before.insert(alert.id.clone(), alert.clone())));
    for waiting in table::signals(database, AT_ONCE).await? {
        statements.push(table::delete_signal(&waiting.id));
        let newest = newest(database, &alerts, &waiting.signal).await?;
        if let Some(alert) = take_in(waiting.signal, newest, config, now) {
            alerts.retain(|known| known.id != alert.id);
            alerts.push(alert);
        }
    }
    let mut alerts: Vec<Alert> = alerts.into_iter().map(|alert| alert.pass(config, now)).collect();
    let silences = table::silences(database, now).await?;
    let gone = queue::gone(database).await?;
    for message in group::due(&mut alerts, &silences, config, now) {
        for receiver in config.receivers.iter().filter(|receiver| !gone.contains(&receiver.name)) {
            statements.extend(queue::enqueue(receiver, &message, now)?);
        }
    }
    for alert in alerts.iter().filter(|alert| before.get(&alert.id) != Some(alert)) {
        statements.push(table::save(alert, now)?);
    }
    write(database, statements).await
}

/// Deletes alerts, silences and deliveries that are over for longer than they are kept.
///
/// # Errors
/// When the database cannot be written.
pub async fn expire(database: &Database, config: &AlertsConfig, now: Timestamp) -> Result<(), StoreError> {
    let kept = SignedDuration::try_from_secs_f64(config.keep_days * 86_400.0).unwrap_or(SignedDuration::MAX);
    let Ok(since) = now.checked_sub(kept) else { return Ok(()) };
    write(database, table::expire(since).into_iter().chain([queue::expire(since)]).collect()).await
}

async fn write(database: &Database, statements: Vec<Statement>) -> Result<(), StoreError> {
    if statements.is_empty() { Ok(()) } else { database.transaction(statements).await.map(drop) }
}

/// Alerts that may have something to be told: open ones, and those that ended not long ago.
async fn living(database: &Database, config: &AlertsConfig, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
    let lately = SignedDuration::try_from_secs_f64(config.group_s + 3_600.0).unwrap_or_default();
    table::living(database, now.checked_sub(lately).unwrap_or(now)).await
}

/// The alert that a signal speaks of, as it is by now.
async fn newest(database: &Database, alerts: &[Alert], signal: &Signal) -> Result<Option<Alert>, StoreError> {
    let fingerprint: Fingerprint = match signal {
        Signal::Fire(event) | Signal::Suspect(event) => event.fingerprint(),
        Signal::Resolve(fingerprint) => fingerprint.clone(),
        Signal::Acknowledge { alert, .. } => {
            let known = alerts.iter().find(|known| known.id == *alert).cloned();
            return if known.is_some() { Ok(known) } else { table::get(database, alert).await };
        }
    };
    match alerts.iter().rfind(|alert| alert.fingerprint == fingerprint) {
        Some(known) => Ok(Some(known.clone())),
        None => table::newest(database, &fingerprint).await,
    }
}

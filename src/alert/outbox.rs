//! From whoever notices something to the table where it waits for the leader.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Event, Fingerprint};
use crate::database::{Database, Statement};
use crate::decisions::StoreError;

/// What has happened to an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// It is so, or still so with newer numbers.
    Fire(Event),
    /// It may be so: not to be told before it is certain.
    Suspect(Event),
    /// It is over.
    Resolve(Fingerprint),
    /// Somebody has seen to it.
    Acknowledge {
        /// The alert's id.
        alert: String,
        /// What they say.
        comment: Option<String>,
    },
}

/// Tells what happens, without waiting. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Alerts(mpsc::Sender<Signal>);

/// Signals that may wait for the database; more are dropped, and the log says so.
const MOST_WAITING: usize = 4096;

/// How long until the database is asked again.
const PAUSE: Duration = Duration::from_secs(1);

impl Alerts {
    /// Starts writing signals to the outbox until the token is cancelled; without a database they end in the program's log.
    #[must_use]
    pub fn start(database: Option<Database>, stop: CancellationToken) -> Self {
        let (sender, mut signals) = mpsc::channel(MOST_WAITING);
        tokio::spawn(async move {
            while let Some(Some(signal)) = stop.run_until_cancelled(signals.recv()).await {
                write(database.as_ref(), &signal, &stop).await;
            }
            // What was told before the end is still written, once.
            while let Ok(signal) = signals.try_recv() {
                write(database.as_ref(), &signal, &stop).await;
            }
        });
        Self(sender)
    }

    /// It is so. Telling it again brings the numbers up to date.
    pub fn fire(&self, event: Event) {
        tracing::warn!(alert = event.name(), scope = %event.scope(), "ALERT: {}", event.summary());
        self.send(Signal::Fire(event));
    }

    /// It is over.
    pub fn resolve(&self, alert: Fingerprint) {
        self.send(Signal::Resolve(alert));
    }

    fn send(&self, signal: Signal) {
        if let Err(error) = self.0.try_send(signal) {
            tracing::error!(%error, "AN ALERT IS LOST: too many wait for the database");
        }
    }
}

async fn write(database: Option<&Database>, signal: &Signal, stop: &CancellationToken) {
    let Some(database) = database else { return };
    loop {
        let Err(error) = store(database, signal).await else { return };
        tracing::warn!(%error, "an alert waits for the database");
        if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}

async fn store(database: &Database, signal: &Signal) -> Result<(), StoreError> {
    database.execute(insert(signal)?).await.map(drop)
}

/// The statement that puts a signal into the outbox.
///
/// # Errors
/// When it holds a number that JSON cannot.
pub fn insert(signal: &Signal) -> Result<Statement, StoreError> {
    let json = serde_json::to_string(signal).map_err(|error| StoreError(format!("an alert: {error}")))?;
    let statement = Statement::new("INSERT INTO alert_signals (id, at, signal) VALUES (?, ?, ?)");
    Ok(statement.bind(Uuid::now_v7().to_string()).bind(Timestamp::now()).bind(json))
}

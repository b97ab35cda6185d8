//! From whoever notices something to the table where it waits for the leader.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::direct::Direct;
use super::{Event, Fingerprint};
use crate::config::AlertsConfig;
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
    /// Starts writing signals to the outbox, until nobody can tell anything any more. What the database cannot take waits, and
    /// receivers are told of it at once.
    #[must_use]
    pub fn start(database: Option<Database>, settings: impl Fn() -> AlertsConfig + Send + 'static) -> Self {
        let (sender, signals) = mpsc::channel(MOST_WAITING);
        let outbox = Outbox { database, waiting: VecDeque::new(), direct: Direct::default() };
        tokio::spawn(outbox.work(signals, settings));
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

/// Signals on their way to the table.
struct Outbox {
    database: Option<Database>,
    waiting: VecDeque<Signal>,
    direct: Direct,
}

impl Outbox {
    async fn work(mut self, mut signals: mpsc::Receiver<Signal>, settings: impl Fn() -> AlertsConfig) {
        let mut again = Instant::now();
        loop {
            let signal = tokio::select! {
                signal = signals.recv() => signal,
                () = sleep_until(again), if !self.waiting.is_empty() => {
                    self.write().await;
                    again = Instant::now() + PAUSE;
                    continue;
                }
            };
            let Some(signal) = signal else {
                // What waits is tried once more; what began an alert was told directly.
                self.write().await;
                return;
            };
            let is_first = self.waiting.is_empty();
            if self.waiting.len() < MOST_WAITING {
                self.waiting.push_back(signal.clone());
            }
            if is_first {
                self.write().await;
                again = Instant::now() + PAUSE;
            }
            match &signal {
                // Who was told of its beginning here has to be told of its end here: the table may hear of both at once.
                Signal::Resolve(alert) => self.direct.resolve(alert),
                // A database that is full may take the signal and no delivery.
                Signal::Fire(event @ Event::DecisionLogLagging(_)) => self.direct.fire(event, &settings()),
                Signal::Fire(event) if !self.waiting.is_empty() => self.direct.fire(event, &settings()),
                Signal::Fire(_) | Signal::Suspect(_) | Signal::Acknowledge { .. } => {}
            }
        }
    }

    /// Writes what waits, in the order in which it was told, until the database refuses.
    async fn write(&mut self) {
        let Some(database) = &self.database else { return };
        while let Some(signal) = self.waiting.front() {
            if let Err(error) = store(database, signal).await {
                tracing::warn!(%error, "an alert waits for the database");
                return;
            }
            self.waiting.pop_front();
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

//! Alerts from a signal to a receiver.

mod commands;
mod consequences;
mod crash;
mod delivery;
mod monitors;

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use rungs::alert::event::Drift;
use rungs::alert::{Event, Scope, Signal, keeper, outbox};
use rungs::config::{AlertsConfig, LogConfig};
use rungs::database::Database;
use rungs::decisions::{DecisionStore, open};
use tempfile::TempDir;

use crate::support::hook::SECRET;

/// A database of its own, and a folder with the receivers' secret.
struct Place {
    folder: TempDir,
    store: Arc<dyn DecisionStore>,
}

impl Place {
    async fn new() -> Self {
        Self::with(LogConfig::default()).await
    }

    async fn with(config: LogConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        let store = open(&config, folder.path()).await.unwrap();
        Self { folder, store }
    }

    fn database(&self) -> Database {
        self.store.database().unwrap()
    }

    /// A configuration that tells this address at once, and again after tenths of seconds.
    fn config(&self, url: &str) -> AlertsConfig {
        let secret = self.folder.path().join("secret");
        toml::from_str(&format!(
            "group_s = 0.0\ncool_down_s = 0.0\nretry_s = [0.0, 0.1, 0.1, 0.1]\n[[receivers]]\nname = 'ops'\nurl = '{url}'\n\
             secret_file = ['{}']\nallow_private = true",
            secret.display()
        ))
        .unwrap()
    }

    /// Puts a signal into the outbox.
    async fn tell(&self, signal: &Signal) {
        self.database().execute(outbox::insert(signal).unwrap()).await.unwrap();
    }

    /// What the leader does at this second.
    async fn round(&self, config: &AlertsConfig, second: i64) {
        keeper::round(&self.database(), config, at(second)).await.unwrap();
    }
}

/// So many seconds after a moment that is near enough to now for what is due to be due.
fn at(second: i64) -> Timestamp {
    Timestamp::now() - 1.hour() + second.seconds()
}

fn drift(route: &str) -> Event {
    let scope = Scope { route: Some(route.to_owned()), ..Scope::default() };
    Event::QualityDrift(Drift { scope, figure: "judged failures".to_owned(), from: 0.1, to: 0.22, ..Drift::default() })
}

//! Which of several routers does what only one of them may: monitors, scheduled retraining, retention.
//!
//! On one machine the only router leads. Routers that share a PostgreSQL database elect one: whoever holds an advisory lock
//! by a connection of its own. A leader that cannot reach the server steps down within `PATIENCE` after a beat, and the
//! server gives the lock to another as soon as it knows that the connection is gone. For about a second two may still
//! believe to lead, when a server is restarted; work that must be done once has to claim it in the database all the same.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::database::Database;

/// Tells whether this process leads. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Leader {
    leads: watch::Receiver<bool>,
}

/// Chosen once and for all: whoever holds this advisory lock leads.
const LOCK: i64 = 0x72_75_6e_67_73_02;

/// From one try to get the lock, or one look at the connection that holds it, to the next.
const BEAT: Duration = Duration::from_secs(1);

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

impl Leader {
    /// The leader where there is nobody else.
    #[must_use]
    pub fn always() -> Self {
        Self { leads: watch::channel(true).1 }
    }

    /// Stands for election on the current runtime until `stop`, and resigns then. Without PostgreSQL there is nobody else.
    #[must_use]
    pub fn elect(database: Option<&Database>, stop: CancellationToken) -> Self {
        let Some(pool) = database.and_then(Database::postgres) else { return Self::always() };
        // The server is to notice a machine that has vanished within half a minute, not within hours.
        let keepalive =
            [("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")];
        let server = pool.connect_options().as_ref().clone().application_name("rungs leader").options(keepalive);
        let (leads, watching) = watch::channel(false);
        let leads = Arc::new(leads);
        tokio::spawn(async move {
            let mut told = String::new();
            while let Some(ended) = stop.run_until_cancelled(reign(&server, &leads)).await {
                step_down(&leads);
                let why = ended.map_or_else(|error| error.to_string(), |()| "the server does not answer".to_owned());
                if told != why {
                    tracing::warn!(why, "this router does not stand for election until the database answers");
                    told = why;
                }
                let _ = timeout(BEAT, stop.cancelled()).await;
            }
            step_down(&leads);
        });
        Self { leads: watching }
    }

    /// Whether this process leads now.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        *self.leads.borrow()
    }

    /// Waits for the next change and tells what holds then; for ever where nothing can change any more.
    pub async fn changed(&mut self) -> bool {
        if self.leads.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.leads.borrow_and_update()
    }

    /// Waits until this process leads; for ever where it never will.
    pub async fn elected(&mut self) {
        if self.leads.wait_for(|leads| *leads).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Gets the lock and keeps it as long as the server answers.
async fn reign(server: &PgConnectOptions, leads: &watch::Sender<bool>) -> Result<(), sqlx::Error> {
    // Dropped with this future: the lock goes with the connection.
    let Ok(connected) = timeout(PATIENCE, PgConnection::connect_with(server)).await else { return Ok(()) };
    let mut connection = connected?;
    loop {
        let held = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut connection);
        let Ok(held) = timeout(PATIENCE, held).await else { return Ok(()) };
        if held?.try_get(0)? {
            break;
        }
        tokio::time::sleep(BEAT).await;
    }
    leads.send_replace(true);
    tracing::info!("this router leads: monitors, retraining and retention run here");
    loop {
        tokio::time::sleep(BEAT).await;
        let Ok(answered) = timeout(PATIENCE, connection.ping()).await else { return Ok(()) };
        answered?;
    }
}

fn step_down(leads: &watch::Sender<bool>) {
    if leads.send_replace(false) {
        tracing::info!("this router does not lead any more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn alone_a_router_leads_and_stays_leader() {
        let mut leader = Leader::always();
        assert!(leader.is_leader());
        leader.elected().await;
        assert!(timeout(Duration::from_secs(3600), leader.changed()).await.is_err());
    }
}

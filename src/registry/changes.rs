//! Learns of changes that another process made.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::timeout;

use crate::database::{Database, Statement};

/// The channel of `LISTEN` and `NOTIFY`.
const CHANNEL: &str = "rungs_models";

/// How long to wait without a word before looking all the same: a notice may be lost with its connection, and SQLite gives
/// none.
const LOOK: Duration = Duration::from_secs(2);

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for changes of the registry.
pub struct Changes {
    database: Database,
    listener: Option<PgListener>,
}

impl Changes {
    /// Changes of the registry in this database.
    #[must_use]
    pub fn of(database: Database) -> Self {
        Self { database, listener: None }
    }

    /// Waits until there may have been one.
    pub async fn next(&mut self) {
        let Some(listener) = self.listen().await else { return tokio::time::sleep(LOOK).await };
        if let Ok(Err(error)) = timeout(LOOK, listener.recv()).await {
            tracing::debug!(%error, "changes of the registry are looked for until the database answers");
            self.listener = None;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn listen(&mut self) -> Option<&mut PgListener> {
        if self.listener.is_none() {
            let pool = self.database.postgres()?;
            let listening = async {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen(CHANNEL).await?;
                Ok::<_, sqlx::Error>(listener)
            };
            self.listener = timeout(PATIENCE, listening).await.ok()?.ok();
        }
        self.listener.as_mut()
    }
}

/// Tells all listeners, when the transaction that it is part of is committed.
pub(super) fn told() -> Statement {
    Statement::new("SELECT pg_notify(?, '')").bind(CHANNEL)
}

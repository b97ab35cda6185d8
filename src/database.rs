//! SQL on SQLite and on PostgreSQL alike: what the log, the judge, the monitors and the registry keep is in one database.

mod row;
mod statement;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgPool;

pub use row::DbRow;
pub use statement::{Bind, Statement};

use crate::decisions::StoreError;

/// The database that `log.url` names, with the project's schema in it. Clones share its connections.
#[derive(Clone)]
pub struct Database(Arc<dyn Engine>);

/// What a statement of a transaction did.
#[derive(Debug, Default)]
pub struct Done {
    /// What it gave by `RETURNING` or `SELECT`.
    pub rows: Vec<DbRow>,
    /// How many rows it changed; on SQLite not told of a statement that gives rows.
    pub changed: u64,
}

/// An engine with a schema.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Reads, on SQLite beside whoever writes.
    async fn read(&self, statement: Statement) -> Result<Vec<DbRow>, StoreError>;

    /// Runs statements in one transaction: all of them or none.
    async fn transact(&self, statements: Vec<Statement>) -> Result<Vec<Done>, StoreError>;

    /// Its connections, where it is PostgreSQL: for what SQLite has nothing of, such as `LISTEN` and advisory locks.
    fn postgres(&self) -> Option<&PgPool> {
        None
    }
}

/// How connections are pooled. They live as long as their pool: the upkeep that sqlx 0.9 does for lifetimes and idle times loops
/// for ever where a connection is taken in the moment between its return and its being counted as idle.
pub(crate) fn pooled<DB: sqlx::Database>(connections: u32) -> PoolOptions<DB> {
    PoolOptions::new().max_connections(connections).idle_timeout(None).max_lifetime(None)
}

impl Database {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine)
    }

    /// The rows of a `SELECT`. On SQLite it reads beside whoever writes, and sees what was committed before it began.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(&self, statement: Statement) -> Result<Vec<DbRow>, StoreError> {
        self.0.read(statement).await
    }

    /// Runs a statement that changes something; gives the rows of its `RETURNING`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn write(&self, statement: Statement) -> Result<Vec<DbRow>, StoreError> {
        Ok(self.one(statement).await?.rows)
    }

    /// Runs a statement that changes something; gives the number of rows that it changed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn execute(&self, statement: Statement) -> Result<u64, StoreError> {
        Ok(self.one(statement).await?.changed)
    }

    /// Runs statements in one transaction, all of them or none, and tells of each what it did. On SQLite nobody else writes
    /// meanwhile; on PostgreSQL other transactions run beside it (`READ COMMITTED`).
    ///
    /// # Errors
    /// When the database cannot be written; nothing was changed then, unless the connection broke while it was committed.
    pub async fn transaction(&self, statements: Vec<Statement>) -> Result<Vec<Done>, StoreError> {
        self.0.transact(statements).await
    }

    /// Whether it is PostgreSQL, which other routers may share.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.postgres().is_some()
    }

    /// The connections of PostgreSQL: for what SQLite has nothing of, such as `LISTEN` and advisory locks.
    pub(crate) fn postgres(&self) -> Option<&PgPool> {
        self.0.postgres()
    }

    async fn one(&self, statement: Statement) -> Result<Done, StoreError> {
        let done = self.0.transact(vec![statement]).await?.pop();
        done.ok_or_else(|| StoreError("the statement was not run".to_owned()))
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_postgres() { "Database(postgres)" } else { "Database(sqlite)" })
    }
}

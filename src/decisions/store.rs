//! Where decision records live.

mod backend;
mod journal;
mod keeper;
mod log;
mod postgres;
mod retention;
mod row;
mod sql;
mod sqlite;
mod state;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

pub(super) use row::{Flat, flat};
pub use state::LogState;

use super::feedback::Feedback;
use super::record::{DecisionRecord, Outcome};
use crate::config::LogConfig;
use crate::database::Database;
use crate::meters::Meters;

/// Keeps decision records.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Stores a record. With `log.durability = "commit"` it survives a crash of the process and of the machine once
    /// this returns, in the database or in the journal in front of it; with `"relaxed"` it follows within a second. Where
    /// neither takes it, `log.when_full` decides. A record whose id is already there changes nothing.
    ///
    /// # Errors
    /// When nothing takes the record and it may not be held in memory, or it holds a number that is not finite.
    async fn append(&self, record: DecisionRecord) -> Result<(), StoreError>;

    /// One record by its id.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn get(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError>;

    /// Records, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn list(&self, filter: &DecisionFilter) -> Result<Page, StoreError>;

    /// Records in the order of their chains, `limit` at most, from behind this writer and sequence number on.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn chain(
        &self,
        after: Option<&(String, u64)>,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError>;

    /// Stores what somebody said of an answer, apart from its record.
    ///
    /// # Errors
    /// When the database cannot be written.
    async fn add_feedback(&self, feedback: &Feedback) -> Result<(), StoreError>;

    /// What was said of the answers of these records, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn feedback(&self, decisions: &[&str]) -> Result<Vec<Feedback>, StoreError>;

    /// The database behind it, where others keep what they derive from the log; `None` where there is none.
    fn database(&self) -> Option<Database> {
        None
    }

    /// How the log does.
    fn state(&self) -> LogState {
        LogState::default()
    }

    /// Deletes what is older at this moment than the configuration keeps, and gives the number of rows deleted one by one.
    /// One that keeps everything has nothing to do.
    ///
    /// # Errors
    /// When the database cannot be written; what was deleted until then stays so.
    async fn expire(&self, _now: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Levels that limits are counted by, shared by all that use the same database; without one, this process's own.
    fn meters(&self) -> Meters {
        Meters::local()
    }

    /// Writes what is waiting and closes the store; later appends fail. A store that buffers nothing has nothing to do.
    ///
    /// # Errors
    /// When waiting records could not be written.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// At most so many, 1 to 1000; numbers outside are taken as the nearer end.
    pub limit: u32,
    /// Only records older than this id (the `next` of the page before).
    pub before: Option<String>,
    /// Only this route.
    pub route: Option<String>,
    /// Only answers of this tier.
    pub tier: Option<String>,
    /// Only this tenant.
    pub tenant: Option<String>,
    /// Only this task.
    pub task: Option<String>,
    /// Only this client's key, by its name.
    pub key: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only records since then.
    pub since: Option<Timestamp>,
    /// Only records from before then.
    pub until: Option<Timestamp>,
    /// Only records from before there were receipts.
    pub without_receipt: bool,
    /// Leave requests and answers out, which may be large.
    pub without_content: bool,
}

/// A page of records, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    /// The records.
    pub decisions: Vec<DecisionRecord>,
    /// Pass as `before` for the next page; `None` on the last.
    pub next: Option<String>,
}

/// Why the log could not be written or read; never holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("decision log: {0}")]
pub struct StoreError(pub String);

/// Opens the store that the configuration names. A SQLite file is created where there is none, with a folder that only
/// its owner can read; a PostgreSQL database has to be there, but its server need not be up yet. The schema of an older
/// version is brought up to date. Records that a database did not take wait in `data_dir/journal.db`.
///
/// # Errors
/// When the place cannot be created or written or lets nobody in, the file is not a SQLite database or is damaged, or the schema is
/// newer than this program.
pub async fn open(config: &LogConfig, data_dir: &Path) -> Result<Arc<dyn DecisionStore>, StoreError> {
    let url = config.place().map_err(StoreError)?;
    let backend: Arc<dyn backend::Backend> = match url.as_ref().filter(|url| url.is_postgres()) {
        Some(url) => Arc::new(postgres::Postgres::open(url, config.durability).await?),
        None => Arc::new(sqlite::SqliteFile::open(url.as_ref(), config.durability, data_dir).await?),
    };
    let journal = journal::Journal::open(&data_dir.join("journal.db"), u64::from(config.journal_max_mb) << 20).await?;
    Ok(Arc::new(log::Log::start(backend, journal, config)))
}

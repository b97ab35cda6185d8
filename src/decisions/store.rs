//! Where decision records live.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::record::DecisionRecord;

/// Keeps decision records.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Stores a record; when this returns, the record survives a crash of the process and of the machine.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached.
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
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// At most so many, 1 to 1000.
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
    /// Only records since then.
    pub since: Option<Timestamp>,
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
#[derive(Debug, thiserror::Error)]
#[error("decision log: {0}")]
pub struct StoreError(pub String);

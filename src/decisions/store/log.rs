//! The store: a writer in front of an engine, and the reading past it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::backend::{self, Backend};
use super::journal::Journal;
use super::keeper::{Keeper, Sink};
use super::retention::Retention;
use super::row::Row;
use super::state::{LogState, Meter};
use super::writer::Writer;
use super::{DecisionFilter, DecisionStore, Page, StoreError, sql};
use crate::config::{LogConfig, WhenFull};
use crate::database::{Database, Statement};
use crate::decisions::{DecisionRecord, Feedback};
use crate::meters::Meters;

/// Records in a database: one writer that commits in groups, and readers beside it.
pub(super) struct Log {
    writer: Writer,
    backend: Arc<dyn Backend>,
    journal: Arc<Journal>,
    meter: Arc<Meter>,
    meters: Meters,
    retention: Retention,
    when_full: WhenFull,
    closing: CancellationToken,
}

impl Log {
    /// Starts the writer and the replay of the journal on the current runtime.
    pub(super) fn start(backend: Arc<dyn Backend>, journal: Journal, config: &LogConfig) -> Self {
        let (retention, closing) = (Retention::of(config), CancellationToken::new());
        let meter = Arc::new(Meter::default());
        meter.waits(journal.pending());
        let sink: Arc<dyn Sink> = Arc::clone(&backend) as _;
        let keeper = Keeper::start(sink, journal, Arc::clone(&meter), closing.clone());
        let journal = Arc::clone(&keeper.journal);
        let when_full = config.when_full;
        let writer = Writer::start(keeper, config.durability, when_full, Arc::clone(&meter));
        let meters = Meters::open(Arc::new(Database::new(Arc::clone(&backend) as _)), closing.clone());
        Self { writer, backend, journal, meter, meters, retention, when_full, closing }
    }
}

#[async_trait]
impl DecisionStore for Log {
    async fn append(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.writer.append(Row::new(record)?).await
    }

    async fn get(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        if let Some(waiting) = self.journal.get(id).await? {
            return Ok(Some(waiting));
        }
        self.records(sql::select_one(id)).await.map(|mut found| found.pop())
    }

    async fn list(&self, filter: &DecisionFilter) -> Result<Page, StoreError> {
        Ok(sql::page(filter, self.records(sql::select_page(filter)).await?))
    }

    async fn chain(
        &self,
        after: Option<&(String, u64)>,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        self.records(sql::select_chain(after, since, limit)).await
    }

    async fn add_feedback(&self, feedback: &Feedback) -> Result<(), StoreError> {
        let json = serde_json::to_string(feedback).map_err(|error| StoreError(format!("feedback: {error}")))?;
        self.backend.transact(vec![sql::insert_feedback(feedback, &json)]).await.map(drop)
    }

    async fn feedback(&self, decisions: &[&str]) -> Result<Vec<Feedback>, StoreError> {
        let mut found = Vec::new();
        for some in decisions.chunks(1000) {
            for row in self.backend.read(sql::select_feedback(some)).await? {
                let read = serde_json::from_str(&row.text(1)?);
                found.push(read.map_err(|error| StoreError(format!("stored feedback cannot be read: {error}")))?);
            }
        }
        Ok(found)
    }

    fn database(&self) -> Option<Database> {
        Some(Database::new(Arc::clone(&self.backend) as _))
    }

    fn state(&self) -> LogState {
        self.meter.state(self.when_full == WhenFull::Refuse)
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.retention.apply(self.backend.as_ref(), now).await
    }

    fn meters(&self) -> Meters {
        self.meters.clone()
    }

    async fn close(&self) -> Result<(), StoreError> {
        let flushed = self.writer.close().await;
        self.meters.told().await;
        self.closing.cancel();
        self.backend.close().await;
        self.journal.close().await;
        flushed
    }
}

impl Log {
    async fn records(&self, statement: Statement) -> Result<Vec<DecisionRecord>, StoreError> {
        self.backend.read(statement).await?.iter().map(backend::record).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

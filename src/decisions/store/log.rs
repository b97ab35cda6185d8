//! The store: a writer in front of an engine, and the reading past it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::retention::Retention;
use super::row::Row;
use super::writer::Writer;
use super::{DecisionFilter, DecisionStore, Page, StoreError, sql};
use crate::config::LogConfig;
use crate::decisions::DecisionRecord;

/// Records in a database: one writer that commits in groups, and readers beside it.
pub(super) struct Log {
    writer: Writer,
    backend: Arc<dyn Backend>,
    retention: Retention,
    closing: CancellationToken,
}

impl Log {
    /// Starts the writer and the hourly upkeep on the current runtime.
    pub(super) fn start(backend: impl Backend, config: &LogConfig) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let (retention, closing) = (Retention::of(config), CancellationToken::new());
        retention.work(Arc::clone(&backend), closing.clone());
        let sink: Arc<dyn super::writer::Sink> = Arc::clone(&backend) as _;
        Self { writer: Writer::start(sink, config.durability), backend, retention, closing }
    }
}

#[async_trait]
impl DecisionStore for Log {
    async fn append(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.writer.append(Row::new(record)?).await
    }

    async fn get(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(self.backend.select(sql::select_one(id)).await?.pop())
    }

    async fn list(&self, filter: &DecisionFilter) -> Result<Page, StoreError> {
        Ok(sql::page(filter, self.backend.select(sql::select_page(filter)).await?))
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.retention.apply(self.backend.as_ref(), now).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.closing.cancel();
        let flushed = self.writer.close().await;
        self.backend.close().await;
        flushed
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

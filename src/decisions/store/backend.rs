//! What an engine has to be able to do for the log.

use std::fmt::Display;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use super::keeper::Sink;
use super::row::assemble;
use crate::database::{DbRow, Engine};
use crate::decisions::DecisionRecord;

/// A database that holds the log.
#[async_trait]
pub(super) trait Backend: Sink + Engine {
    /// What has to be done every now and then: room for what comes, and whole pieces dropped of what is older than
    /// `keep_since`. Nothing, for most.
    async fn upkeep(&self, _now: Timestamp, _keep_since: Option<Timestamp>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Closes its connections.
    async fn close(&self);
}

/// The record of a row of `id`, `record`, `request` and `answer`.
pub(super) fn record(row: &DbRow) -> Result<DecisionRecord, StoreError> {
    assemble(&row.text(0)?, &row.text(1)?, row.maybe_text(2)?.as_deref(), row.maybe_text(3)?.as_deref())
}

pub(super) fn unreadable(place: &dyn Display, error: &sqlx::Error) -> StoreError {
    StoreError(format!("{place} cannot be read: {error}"))
}

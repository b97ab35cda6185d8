//! A log that is full.

use async_trait::async_trait;
use rungs::decisions::{DecisionFilter, DecisionRecord, DecisionStore, Page, StoreError};

/// Refuses every record.
pub(crate) struct Full;

#[async_trait]
impl DecisionStore for Full {
    async fn append(&self, _: DecisionRecord) -> Result<(), StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }

    async fn get(&self, _: &str) -> Result<Option<DecisionRecord>, StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }

    async fn list(&self, _: &DecisionFilter) -> Result<Page, StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }
}

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

    async fn chain(
        &self,
        _: Option<&(String, u64)>,
        _: Option<jiff::Timestamp>,
        _: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }

    async fn add_feedback(&self, _: &rungs::decisions::Feedback) -> Result<(), StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }

    async fn feedback(&self, _: &[&str]) -> Result<Vec<rungs::decisions::Feedback>, StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }

    async fn list(&self, _: &DecisionFilter) -> Result<Page, StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }
}

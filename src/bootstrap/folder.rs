//! What was paid for: a folder with a decision log of its own.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::error::BootstrapError;
use crate::config::LogConfig;
use crate::database::{Database, Statement};
use crate::decisions::{self, DecisionFilter, DecisionRecord, DecisionStore, StoreError};
use crate::judge::jobs;
use crate::upstream::Tier;

/// The folder, held by this process alone.
pub(super) struct Folder {
    path: PathBuf,
    pub(super) store: Arc<dyn DecisionStore>,
    pub(super) database: Database,
    _lock: File,
}

/// The answers at hand, by question and tier; the unusable ones, too, which were paid for as well.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<(String, String), DecisionRecord>);

/// Where a record says which question it answers, and which model was asked.
pub(super) const QUESTION: &str = "question";
pub(super) const MODEL: &str = "model";

impl Folder {
    /// Opens the folder, or makes it, and takes back what a run that was killed had under way.
    pub(super) async fn open(path: &Path) -> Result<Self, BootstrapError> {
        let failed = |source| BootstrapError::Folder { place: path.display().to_string(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BootstrapError::Taken(path.display().to_string())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let store = decisions::open(&LogConfig::default(), path).await?;
        let database = store.database().ok_or_else(|| StoreError("the folder's log has no database".to_owned()))?;
        jobs::reclaim(&database, Timestamp::now()).await?;
        jobs::requeue(&database, &[], Timestamp::now()).await?;
        Ok(Self { path: path.to_owned(), store, database, _lock: lock })
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Everything that was answered by the models that these tiers have now.
    pub(super) async fn answers(&self, tiers: &[Tier]) -> Result<Answers, StoreError> {
        self.settled().await;
        let mut filter = DecisionFilter { limit: 1000, ..DecisionFilter::default() };
        let mut answers = Answers::default();
        loop {
            let page = self.store.list(&filter).await?;
            page.decisions.into_iter().for_each(|record| answers.add(record, tiers));
            filter.before = page.next;
            if filter.before.is_none() {
                return Ok(answers);
            }
        }
    }

    /// What all answers in it have cost, USD, as far as it is known.
    pub(super) async fn paid(&self) -> Result<f64, StoreError> {
        let sum = Statement::new("SELECT COALESCE(SUM(cost_usd), 0.0) FROM decisions");
        self.database.read(sum).await?.first().map_or(Ok(0.0), |row| row.real(0))
    }

    /// Decisions whose answers are judged.
    pub(super) async fn judged(&self) -> Result<HashSet<String>, StoreError> {
        let select = Statement::new("SELECT decision_id FROM judge_jobs WHERE state = 'done'");
        self.database.read(select).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Waits until the database has what the journal took in its place.
    async fn settled(&self) {
        while self.store.state().pending > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes what is waiting, and lets go of the folder.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        self.store.close().await
    }
}

impl Answers {
    fn add(&mut self, record: DecisionRecord, tiers: &[Tier]) {
        let said = |name: &str| record.metadata.get(name).and_then(|value| value.as_str());
        let tier = record.tier.as_deref().and_then(|name| tiers.iter().find(|tier| tier.name() == name));
        let (Some(question), Some(model), Some(tier)) = (said(QUESTION), said(MODEL), tier) else { return };
        // What another model said under this tier's name is not its answer. The newest comes first, and stays.
        if model == tier.config.model {
            self.0.entry((question.to_owned(), tier.name().to_owned())).or_insert(record);
        }
    }

    /// What a tier said to a question.
    pub(super) fn get(&self, question: &str, tier: &str) -> Option<&DecisionRecord> {
        self.0.get(&(question.to_owned(), tier.to_owned()))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DecisionRecord> {
        self.0.values()
    }
}

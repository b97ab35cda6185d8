//! Reads the whole log in the order of its chains.

mod labelled;
mod table;

pub use labelled::labelled;
pub use table::Table;

use jiff::Timestamp;
use serde::Serialize;

use super::{DecisionFilter, DecisionRecord, DecisionStore, Feedback, StoreError};
use crate::judge::{Verdict, verdicts};

/// A record as it leaves, with what was said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exported {
    /// The record.
    #[serde(flatten)]
    pub record: DecisionRecord,
    /// What was said of its answer later, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
    /// What judges said of its answers, in the order in which they did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

/// Records that are read at once.
const PAGE: u32 = 500;

/// Hands every record since then to `each`: first those without a receipt, newest first, then writer by writer in the order
/// in which they were written. `each` says whether to go on.
///
/// # Errors
/// When the log cannot be read, or `each` fails.
pub async fn export<E: From<StoreError>>(
    store: &dyn DecisionStore,
    since: Option<Timestamp>,
    mut each: impl FnMut(Exported) -> Result<(), E>,
) -> Result<(), E> {
    let mut filter = DecisionFilter { limit: PAGE, since, without_receipt: true, ..DecisionFilter::default() };
    loop {
        let page = store.list(&filter).await?;
        with_what_was_said(store, page.decisions).await?.into_iter().try_for_each(&mut each)?;
        filter.before = page.next;
        if filter.before.is_none() {
            break;
        }
    }
    let mut after = None;
    loop {
        let records = store.chain(after.as_ref(), since, PAGE).await?;
        let last = records.last().and_then(|record| record.receipt.as_ref());
        let Some(last) = last.map(|receipt| (receipt.writer.clone(), receipt.sequence)) else { return Ok(()) };
        after = Some(last);
        with_what_was_said(store, records).await?.into_iter().try_for_each(&mut each)?;
    }
}

async fn with_what_was_said(
    store: &dyn DecisionStore,
    records: Vec<DecisionRecord>,
) -> Result<Vec<Exported>, StoreError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    let feedback = store.feedback(&ids).await?;
    let verdicts = match store.database() {
        Some(database) => verdicts::about_all(&database, &ids).await?,
        None => Vec::new(),
    };
    let exported = records.into_iter().map(|record| Exported {
        feedback: feedback.iter().filter(|said| said.decision_id == record.id).cloned().collect(),
        verdicts: verdicts.iter().filter(|said| said.decision_id == record.id).cloned().collect(),
        record,
    });
    Ok(exported.collect())
}

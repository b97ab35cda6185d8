//! Judging of answers that somebody chose, all of them, and not a sampler some.

use std::collections::HashSet;

use jiff::Timestamp;

use super::call::Called;
use super::jobs;
use super::verdict::Subject;
use crate::database::{Database, Statement};
use crate::decisions::StoreError;

/// An answer to be judged.
#[derive(Debug, Clone)]
pub struct Commission {
    /// The record with the answer.
    pub decision_id: String,
    /// The highest tier's answer to the same request and the model that gave it, where it is at hand: it is not bought again.
    pub other: Option<(String, String)>,
}

/// Commissions that are written at once.
const AT_ONCE: usize = 200;

/// Has answers judged by the workers; what is judged, or waits to be, stays as it is.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn commission(database: &Database, commissions: &[Commission]) -> Result<(), StoreError> {
    let done = Statement::new("SELECT decision_id FROM judge_jobs WHERE state = 'done'");
    let done: HashSet<String> =
        database.read(done).await?.iter().map(|row| row.text(0)).collect::<Result<_, StoreError>>()?;
    let open: Vec<&Commission> = commissions.iter().filter(|one| !done.contains(&one.decision_id)).collect();
    for some in open.chunks(AT_ONCE) {
        database.transaction(some.iter().flat_map(|one| one.statements()).collect()).await?;
    }
    Ok(())
}

impl Commission {
    fn statements(&self) -> Vec<Statement> {
        let (now, subject) = (Timestamp::now(), Subject::Served);
        let job = format!("{}/{}", self.decision_id, subject.name());
        let columns = jobs::COLUMNS.join(", ");
        let insert = Statement::new(format!("INSERT INTO judge_jobs ({columns}) VALUES ("));
        let row = jobs::job(&job, &self.decision_id, subject, now);
        let mut statements = vec![insert.list(row).and(") ON CONFLICT DO NOTHING")];
        if let Some((text, model)) = &self.other {
            // It was paid for already.
            let called = Called { said: Ok(text.clone()), model: model.clone(), cost_usd: Some(0.0) };
            statements.push(called.kept(&job, &self.decision_id, super::work::ANSWER));
        }
        statements
    }
}

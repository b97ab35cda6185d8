//! What there is to judge: persistent jobs that workers take with a lease.
//!
//! A job is written in the transaction of its decision record, so that no crash loses or doubles it. A worker takes due jobs for
//! as long as it gives signs of life; one that is gone is followed by another, who goes on where verdicts and calls of the job
//! end. A verdict and the end of its job are committed together.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::verdict::Subject;
use crate::database::{Bind, Database, DbRow, Statement};
use crate::decisions::{DecisionRecord, StoreError};

/// The columns that a new job has.
pub const COLUMNS: [&str; 8] = ["id", "decision_id", "subject", "state", "due_at", "attempts", "spent_usd", "failures"];

/// A job that a worker has taken.
#[derive(Debug, Clone)]
pub struct Job {
    /// Decision and subject.
    pub id: String,
    /// The decision.
    pub decision_id: String,
    /// Which answer to it.
    pub subject: Subject,
    /// Who has it: another one each time that it is taken.
    pub owner: String,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// How many jobs are in which state.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Queue {
    /// Waiting to be begun, or to be tried again.
    pub waiting: u64,
    /// With a worker.
    pub leased: u64,
    /// Waiting for a batch.
    pub batched: u64,
    /// Judged.
    pub done: u64,
    /// Put aside after too many failures.
    pub dead: u64,
    /// Failed tries of all of them.
    pub failures: u64,
    /// What all of them cost, failed tries included, USD.
    pub spent_usd: f64,
}

/// A job that was put aside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    /// Decision and subject.
    pub id: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Why the last try failed.
    pub error: String,
}

/// The rows of a record's jobs.
pub fn rows(record: &DecisionRecord) -> Vec<Vec<Bind>> {
    let Some(sampling) = record.sampling.as_ref().filter(|sampling| !sampling.drawn.is_empty()) else {
        return Vec::new();
    };
    let subjects = [Some(Subject::Served), sampling.shadow.then_some(Subject::Shadow)];
    subjects.into_iter().flatten().map(|subject| row(&record.id, subject, record.at)).collect()
}

fn row(decision_id: &str, subject: Subject, at: Timestamp) -> Vec<Bind> {
    job(&format!("{decision_id}/{}", subject.name()), decision_id, subject, at)
}

/// A job as it begins, in the order of [`COLUMNS`].
pub(super) fn job(id: &str, decision_id: &str, subject: Subject, at: Timestamp) -> Vec<Bind> {
    vec![
        id.into(),
        decision_id.into(),
        subject.name().into(),
        "waiting".into(),
        at.into(),
        0_i64.into(),
        0.0.into(),
        0_i64.into(),
    ]
}

/// Takes up to `most` due jobs, oldest first, until `lease` from now. No two workers get the same.
pub async fn take(database: &Database, now: Timestamp, lease: Duration, most: u32) -> Result<Vec<Job>, StoreError> {
    let owner = Uuid::now_v7().to_string();
    let lock = if database.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let text = format!(
        "UPDATE judge_jobs SET state = 'leased', owner = ?, due_at = ?, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM judge_jobs WHERE state IN ('waiting', 'leased') AND due_at <= ? ORDER BY due_at LIMIT ?{lock}) \
         RETURNING id, decision_id, subject, attempts"
    );
    let take = Statement::new(text).bind(owner.as_str()).bind(later(now, lease)).bind(now).bind(i64::from(most));
    database.write(take).await?.iter().map(|row| Job::read(row, &owner)).collect()
}

/// Keeps a job for longer; false where another worker has taken it.
pub async fn keep(database: &Database, job: &Job, now: Timestamp, lease: Duration) -> Result<bool, StoreError> {
    let text = "UPDATE judge_jobs SET due_at = ? WHERE id = ? AND owner = ? AND state = 'leased'";
    let keep = Statement::new(text).bind(later(now, lease)).bind(&job.id).bind(&job.owner);
    Ok(database.execute(keep).await? > 0)
}

/// The job is judged.
pub fn done(job: &Job) -> Statement {
    let text = "UPDATE judge_jobs SET state = 'done', error = NULL WHERE id = ? AND owner = ?";
    Statement::new(text).bind(&job.id).bind(&job.owner)
}

/// The job has cost this, whoever has it now.
pub fn spent(job_id: &str, usd: f64) -> Statement {
    Statement::new("UPDATE judge_jobs SET spent_usd = spent_usd + ? WHERE id = ?").bind(usd).bind(job_id)
}

/// The job goes back without having failed: it waits for money or for a place.
pub fn give_back(job: &Job, due: Timestamp) -> Statement {
    let text =
        "UPDATE judge_jobs SET state = 'waiting', due_at = ?, attempts = attempts - 1 WHERE id = ? AND owner = ?";
    Statement::new(text).bind(due).bind(&job.id).bind(&job.owner)
}

/// The job waits for a batch.
pub fn batched(job: &Job) -> Statement {
    let text = "UPDATE judge_jobs SET state = 'batched', attempts = attempts - 1 WHERE id = ? AND owner = ?";
    Statement::new(text).bind(&job.id).bind(&job.owner)
}

/// The job failed: it is tried again from `due` on, or put aside where there is no next time.
pub fn failed(job: &Job, error: &str, due: Option<Timestamp>) -> Statement {
    let text =
        "UPDATE judge_jobs SET state = ?, due_at = ?, error = ?, failures = failures + 1 WHERE id = ? AND owner = ?";
    let state = if due.is_some() { "waiting" } else { "dead" };
    // PostgreSQL's texts cannot hold every character.
    let error: String = error.replace('\0', "\u{fffd}").chars().take(500).collect();
    Statement::new(text).bind(state).bind(due.unwrap_or(Timestamp::MIN)).bind(error).bind(&job.id).bind(&job.owner)
}

/// Brings jobs that were put aside back: all, or those of these ids or decisions. Gives their number.
///
/// # Errors
/// When the database cannot be written.
pub async fn requeue(database: &Database, ids: &[String], now: Timestamp) -> Result<u64, StoreError> {
    let mut statement =
        Statement::new("UPDATE judge_jobs SET state = 'waiting', due_at = ?, attempts = 0 WHERE state = 'dead'")
            .bind(now);
    if !ids.is_empty() {
        statement = statement.and(" AND (id IN (").list(ids).and(") OR decision_id IN (").list(ids).and("))");
    }
    database.execute(statement).await
}

/// Gives the jobs of workers back that are known to be gone. To be called only where no worker is left on this database.
///
/// # Errors
/// When the database cannot be written.
pub async fn reclaim(database: &Database, now: Timestamp) -> Result<u64, StoreError> {
    let text = "UPDATE judge_jobs SET state = 'waiting', due_at = ?, attempts = attempts - 1 WHERE state = 'leased'";
    database.execute(Statement::new(text).bind(now)).await
}

/// How many jobs there are.
///
/// # Errors
/// When the database cannot be read.
pub async fn queue(database: &Database) -> Result<Queue, StoreError> {
    let text = "SELECT state, COUNT(*), CAST(SUM(failures) AS BIGINT), SUM(spent_usd) FROM judge_jobs GROUP BY state";
    let mut queue = Queue::default();
    for row in database.read(Statement::new(text)).await? {
        let count = row.int(1)?.unsigned_abs();
        match row.text(0)?.as_str() {
            "waiting" => queue.waiting = count,
            "leased" => queue.leased = count,
            "batched" => queue.batched = count,
            "dead" => queue.dead = count,
            _ => queue.done = count,
        }
        queue.failures += row.int(2)?.unsigned_abs();
        queue.spent_usd += row.real(3)?;
    }
    Ok(queue)
}

/// Jobs that were put aside, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn dead(database: &Database, most: u32) -> Result<Vec<DeadLetter>, StoreError> {
    let text = "SELECT id, attempts, error FROM judge_jobs WHERE state = 'dead' ORDER BY id DESC LIMIT ?";
    let rows = database.read(Statement::new(text).bind(i64::from(most))).await?;
    let read = |row: &DbRow| {
        let error = row.maybe_text(2)?.unwrap_or_default();
        Ok(DeadLetter { id: row.text(0)?, attempts: row.int(1)?.unsigned_abs(), error })
    };
    rows.iter().map(read).collect()
}

/// Why a try failed that is not made good yet; `None` where none is.
///
/// # Errors
/// When the database cannot be read.
pub async fn trouble(database: &Database) -> Result<Option<String>, StoreError> {
    let text = "SELECT error FROM judge_jobs WHERE error IS NOT NULL ORDER BY attempts DESC, id DESC LIMIT 1";
    database.read(Statement::new(text)).await?.first().map_or(Ok(None), |row| row.maybe_text(0))
}

/// When the next job is due; `None` where none waits.
pub async fn next_due(database: &Database) -> Result<Option<Timestamp>, StoreError> {
    let text = "SELECT MIN(due_at) FROM judge_jobs WHERE state IN ('waiting', 'leased')";
    let rows = database.read(Statement::new(text)).await?;
    let due = rows.first().map(|row| row.maybe_int(0)).transpose()?.flatten();
    Ok(due.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}

impl Job {
    fn read(row: &DbRow, owner: &str) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text(0)?,
            decision_id: row.text(1)?,
            subject: match row.text(2)?.as_str() {
                "shadow" => Subject::Shadow,
                "anchor" => Subject::Anchor,
                _ => Subject::Served,
            },
            owner: owner.to_owned(),
            attempts: u32::try_from(row.int(3)?).unwrap_or(u32::MAX),
        })
    }
}

/// So long after a moment.
#[must_use]
pub fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

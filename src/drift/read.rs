//! The log as the monitors read it: verdicts and records in the order in which they came, each once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::sample::{Anchored, Judged, Served};
use crate::database::{Database, Statement};
use crate::decisions::{Attempt, AttemptStatus, DecisionRecord, Outcome, StoreError};
use crate::judge::{Kind, Preference, Stream, Subject, Verdict, VerdictFilter, verdicts};
use crate::policy::Cause;

/// How far the log was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The last verdict.
    pub(super) verdicts: i64,
    /// The last record of each writer.
    pub(super) writers: BTreeMap<String, i64>,
}

/// Rows that are read at once.
const PAGE: u32 = 1_000;

/// The next verdicts.
pub(super) async fn verdicts(database: &Database, cursor: &mut Cursor) -> Result<Vec<Verdict>, StoreError> {
    let filter = VerdictFilter { limit: PAGE, after: cursor.verdicts, ..VerdictFilter::default() };
    let page = verdicts::read(database, &filter).await?;
    cursor.verdicts = page.next;
    Ok(page.verdicts)
}

/// The next records of each writer, in the order in which it wrote them.
pub(super) async fn records(database: &Database, cursor: &mut Cursor) -> Result<Vec<DecisionRecord>, StoreError> {
    let mut records = Vec::new();
    for writer in writers(database).await? {
        let after = cursor.writers.get(&writer).copied().unwrap_or(0);
        let text = "SELECT sequence, record FROM decisions WHERE writer = ? AND sequence > ? ORDER BY sequence LIMIT ?";
        let statement = Statement::new(text).bind(writer.as_str()).bind(after).bind(i64::from(PAGE));
        for row in database.read(statement).await? {
            cursor.writers.insert(writer.clone(), row.int(0)?);
            let json = row.text(1)?;
            // One that a newer version wrote is not understood, and left out.
            records.extend(serde_json::from_str::<DecisionRecord>(&json));
        }
    }
    Ok(records)
}

/// Where the log ends now: what was written before the monitors began is not theirs.
pub(super) async fn end(database: &Database) -> Result<Cursor, StoreError> {
    let mut cursor = Cursor::default();
    for writer in writers(database).await? {
        let text = "SELECT MAX(sequence) FROM decisions WHERE writer = ?";
        if let Some(row) = database.read(Statement::new(text).bind(writer.as_str())).await?.first() {
            cursor.writers.insert(writer, row.maybe_int(0)?.unwrap_or(0));
        }
    }
    let last = database.read(Statement::new("SELECT MAX(seq) FROM verdicts")).await?;
    cursor.verdicts = last.first().map(|row| row.maybe_int(0)).transpose()?.flatten().unwrap_or(0);
    Ok(cursor)
}

/// All writers, one step of the index each.
async fn writers(database: &Database) -> Result<Vec<String>, StoreError> {
    let mut writers: Vec<String> = Vec::new();
    loop {
        let after = writers.last().map(String::as_str).unwrap_or_default();
        let text = "SELECT writer FROM decisions WHERE writer > ? ORDER BY writer LIMIT 1";
        match database.read(Statement::new(text).bind(after)).await?.first() {
            Some(row) => writers.push(row.text(0)?),
            None => return Ok(writers),
        }
    }
}

impl Judged {
    /// What a verdict says of a served answer; `None` for one that does not, or that somebody chose to give.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Option<Self> {
        let judged = matches!(verdict.kind, Kind::Pairwise | Kind::Rubric | Kind::Check);
        (judged && verdict.subject == Subject::Served && !verdict.second).then(|| Self {
            decision: verdict.decision_id.clone(),
            at: verdict.at,
            route: verdict.route.clone(),
            tier: verdict.tier.clone(),
            tenant: verdict.tenant.clone(),
            score: verdict.score,
            predicted: verdict.predicted,
            is_uniform: verdict.drawn.contains(&Stream::Monitor),
        })
    }
}

impl Anchored {
    /// What a verdict says of an anchor that people gave this score.
    #[must_use]
    pub fn of(verdict: &Verdict, people: f64) -> Self {
        Self { at: verdict.at, disagreement: (verdict.score - people).abs() }
    }
}

impl Served {
    /// What a record tells.
    #[must_use]
    pub fn of(record: &DecisionRecord) -> Self {
        let served = record.outcome == Outcome::Served && !record.stand_in;
        let took = SignedDuration::try_from_secs_f64(record.latency_ms / 1e3).unwrap_or_default();
        let could_climb = record.rungs.len() > 1 && record.cause != Cause::Direct && served;
        Self {
            at: record.at,
            ended: record.at.checked_add(took).unwrap_or(record.at),
            route: record.route.clone(),
            tier: record.tier.clone(),
            tenant: record.tenant.clone(),
            score: record.score,
            novelty: record.novelty,
            climbed: could_climb.then_some(record.escalations > 0),
            below_and_above: below(record).zip(record.frontier_usd),
            cost_usd: record.cost_usd.filter(|_| served),
            latency_ms: served.then_some(record.latency_ms),
            calls: record.attempts.iter().flat_map(calls).collect(),
        }
    }
}

/// What the tiers below the highest that was allowed took.
fn below(record: &DecisionRecord) -> Option<f64> {
    let top = record.rungs.last()?;
    record.attempts.iter().filter(|attempt| attempt.tier != *top).map(|attempt| attempt.cost_usd).sum()
}

/// Calls of an attempt that tell something of the endpoint: a request that was refused as such does not.
fn calls(attempt: &Attempt) -> Vec<(String, Option<String>, bool)> {
    let refused =
        |error: &str| ["status 400", "status 404", "status 413", "status 422"].iter().any(|of| error.contains(of));
    let failed = attempt.failed_calls.iter().filter(|call| !refused(&call.error));
    let mut calls: Vec<_> = failed.map(|call| (attempt.tier.clone(), Some(call.endpoint.clone()), true)).collect();
    if matches!(attempt.status, AttemptStatus::Accepted | AttemptStatus::Rejected) {
        calls.push((attempt.tier.clone(), attempt.endpoint.clone(), false));
    }
    calls
}

/// Requests of these, their cost, since then.
pub(super) async fn affected(
    database: &Database,
    scope: &crate::alert::Scope,
    since: Timestamp,
) -> Result<(i64, Option<f64>), StoreError> {
    let mut statement =
        Statement::new("SELECT COUNT(*), CAST(SUM(cost_usd) AS DOUBLE PRECISION) FROM decisions WHERE at >= ?")
            .bind(since);
    for (condition, value) in
        [(" AND route = ?", &scope.route), (" AND tier = ?", &scope.tier), (" AND tenant = ?", &scope.tenant)]
    {
        if let Some(value) = value {
            statement = statement.and(condition).bind(value.as_str());
        }
    }
    let rows = database.read(statement).await?;
    let Some(row) = rows.first() else { return Ok((0, None)) };
    Ok((row.int(0)?, row.maybe_real(1)?))
}

/// The newest decisions of these since then.
pub(super) async fn examples(
    database: &Database,
    scope: &crate::alert::Scope,
    since: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut statement = Statement::new("SELECT id FROM decisions WHERE at >= ?").bind(since);
    for (condition, value) in
        [(" AND route = ?", &scope.route), (" AND tier = ?", &scope.tier), (" AND tenant = ?", &scope.tenant)]
    {
        if let Some(value) = value {
            statement = statement.and(condition).bind(value.as_str());
        }
    }
    let rows = database.read(statement.and(" ORDER BY id DESC LIMIT 5")).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// What people say of an anchor, in [0, 1]; `None` where it is not known any more.
pub(super) async fn people(database: &Database, anchor: &str) -> Result<Option<f64>, StoreError> {
    let rows = database.read(Statement::new("SELECT anchor FROM judge_anchors WHERE id = ?").bind(anchor)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    /// What is needed of an anchor: whether people preferred its answer.
    #[derive(Deserialize)]
    struct Labelled {
        gold: Preference,
    }
    // An anchor that cannot be read tells nothing.
    Ok(serde_json::from_str::<Labelled>(&row.text(0)?).ok().map(|anchor| anchor.gold.score()))
}

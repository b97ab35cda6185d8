//! Verdicts in the database of the decision log.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Kind, Verdict};
use crate::database::{Bind, Database, Statement};
use crate::decisions::StoreError;

/// Which verdicts to read.
#[derive(Debug, Clone, Default)]
pub struct VerdictFilter {
    /// At most so many, 1 to 10,000; numbers outside are taken as the nearer end.
    pub limit: u32,
    /// Only those that came after this place (the `next` of the page before).
    pub after: i64,
    /// Only those given since then.
    pub since: Option<Timestamp>,
    /// Only those of this route.
    pub route: Option<String>,
    /// Only those of this tier's answers.
    pub tier: Option<String>,
    /// Only those about requests that this artifact scored.
    pub model_version: Option<String>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
}

/// A page of verdicts in the order in which they came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictPage {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// Pass as `after` to go on, now or later: no verdict ever appears before a place that was read.
    pub next: i64,
}

/// Reads a page of verdicts. What several routers write at once is serialised, so that a reader who goes on from `next` misses
/// none.
///
/// # Errors
/// When the database cannot be read, or holds what is no verdict.
pub async fn read(database: &Database, filter: &VerdictFilter) -> Result<VerdictPage, StoreError> {
    let mut text = "SELECT seq, verdict FROM verdicts WHERE seq > ?".to_owned();
    let labels = [
        ("route", filter.route.clone()),
        ("tier", filter.tier.clone()),
        ("model_version", filter.model_version.clone()),
        ("kind", filter.kind.map(|kind| kind.name().to_owned())),
    ];
    let labels: Vec<_> = labels.into_iter().filter_map(|(column, value)| Some((column, value?))).collect();
    labels.iter().for_each(|(column, _)| text.push_str(&format!(" AND {column} = ?")));
    if filter.since.is_some() {
        text.push_str(" AND at >= ?");
    }
    text.push_str(" ORDER BY seq LIMIT ?");
    let mut statement = Statement::new(text).bind(filter.after);
    for (_, value) in labels {
        statement = statement.bind(column(Some(&value)));
    }
    if let Some(since) = filter.since {
        statement = statement.bind(since.as_microsecond());
    }
    let rows = database.read(statement.bind(i64::from(filter.limit.clamp(1, 10_000)))).await?;
    let mut page = VerdictPage { verdicts: Vec::with_capacity(rows.len()), next: filter.after };
    for row in rows {
        page.next = row.int(0)?;
        page.verdicts.push(parse(&row.text(1)?)?);
    }
    Ok(page)
}

/// The verdicts about one decision, oldest first.
///
/// # Errors
/// As for [`read`].
pub async fn about(database: &Database, decision_id: &str) -> Result<Vec<Verdict>, StoreError> {
    let text = "SELECT verdict FROM verdicts WHERE decision_id = ? ORDER BY seq";
    let rows = database.read(Statement::new(text).bind(decision_id)).await?;
    rows.iter().map(|row| parse(&row.text(0)?)).collect()
}

/// The verdicts about some decisions, a thousand at most, oldest first.
///
/// # Errors
/// As for [`read`].
pub async fn about_all(database: &Database, decisions: &[&str]) -> Result<Vec<Verdict>, StoreError> {
    let select = Statement::new("SELECT verdict FROM verdicts WHERE decision_id IN (").list(decisions.iter().copied());
    let rows = database.read(select.and(") ORDER BY seq")).await?;
    rows.iter().map(|row| parse(&row.text(0)?)).collect()
}

/// The statements that add a verdict, to be part of one transaction. One about the same answer by the same judge in the same
/// order, and feedback that is there already, changes nothing.
///
/// # Errors
/// When it holds a number that is not finite.
pub fn insert(database: &Database, verdict: &Verdict) -> Result<Vec<Statement>, StoreError> {
    let json = serde_json::to_string(verdict).map_err(|error| StoreError(format!("verdict: {error}")))?;
    let text = "INSERT INTO verdicts (id, about, decision_id, at, route, tier, model_version, kind, subject, score, verdict) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let insert = Statement::new(text)
        .bind(verdict.id.as_str())
        .bind(verdict.key())
        .bind(verdict.decision_id.as_str())
        .bind(verdict.at.as_microsecond())
        .bind(column(verdict.route.as_deref()))
        .bind(column(verdict.tier.as_deref()))
        .bind(column(verdict.model_version.as_deref()))
        .bind(verdict.kind.name())
        .bind(verdict.subject.name())
        .bind(verdict.score)
        .bind(json);
    // Places are given before a transaction commits: without the lock a later one could be seen first.
    let lock = Statement::new("SELECT pg_advisory_xact_lock(7236100171)");
    Ok(if database.is_postgres() { vec![lock, insert] } else { vec![insert] })
}

/// Adds a verdict.
///
/// # Errors
/// When the database cannot be written, or the verdict holds a number that is not finite.
pub async fn add(database: &Database, verdict: &Verdict) -> Result<(), StoreError> {
    database.transaction(insert(database, verdict)?).await.map(drop)
}

impl Verdict {
    /// What there is one verdict about.
    fn key(&self) -> String {
        let order = self.order.map_or("-", |order| order.name());
        match self.kind {
            Kind::Feedback => self.id.clone(),
            Kind::Anchor => {
                let by = |word: &Option<String>| word.clone().unwrap_or_default();
                // Judged again on another day it is another verdict: judges change.
                let day = self.at.to_zoned(TimeZone::UTC).date();
                format!("{}/{}/{}/{day}/{order}", self.decision_id, by(&self.judge), by(&self.prompt))
            }
            Kind::Pairwise | Kind::Rubric | Kind::Check => {
                format!("{}/{}/{order}", self.decision_id, self.subject.name())
            }
        }
    }
}

/// A copy of a word that clients choose, as both engines can hold it.
fn column(word: Option<&str>) -> Bind {
    word.map(|word| word.replace('\0', "\u{fffd}")).as_deref().into()
}

fn parse(json: &str) -> Result<Verdict, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError(format!("a stored verdict cannot be read: {error}")))
}

//! The SQL of the registry.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::entry::{Attempt, Entry, State};
use crate::database::Statement;
use crate::decisions::StoreError;
use crate::difficulty::Artifact;

/// Entries, in the columns that [`Entry::read`] expects, with more of the statement.
pub(super) fn entries(more: &str) -> Statement {
    let columns = "version, state, origin, parent, previous, created_at, changed_at, lineage, report";
    let kept = "CASE WHEN artifact IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END";
    Statement::new(format!("SELECT {columns}, {kept} FROM models{more}"))
}

/// Adds a model; one that is there gets its content back, where that was let go, and what the gate says now.
pub(super) fn insert(entry: &Entry, artifact: &Artifact, report: Option<&Value>) -> Result<Statement, StoreError> {
    let failed = |error: &dyn std::fmt::Display| StoreError(format!("model {}: {error}", entry.version));
    let bytes = artifact.to_bytes().map_err(|error| failed(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(&error))?;
    let lineage = serde_json::to_string(&entry.lineage).map_err(|error| failed(&error))?;
    let insert = "INSERT INTO models (version, state, origin, parent, created_at, changed_at, lineage, report, artifact) \
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (version) DO UPDATE SET artifact = excluded.artifact, \
                  report = COALESCE(excluded.report, models.report)";
    Ok(Statement::new(insert)
        .bind(&entry.version)
        .bind(entry.state.name())
        .bind(entry.origin.name())
        .bind(entry.parent.as_deref())
        .bind(entry.created_at)
        .bind(entry.changed_at)
        .bind(lineage)
        .bind(report.map(Value::to_string).as_deref())
        .bind(text))
}

/// Brings a model into a state.
pub(super) fn set(version: &str, state: State) -> Statement {
    let update = "UPDATE models SET state = ?, changed_at = ? WHERE version = ?";
    Statement::new(update).bind(state.name()).bind(Timestamp::now()).bind(version)
}

/// Writes a change of state down.
pub(super) fn change(version: &str, state: State, who: &str, reason: &str) -> Statement {
    let insert = "INSERT INTO model_changes (id, at, version, state, who, reason) VALUES (?, ?, ?, ?, ?, ?)";
    let id = Uuid::now_v7().to_string();
    Statement::new(insert).bind(id).bind(Timestamp::now()).bind(version).bind(state.name()).bind(who).bind(reason)
}

/// Makes a model the champion in place of `before`. Where another one has become it meanwhile, the schema forbids a second
/// and the transaction fails.
pub(super) fn promotion(version: &str, before: Option<&str>, who: &str, reason: &str) -> Vec<Statement> {
    let previous = Statement::new("UPDATE models SET previous = ? WHERE version = ?").bind(before).bind(version);
    let mut statements = replace(version, before, who, reason);
    statements.push(previous);
    statements
}

/// The same for one that was the champion before: it keeps what it replaced then.
pub(super) fn rollback(version: &str, before: &str, who: &str, reason: &str) -> Vec<Statement> {
    replace(version, Some(before), who, reason)
}

fn replace(version: &str, before: Option<&str>, who: &str, reason: &str) -> Vec<Statement> {
    let retired = before.into_iter().flat_map(|before| {
        let reason = format!("{version} takes its place: {reason}");
        let retire = "UPDATE models SET state = 'retired', changed_at = ? WHERE version = ? AND state = 'champion'";
        [Statement::new(retire).bind(Timestamp::now()).bind(before), change(before, State::Retired, who, &reason)]
    });
    retired.chain([set(version, State::Champion), change(version, State::Champion, who, reason)]).collect()
}

/// Ends whatever is on trial: it was held against another champion, or gives way to a newer one.
pub(super) fn end_trials() -> Statement {
    let update = "UPDATE models SET state = 'retired', changed_at = ? WHERE state IN ('shadow', 'canary')";
    Statement::new(update).bind(Timestamp::now())
}

pub(super) fn attempt(attempt: &Attempt) -> Statement {
    let insert = "INSERT INTO retrain_attempts (id, at, champion, challenger, outcome, reason, report) \
                  VALUES (?, ?, ?, ?, ?, ?, ?)";
    Statement::new(insert)
        .bind(&attempt.id)
        .bind(attempt.at)
        .bind(&attempt.champion)
        .bind(attempt.challenger.as_deref())
        .bind(attempt.outcome.name())
        .bind(&attempt.reason)
        .bind(attempt.report.to_string())
}

/// Lets go of the content of all but the newest retired models and challengers, and of none that a rollback goes to.
pub(super) fn prune(kept: i64) -> Statement {
    let update = "UPDATE models SET artifact = NULL WHERE state IN ('retired', 'challenger') AND version NOT IN \
                  (SELECT version FROM models WHERE state IN ('retired', 'challenger') ORDER BY changed_at DESC LIMIT ?) \
                  AND version NOT IN (SELECT previous FROM models WHERE state = 'champion' AND previous IS NOT NULL)";
    Statement::new(update).bind(kept)
}

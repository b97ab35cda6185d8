//! Alerts, silences and signals in the database.

use jiff::Timestamp;

use super::life::Alert;
use super::silence::Silence;
use super::{Fingerprint, Signal};
use crate::database::{Database, DbRow, Statement};
use crate::decisions::StoreError;

/// A signal that waits to be taken in.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) signal: Signal,
}

/// Which alerts to list.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// At most so many, 1 to 1000.
    pub limit: u32,
    /// Only alerts older than this id.
    pub before: Option<String>,
    /// Only those with this status.
    pub status: Option<String>,
}

/// The oldest signals. One that a newer version wrote and this one cannot read is left out.
pub(super) async fn signals(database: &Database, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let statement = Statement::new("SELECT id, signal FROM alert_signals ORDER BY id LIMIT ?").bind(limit);
    let mut waiting = Vec::new();
    for row in database.read(statement).await? {
        waiting.push(Waiting { id: row.text(0)?, signal: json(&row.text(1)?)? });
    }
    Ok(waiting)
}

pub(super) fn delete_signal(id: &str) -> Statement {
    Statement::new("DELETE FROM alert_signals WHERE id = ?").bind(id)
}

/// The alerts that still live: open ones, and those whose end may yet have to be told.
pub(super) async fn living(database: &Database, since: Timestamp) -> Result<Vec<Alert>, StoreError> {
    let statement = Statement::new(
        "SELECT alert FROM alerts WHERE status IN ('pending', 'firing') OR (status = 'resolved' AND updated_at >= ?) \
         ORDER BY id",
    );
    alerts(database.read(statement.bind(since)).await?)
}

/// The newest alert of a fingerprint.
pub(super) async fn newest(database: &Database, of: &Fingerprint) -> Result<Option<Alert>, StoreError> {
    let text = "SELECT alert FROM alerts WHERE fingerprint = ? ORDER BY id DESC LIMIT 1";
    Ok(alerts(database.read(Statement::new(text).bind(of.as_str())).await?)?.pop())
}

/// One alert.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(database: &Database, id: &str) -> Result<Option<Alert>, StoreError> {
    let statement = Statement::new("SELECT alert FROM alerts WHERE id = ?").bind(id);
    Ok(alerts(database.read(statement).await?)?.pop())
}

/// Alerts, newest first, and the `before` of the next page.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(database: &Database, filter: &AlertFilter) -> Result<(Vec<Alert>, Option<String>), StoreError> {
    let limit = filter.limit.clamp(1, 1000);
    let mut statement = Statement::new("SELECT alert FROM alerts WHERE id > ''");
    for (condition, value) in [(" AND id < ?", &filter.before), (" AND status = ?", &filter.status)] {
        if let Some(value) = value {
            statement = statement.and(condition).bind(value.as_str());
        }
    }
    let statement = statement.and(" ORDER BY id DESC LIMIT ?").bind(i64::from(limit) + 1);
    let mut found = alerts(database.read(statement).await?)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id.clone());
    Ok((found, next))
}

/// The alerts that are open, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(database: &Database) -> Result<Vec<Alert>, StoreError> {
    let text = "SELECT alert FROM alerts WHERE status IN ('pending', 'firing') ORDER BY id";
    alerts(database.read(Statement::new(text)).await?)
}

pub(super) fn save(alert: &Alert, now: Timestamp) -> Result<Statement, StoreError> {
    let text = "INSERT INTO alerts (id, fingerprint, status, updated_at, alert) VALUES (?, ?, ?, ?, ?) \
                ON CONFLICT (id) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at, \
                alert = excluded.alert";
    let statement = Statement::new(text).bind(alert.id.as_str()).bind(alert.fingerprint.as_str());
    Ok(statement.bind(alert.status.name()).bind(now).bind(text_of(alert)?))
}

/// The silences that are not over.
///
/// # Errors
/// When the database cannot be read.
pub async fn silences(database: &Database, now: Timestamp) -> Result<Vec<Silence>, StoreError> {
    let statement = Statement::new("SELECT silence FROM silences WHERE ends_at > ? ORDER BY id").bind(now);
    database.read(statement).await?.iter().map(|row| json(&row.text(0)?)).collect()
}

/// Keeps alerts quiet from now on.
///
/// # Errors
/// When the database cannot be written.
pub async fn silence(database: &Database, silence: &Silence) -> Result<(), StoreError> {
    let statement = Statement::new("INSERT INTO silences (id, ends_at, silence) VALUES (?, ?, ?)");
    let statement = statement.bind(silence.id.as_str()).bind(silence.ends_at).bind(text_of(silence)?);
    database.execute(statement).await.map(drop)
}

/// Ends a silence; false where there is none of this id.
///
/// # Errors
/// When the database cannot be written.
pub async fn end_silence(database: &Database, id: &str) -> Result<bool, StoreError> {
    Ok(database.execute(Statement::new("DELETE FROM silences WHERE id = ?").bind(id)).await? > 0)
}

/// Deletes what is over since then: alerts and silences.
pub(super) fn expire(since: Timestamp) -> [Statement; 2] {
    [
        Statement::new("DELETE FROM alerts WHERE status = 'resolved' AND updated_at < ?").bind(since),
        Statement::new("DELETE FROM silences WHERE ends_at < ?").bind(since),
    ]
}

fn alerts(rows: Vec<DbRow>) -> Result<Vec<Alert>, StoreError> {
    rows.iter().map(|row| json(&row.text(0)?)).collect()
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError(format!("a stored alert cannot be read: {error}")))
}

fn text_of(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError(format!("an alert cannot be stored: {error}")))
}

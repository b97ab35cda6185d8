//! The monitors' state in the database: a row for each monitor, and one for what is beside them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Family, Key};
use super::monitors::{Monitors, Notes};
use super::pace::Pace;
use super::read::{self, Cursor};
use super::status::Status;
use super::versions::{Standing, Versions};
use crate::config::DriftConfig;
use crate::database::{Database, Statement};
use crate::decisions::{DecisionRecord, StoreError};
use crate::judge::Verdict;

/// All that a leader takes over from the one before.
#[derive(Debug)]
pub struct State {
    pub(super) monitors: Monitors,
    pub(super) cursor: Cursor,
    pub(super) versions: Versions,
    /// The last acknowledgement that was taken in.
    pub(super) acknowledged: Timestamp,
    /// Whether nothing of it is stored yet.
    pub(super) is_new: bool,
    pace: Pace,
    status: Vec<Status>,
}

/// What is beside the monitors, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    config: DriftConfig,
    cursor: Cursor,
    versions: Versions,
    acknowledged: Timestamp,
    pace: Pace,
    notes: Notes,
}

/// The row of what is beside the monitors.
const BESIDE: &str = "beside";

/// The row of what is told of the monitors.
const STATUS: &str = "status";

/// What the monitors are doing, as the leader last wrote it.
///
/// # Errors
/// When the database cannot be read.
pub async fn status(database: &Database) -> Result<Vec<Status>, StoreError> {
    let Some(json) = row(database, STATUS).await? else { return Ok(Vec::new()) };
    serde_json::from_str(&json).map_err(|error| unreadable(STATUS, &error))
}

/// What is stored; monitors that have seen nothing where there is nothing, or where `[drift]` has changed since. What was in the
/// log before the first start is left out.
pub(super) async fn load(database: &Database, config: &DriftConfig) -> Result<State, StoreError> {
    let beside = match row(database, BESIDE).await? {
        Some(json) => Some(serde_json::from_str::<Beside>(&json).map_err(|error| unreadable(BESIDE, &error))?),
        None => None,
    };
    let mut monitors = Monitors::new(config.clone());
    let status = status(database).await?;
    let Some(beside) = beside else {
        let cursor = read::end(database).await?;
        let (versions, pace) = (Versions::default(), Pace::default());
        return Ok(State { monitors, cursor, versions, acknowledged: Timestamp::now(), is_new: true, pace, status });
    };
    let Beside { cursor, versions, acknowledged, pace, notes, .. } = beside;
    if beside.config == *config {
        monitors.notes = notes;
        for row in database.read(Statement::new("SELECT name, state FROM monitors WHERE name LIKE '{%'")).await? {
            let (name, state) = (row.text(0)?, row.text(1)?);
            restore(&mut monitors, &name, &state).map_err(|error| unreadable(&name, &error))?;
        }
    } else {
        tracing::warn!("[drift] has changed: the monitors learn what is normal anew");
        database.execute(Statement::new("DELETE FROM monitors WHERE name LIKE '{%'")).await?;
    }
    Ok(State { monitors, cursor, versions, acknowledged, is_new: false, pace, status })
}

fn restore(monitors: &mut Monitors, name: &str, state: &str) -> Result<(), serde_json::Error> {
    let key: Key = serde_json::from_str(name)?;
    match key.family {
        Family::Calibration => monitors.calibrated.restore(key, state),
        Family::Inputs => monitors.inputs.restore(key, state),
        Family::Economics => monitors.economics.restore(key, state),
        Family::Cost | Family::Latency => monitors.hours.restore(key, state),
        Family::Quality | Family::Judge | Family::Novelty | Family::Escalation | Family::Upstream => {
            monitors.rates.restore(key, state)
        }
    }
}

impl State {
    /// Takes a sample's artifact; where another one has taken over, the monitors learn anew what is normal for it.
    pub(super) fn sees(&mut self, version: Option<&str>, _now: Timestamp) -> Standing {
        let standing = self.versions.see(version);
        if standing == Standing::TookOver {
            tracing::info!(version, "another artifact serves: the monitors learn what is normal for it");
            self.monitors.forget_the_artifact();
        }
        standing
    }

    /// Counts how much comes a day.
    pub(super) fn count(&mut self, records: &[DecisionRecord], verdicts: &[Verdict], now: Timestamp) {
        self.pace.count(records.len() as u64, verdicts.len() as u64, now);
    }

    /// The statements that store what has changed.
    pub(super) fn save(&mut self, now: Timestamp) -> Result<Vec<Statement>, StoreError> {
        let failed = |error: serde_json::Error| StoreError(format!("a monitor cannot be stored: {error}"));
        let mut rows = Vec::new();
        rows.extend(self.monitors.rates.take_changed().map_err(failed)?);
        rows.extend(self.monitors.calibrated.take_changed().map_err(failed)?);
        rows.extend(self.monitors.inputs.take_changed().map_err(failed)?);
        rows.extend(self.monitors.economics.take_changed().map_err(failed)?);
        rows.extend(self.monitors.hours.take_changed().map_err(failed)?);
        let pace = &self.pace;
        if !rows.is_empty() {
            self.status = self.monitors.status(|key| pace.per_day(key.family), &self.status);
        }
        let beside = Beside {
            config: self.monitors.config.clone(),
            cursor: self.cursor.clone(),
            versions: self.versions.clone(),
            acknowledged: self.acknowledged,
            pace: self.pace.clone(),
            notes: self.monitors.notes.clone(),
        };
        rows.push((BESIDE.to_owned(), serde_json::to_string(&beside).map_err(failed)?));
        rows.push((STATUS.to_owned(), serde_json::to_string(&self.status).map_err(failed)?));
        Ok(rows.into_iter().map(|(name, state)| save(&name, state, now)).collect())
    }
}

fn save(name: &str, state: String, now: Timestamp) -> Statement {
    let text = "INSERT INTO monitors (name, updated_at, state) VALUES (?, ?, ?) \
                ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at, state = excluded.state";
    Statement::new(text).bind(name).bind(now).bind(state)
}

async fn row(database: &Database, name: &str) -> Result<Option<String>, StoreError> {
    let rows = database.read(Statement::new("SELECT state FROM monitors WHERE name = ?").bind(name)).await?;
    rows.first().map(|row| row.text(0)).transpose()
}

fn unreadable(name: &str, error: &serde_json::Error) -> StoreError {
    StoreError(format!("the stored monitor {name} cannot be read: {error}"))
}

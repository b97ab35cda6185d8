//! Deliveries in the database: what each receiver is still to be told.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::alert::group::Message;
use crate::config::{ReceiverConfig, ReceiverKind};
use crate::database::{Database, DbRow, Statement};
use crate::decisions::StoreError;

/// A delivery that is to be tried now.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What the receiver sees as `webhook-id`: the same each time.
    pub id: String,
    /// The receiver's name.
    pub receiver: String,
    /// What it is told.
    pub message: Message,
    /// Attempts, this one included.
    pub attempts: usize,
}

/// How a delivery stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivered {
    /// Its id.
    pub id: String,
    /// The receiver's name.
    pub receiver: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// Attempts so far.
    pub attempts: i64,
    /// When the next one is due, while it is pending.
    pub next_at: Option<Timestamp>,
    /// The last HTTP status.
    pub status: Option<i64>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// How long an attempt is left to whoever has claimed it; after that its process is taken to be gone.
const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// The statements that put a message into a receiver's queue: one delivery, or one for each alert where its format holds one.
/// The ids depend on what is told alone, so that the same is not told twice.
pub(in crate::alert) fn enqueue(
    receiver: &ReceiverConfig,
    message: &Message,
    now: Timestamp,
) -> Result<Vec<Statement>, StoreError> {
    messages(receiver, message).iter().map(|message| insert(&receiver.name, message, now)).collect()
}

/// What of a message a receiver wants to be told, in as many messages as its format takes.
pub(in crate::alert) fn messages(receiver: &ReceiverConfig, message: &Message) -> Vec<Message> {
    let wanted = |name: &String| receiver.only.is_empty() || receiver.only.contains(name);
    let mut message = message.clone();
    message.alerts.retain(|alert| alert.labels.get("alertname").is_some_and(wanted));
    let mut messages = if receiver.kind == ReceiverKind::Pagerduty {
        message.alerts.iter().map(|alert| Message { alerts: vec![alert.clone()], ..message.clone() }).collect()
    } else {
        vec![message]
    };
    messages.retain(|message| !message.alerts.is_empty());
    messages
}

fn insert(receiver: &str, message: &Message, now: Timestamp) -> Result<Statement, StoreError> {
    let json = serde_json::to_string(message).map_err(|error| StoreError(format!("a message: {error}")))?;
    let text = "INSERT INTO deliveries (id, receiver, state, attempts, next_at, leased_until, message) \
                VALUES (?, ?, 'pending', 0, ?, 0, ?) ON CONFLICT DO NOTHING";
    Ok(Statement::new(text).bind(id(receiver, message)).bind(receiver).bind(now).bind(json))
}

fn id(receiver: &str, message: &Message) -> String {
    let mut hash = Sha256::new_with_prefix(receiver);
    for alert in &message.alerts {
        hash.update(format!("|{}|{}|{}", alert.id, alert.status.name(), alert.times));
    }
    format!("msg_{}", hex::encode(&hash.finalize()[..16]))
}

/// Claims deliveries that are due to these receivers: nobody else tries them until the lease is over.
///
/// # Errors
/// When the database cannot be written.
pub async fn claim(
    database: &Database,
    receivers: &[&str],
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Delivery>, StoreError> {
    if receivers.is_empty() {
        return Ok(Vec::new());
    }
    let text = "UPDATE deliveries SET attempts = attempts + 1, leased_until = ? WHERE id IN (SELECT id FROM deliveries \
                WHERE state = 'pending' AND next_at <= ? AND leased_until <= ? AND receiver IN (";
    let until = now.checked_add(LEASE).unwrap_or(now);
    let statement = Statement::new(text).bind(until).bind(now).bind(now).list(receivers.iter().copied());
    let lock = if database.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let statement = statement.and(") ORDER BY next_at LIMIT ?").bind(limit).and(lock);
    let claimed = database.write(statement.and(") RETURNING id, receiver, message, attempts")).await?;
    claimed.iter().map(read).collect()
}

fn read(row: &DbRow) -> Result<Delivery, StoreError> {
    let unreadable = |error| StoreError(format!("a stored message cannot be read: {error}"));
    Ok(Delivery {
        id: row.text(0)?,
        receiver: row.text(1)?,
        message: serde_json::from_str(&row.text(2)?).map_err(unreadable)?,
        attempts: usize::try_from(row.int(3)?).unwrap_or(usize::MAX),
    })
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Settled {
    Delivered { status: u16 },
    Again { at: Timestamp, status: Option<u16>, error: String },
    Dead { status: Option<u16>, error: String },
}

pub(super) async fn settle(database: &Database, id: &str, result: &Settled) -> Result<(), StoreError> {
    let (state, at, status, error) = match result {
        Settled::Delivered { status } => ("delivered", Timestamp::now(), Some(*status), None),
        Settled::Again { at, status, error } => ("pending", *at, *status, Some(error.as_str())),
        Settled::Dead { status, error } => ("dead", Timestamp::now(), *status, Some(error.as_str())),
    };
    let text = "UPDATE deliveries SET state = ?, next_at = ?, leased_until = 0, status = ?, error = ? WHERE id = ?";
    let statement = Statement::new(text).bind(state).bind(at).bind(status.map(i64::from)).bind(error);
    database.execute(statement.bind(id)).await.map(drop)
}

/// A receiver has said that it is gone: it is told nothing until somebody redelivers or enables it.
pub(super) async fn disable(database: &Database, receiver: &str, now: Timestamp) -> Result<(), StoreError> {
    let gone = Statement::new("INSERT INTO receivers_gone (name, at) VALUES (?, ?) ON CONFLICT DO NOTHING");
    let dead = Statement::new(
        "UPDATE deliveries SET state = 'dead', error = 'the receiver is gone (410)' WHERE receiver = ? AND state = 'pending'",
    );
    database.transaction(vec![gone.bind(receiver).bind(now), dead.bind(receiver)]).await.map(drop)
}

/// The receivers that have said that they are gone.
///
/// # Errors
/// When the database cannot be read.
pub async fn gone(database: &Database) -> Result<HashSet<String>, StoreError> {
    database.read(Statement::new("SELECT name FROM receivers_gone")).await?.iter().map(|row| row.text(0)).collect()
}

/// A receiver is there again; false where it never was gone.
///
/// # Errors
/// When the database cannot be written.
pub async fn enable(database: &Database, receiver: &str) -> Result<bool, StoreError> {
    Ok(database.execute(Statement::new("DELETE FROM receivers_gone WHERE name = ?").bind(receiver)).await? > 0)
}

/// Deliveries, newest first; only those of this state where one is given.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(database: &Database, state: Option<&str>, limit: i64) -> Result<Vec<Delivered>, StoreError> {
    let mut statement =
        Statement::new("SELECT id, receiver, state, attempts, next_at, status, error FROM deliveries WHERE id > ''");
    if let Some(state) = state {
        statement = statement.and(" AND state = ?").bind(state);
    }
    let rows = database.read(statement.and(" ORDER BY next_at DESC LIMIT ?").bind(limit)).await?;
    let read = |row: &DbRow| {
        let state = row.text(2)?;
        let next_at = Timestamp::from_microsecond(row.int(4)?).ok().filter(|_| state == "pending");
        Ok(Delivered {
            id: row.text(0)?,
            receiver: row.text(1)?,
            state,
            attempts: row.int(3)?,
            next_at,
            status: row.maybe_int(5)?,
            error: row.maybe_text(6)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Tries deliveries anew from now on: this one, or all that are dead. Their receivers count as there again. Gives their number.
///
/// # Errors
/// When the database cannot be written.
pub async fn redeliver(database: &Database, id: Option<&str>, now: Timestamp) -> Result<u64, StoreError> {
    let condition = |text: &str| match id {
        Some(id) => Statement::new(format!("{text} id = ?")).bind(id),
        None => Statement::new(format!("{text} state = 'dead'")),
    };
    let there = "DELETE FROM receivers_gone WHERE name IN (SELECT receiver FROM deliveries WHERE";
    let again = "UPDATE deliveries SET state = 'pending', attempts = 0, leased_until = 0, next_at = ? WHERE";
    let again = match id {
        Some(id) => Statement::new(format!("{again} id = ?")).bind(now).bind(id),
        None => Statement::new(format!("{again} state = 'dead'")).bind(now),
    };
    let done = database.transaction(vec![condition(there).and(")"), again]).await?;
    Ok(done.last().map_or(0, |done| done.changed))
}

/// Deletes deliveries that are over since then.
pub(in crate::alert) fn expire(since: Timestamp) -> Statement {
    Statement::new("DELETE FROM deliveries WHERE state <> 'pending' AND next_at < ?").bind(since)
}

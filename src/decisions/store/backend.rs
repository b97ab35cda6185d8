//! What an engine has to be able to do, and what both share of talking to it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::database::HasStatementCache;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Encode, Type};

use super::StoreError;
use super::keeper::Sink;
use super::row::{Bind, assemble};
use super::sql::Statement;
use crate::decisions::DecisionRecord;

/// A database that holds the log.
#[async_trait]
pub(super) trait Backend: Sink {
    /// Reads rows of `id`, a JSON text, and two more texts or nothing.
    async fn select(&self, statement: Statement) -> Result<Vec<Texts>, StoreError>;

    /// Changes something; gives the number of rows.
    async fn execute(&self, statement: Statement) -> Result<u64, StoreError>;

    /// What has to be done every now and then: room for what comes, and whole pieces dropped of what is older than
    /// `keep_since`. Nothing, for most.
    async fn upkeep(&self, _now: Timestamp, _keep_since: Option<Timestamp>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Closes its connections.
    async fn close(&self);
}

/// A row as it is stored.
#[derive(Debug)]
pub(super) struct Texts {
    id: String,
    pub(super) json: String,
    request: Option<String>,
    answer: Option<String>,
}

impl Texts {
    /// Reads a row; `place` is what an error calls the store.
    pub(super) fn read<'r, R: sqlx::Row>(row: &'r R, place: &dyn std::fmt::Display) -> Result<Self, StoreError>
    where
        usize: ColumnIndex<R>,
        String: Decode<'r, R::Database> + Type<R::Database>,
        Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    {
        let read = |error| unreadable(place, &error);
        Ok(Self {
            id: row.try_get(0).map_err(read)?,
            json: row.try_get(1).map_err(read)?,
            request: row.try_get(2).map_err(read)?,
            answer: row.try_get(3).map_err(read)?,
        })
    }

    /// The record, where the row is one.
    pub(super) fn record(self) -> Result<DecisionRecord, StoreError> {
        assemble(&self.id, &self.json, self.request.as_deref(), self.answer.as_deref())
    }
}

/// A statement with its values; `text` is its text in the engine's own form.
pub(super) fn query<DB: Database + HasStatementCache>(
    text: String,
    binds: Vec<Bind>,
) -> Query<'static, DB, DB::Arguments>
where
    Option<Arc<str>>: Encode<'static, DB> + Type<DB>,
    Option<i64>: Encode<'static, DB> + Type<DB>,
    Option<f64>: Encode<'static, DB> + Type<DB>,
    bool: Encode<'static, DB> + Type<DB>,
{
    let mut query = sqlx::query(AssertSqlSafe(text));
    for bind in binds {
        query = match bind {
            Bind::Text(text) => query.bind(text),
            Bind::Int(n) => query.bind(n),
            Bind::Real(x) => query.bind(x),
            Bind::Bool(yes) => query.bind(yes),
        };
    }
    // The text differs with the number of rows: preparing it for later would fill the cache with strangers.
    query.persistent(false)
}

pub(super) fn unreadable(place: &dyn std::fmt::Display, error: &sqlx::Error) -> StoreError {
    StoreError(format!("{place} cannot be read: {error}"))
}

//! A row of either engine.

use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row, Type};

use crate::decisions::StoreError;

/// A row, read by the places of its columns, from 0. Each reading fails where there is no such column or it is of another type.
#[derive(Debug)]
pub enum DbRow {
    /// Of a SQLite file.
    Sqlite(SqliteRow),
    /// Of a PostgreSQL database.
    Postgres(PgRow),
}

impl DbRow {
    /// A text.
    ///
    /// # Errors
    /// When it is not one.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.get(column)
    }

    /// A text or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub fn maybe_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    /// A whole number: a `BIGINT`. PostgreSQL's sums are of other types and have to be cast.
    ///
    /// # Errors
    /// When it is not one.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.get(column)
    }

    /// A whole number or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// A number: a `DOUBLE PRECISION`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn real(&self, column: usize) -> Result<f64, StoreError> {
        self.get(column)
    }

    /// A number or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub fn maybe_real(&self, column: usize) -> Result<Option<f64>, StoreError> {
        self.get(column)
    }

    /// Yes or no: a `BOOLEAN`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        self.get(column)
    }

    fn get<T>(&self, column: usize) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        let read = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        read.map_err(|error| StoreError(format!("a row cannot be read: {error}")))
    }
}

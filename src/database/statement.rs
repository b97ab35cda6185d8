//! SQL text that both engines share but for the placeholders, and what to bind.

use std::sync::Arc;

use sqlx::database::HasStatementCache;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Encode, Type};

/// SQL with `?` for each value, on either engine; a text may hold no other `?`. The text is made of constants alone: every
/// value is bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub(crate) text: String,
    pub(crate) binds: Vec<Bind>,
}

/// A value to bind, in the types that SQLite and PostgreSQL share; times are microseconds since 1970. Text is shared,
/// because a write may be repeated.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    /// `TEXT`.
    Text(Option<Arc<str>>),
    /// `BIGINT`.
    Int(Option<i64>),
    /// `DOUBLE PRECISION`.
    Real(Option<f64>),
    /// `BOOLEAN`.
    Bool(bool),
}

impl Statement {
    /// A statement of this text, whose values are bound next.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), binds: Vec::new() }
    }

    /// The value of the next `?` that the text has already.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Bind>) -> Self {
        self.binds.push(value.into());
        self
    }

    /// Appends to the text.
    #[must_use]
    pub fn and(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends `?, ?, …` with these values.
    #[must_use]
    pub fn list(mut self, values: impl IntoIterator<Item = impl Into<Bind>>) -> Self {
        for (i, value) in values.into_iter().enumerate() {
            self.text.push_str(if i == 0 { "" } else { ", " });
            self.value(value.into());
        }
        self
    }

    /// Appends `?` with its value.
    pub(crate) fn value(&mut self, value: Bind) {
        self.binds.push(value);
        // Not `?1` or `$1`: SQLite searches numbered placeholders one by one, which takes seconds for thousands.
        self.text.push('?');
    }

    /// As SQLite takes it.
    pub(crate) fn positional<DB: Database + HasStatementCache>(self) -> Query<'static, DB, DB::Arguments>
    where
        Option<Arc<str>>: Encode<'static, DB> + Type<DB>,
        Option<i64>: Encode<'static, DB> + Type<DB>,
        Option<f64>: Encode<'static, DB> + Type<DB>,
        bool: Encode<'static, DB> + Type<DB>,
    {
        query(self.text, self.binds)
    }

    /// As PostgreSQL takes it: `$1` for the first `?`.
    pub(crate) fn numbered<DB: Database + HasStatementCache>(self) -> Query<'static, DB, DB::Arguments>
    where
        Option<Arc<str>>: Encode<'static, DB> + Type<DB>,
        Option<i64>: Encode<'static, DB> + Type<DB>,
        Option<f64>: Encode<'static, DB> + Type<DB>,
        bool: Encode<'static, DB> + Type<DB>,
    {
        query(numbered(&self.text), self.binds)
    }
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<&String> for Bind {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Option<&str>> for Bind {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(Arc::from))
    }
}

impl From<i64> for Bind {
    fn from(n: i64) -> Self {
        Self::Int(Some(n))
    }
}

impl From<Option<i64>> for Bind {
    fn from(n: Option<i64>) -> Self {
        Self::Int(n)
    }
}

impl From<f64> for Bind {
    fn from(x: f64) -> Self {
        Self::Real(Some(x))
    }
}

impl From<Option<f64>> for Bind {
    fn from(x: Option<f64>) -> Self {
        Self::Real(x)
    }
}

impl From<bool> for Bind {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<jiff::Timestamp> for Bind {
    fn from(at: jiff::Timestamp) -> Self {
        Self::Int(Some(at.as_microsecond()))
    }
}

fn query<DB: Database + HasStatementCache>(text: String, binds: Vec<Bind>) -> Query<'static, DB, DB::Arguments>
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
    // The text may differ with the number of rows: preparing it for later would fill the cache with strangers.
    query.persistent(false)
}

fn numbered(text: &str) -> String {
    let mut numbered = String::with_capacity(text.len() * 2);
    for (i, piece) in text.split('?').enumerate() {
        if i > 0 {
            numbered.push('$');
            numbered.push_str(&i.to_string());
        }
        numbered.push_str(piece);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        assert_eq!(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
        assert_eq!(numbered("a"), "a");
    }

    #[test]
    fn values_stand_where_they_are_bound() {
        let statement = Statement::new("a = ? AND b IN (").bind("x").list([1, 2]).and(")");
        assert_eq!(statement.text, "a = ? AND b IN (?, ?)");
        assert_eq!(statement.binds, [Bind::from("x"), Bind::Int(Some(1)), Bind::Int(Some(2))]);
    }
}

//! Rows as arrays, a column each: a group of any size is one short statement that the server has planned before.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::database::Bind;
use crate::decisions::store::row::{CONTENT_COLUMNS, Row, attempt_columns, decision_columns};
use crate::judge::jobs;

/// Inserts records; those whose id is already there are left as they are.
pub(super) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    let decisions = rows.iter().map(|row| &row.decision).collect();
    let attempts = rows.iter().flat_map(|row| &row.attempts).collect();
    let contents = rows.iter().filter_map(|row| row.content.as_ref()).collect();
    let to_judge = rows.iter().flat_map(|row| &row.jobs).collect();
    for (table, columns, rows) in [
        ("decisions", &decision_columns()[..], decisions),
        ("attempts", &attempt_columns(), attempts),
        ("contents", &CONTENT_COLUMNS, contents),
        ("judge_jobs", &jobs::COLUMNS, to_judge),
    ] {
        if let Some(statement) = statement(table, columns, &rows) {
            statement.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// The statement that inserts rows; `None` where there are none. A column has values of one kind in all rows.
fn statement(table: &str, columns: &[&str], rows: &Vec<&Vec<Bind>>) -> Option<Query<'static, Postgres, PgArguments>> {
    let first = rows.first()?;
    let arrays: Vec<String> = (1..).zip(*first).map(|(i, bind)| format!("${i}::{}[]", kind(bind))).collect();
    let (columns, arrays) = (columns.join(", "), arrays.join(", "));
    let text = format!("INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING");
    let column = |i: usize| rows.iter().map(move |row| row.get(i));
    let query = sqlx::query(AssertSqlSafe(text));
    Some(first.iter().enumerate().fold(query, |query, (i, bind)| match bind {
        Bind::Text(_) => query.bind(column(i).map(text_of).collect::<Vec<_>>()),
        Bind::Int(_) => query.bind(column(i).map(int_of).collect::<Vec<_>>()),
        Bind::Real(_) => query.bind(column(i).map(real_of).collect::<Vec<_>>()),
        Bind::Bool(_) => query.bind(column(i).map(bool_of).collect::<Vec<_>>()),
    }))
}

fn kind(bind: &Bind) -> &'static str {
    match bind {
        Bind::Text(_) => "text",
        Bind::Int(_) => "bigint",
        Bind::Real(_) => "float8",
        Bind::Bool(_) => "boolean",
    }
}

fn text_of(bind: Option<&Bind>) -> Option<&str> {
    if let Some(Bind::Text(text)) = bind { text.as_deref() } else { None }
}

fn int_of(bind: Option<&Bind>) -> Option<i64> {
    if let Some(Bind::Int(n)) = bind { *n } else { None }
}

fn real_of(bind: Option<&Bind>) -> Option<f64> {
    if let Some(Bind::Real(x)) = bind { *x } else { None }
}

fn bool_of(bind: Option<&Bind>) -> Option<bool> {
    if let Some(Bind::Bool(yes)) = bind { Some(*yes) } else { None }
}

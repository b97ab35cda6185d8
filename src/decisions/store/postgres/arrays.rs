//! Rows as arrays, a column each: a group of any size is one statement that the server has planned before.

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, PgPool, Postgres};
use sqlx::query::Query;

use crate::database::Bind;
use crate::decisions::store::row::{CONTENT_COLUMNS, Row, attempt_columns, decision_columns};
use crate::judge::jobs;

/// A table's name and columns, and the rows for it.
type Table<'a> = (&'static str, Vec<&'static str>, Vec<&'a Vec<Bind>>);

/// Inserts records; those whose id is already there are left as they are. About `most` bytes of them go in a statement, which is one
/// round trip: a record is there with its attempts or not at all.
pub(super) async fn insert(pool: &PgPool, mut rows: &[Row], most: usize) -> Result<(), sqlx::Error> {
    while !rows.is_empty() {
        let begins = rows.iter().scan(0, |end, row| Some(std::mem::replace(end, *end + row.size())));
        let (some, others) = rows.split_at(begins.take_while(|begin| *begin < most).count());
        insert_some(pool, some).await?;
        rows = others;
    }
    Ok(())
}

async fn insert_some(pool: &PgPool, rows: &[Row]) -> Result<(), sqlx::Error> {
    let mut tables: Vec<Table<'_>> = vec![
        ("decisions", decision_columns(), rows.iter().map(|row| &row.decision).collect()),
        ("attempts", attempt_columns(), rows.iter().flat_map(|row| &row.attempts).collect()),
        ("contents", CONTENT_COLUMNS.to_vec(), rows.iter().filter_map(|row| row.content.as_ref()).collect()),
        ("judge_jobs", jobs::COLUMNS.to_vec(), rows.iter().flat_map(|row| &row.jobs).collect()),
    ];
    tables.retain(|(_, _, rows)| !rows.is_empty());
    let (mut placeholder, mut inserts) = (1.., Vec::new());
    for (table, columns, rows) in &tables {
        inserts.push(format!("{table}_ AS ({})", text(table, columns, rows, &mut placeholder)));
    }
    let query = sqlx::query(AssertSqlSafe(format!("WITH {} SELECT 1", inserts.join(", "))));
    let query = tables.iter().fold(query, |query, (_, _, rows)| bind(query, rows));
    query.execute(pool).await.map(drop)
}

fn text(table: &str, columns: &[&str], rows: &[&Vec<Bind>], placeholder: &mut impl Iterator<Item = u32>) -> String {
    let kinds = rows.iter().take(1).copied().flatten();
    let arrays: Vec<_> = kinds.zip(placeholder).map(|(bind, i)| format!("${i}::{}[]", kind(bind))).collect();
    let (columns, arrays) = (columns.join(", "), arrays.join(", "));
    format!("INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING")
}

/// Binds an array for each column, which has values of one kind in all rows.
fn bind<'a>(query: Query<'a, Postgres, PgArguments>, rows: &[&Vec<Bind>]) -> Query<'a, Postgres, PgArguments> {
    let column = |i: usize| rows.iter().map(move |row| row.get(i));
    let kinds = rows.iter().take(1).copied().flatten().enumerate();
    kinds.fold(query, |query, (i, bind)| match bind {
        Bind::Text(_) => query.bind(column(i).map(text_of).collect::<Vec<_>>()),
        Bind::Int(_) => query.bind(column(i).map(int_of).collect::<Vec<_>>()),
        Bind::Real(_) => query.bind(column(i).map(real_of).collect::<Vec<_>>()),
        Bind::Bool(_) => query.bind(column(i).map(bool_of).collect::<Vec<_>>()),
    })
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

//! The table that keeps the levels.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgPool;

use super::sheet::Post;
use crate::database::{Bind, Database, Statement};
use crate::decisions::StoreError;

/// Where levels are kept.
#[async_trait]
pub(crate) trait Bank: Send + Sync + 'static {
    /// Adds amounts, all or none; gives the levels that they come to, in the same order.
    async fn post(&self, posts: &[Post]) -> Result<Vec<f64>, StoreError>;

    /// Whether other processes add to the same levels.
    fn is_shared(&self) -> bool;
}

/// Rows of one statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

#[async_trait]
impl Bank for Database {
    async fn post(&self, posts: &[Post]) -> Result<Vec<f64>, StoreError> {
        let now = Timestamp::now();
        let levels = match self.postgres() {
            Some(pool) => {
                post_arrays(pool, posts, now).await.map_err(|error| StoreError(format!("the meters: {error}")))?
            }
            None => post_rows(self, posts, now).await?,
        };
        let level = |post: &Post| levels.get(&*post.meter.name).copied();
        let all: Option<Vec<f64>> = posts.iter().map(level).collect();
        all.ok_or_else(|| StoreError("the meters: not all levels were told".to_owned()))
    }

    fn is_shared(&self) -> bool {
        self.is_postgres()
    }
}

/// A new row has the amount; one that is there leaks, then has it on top, and is never below nothing. `MAX` is the engine's
/// word for the larger one of two numbers.
const ON_CONFLICT: &str = " ON CONFLICT (name) DO UPDATE SET
    level = MAX(0, excluded.level
        + MAX(0, meters.level - excluded.leak * MAX(0, excluded.at - meters.at) / 1000000.0)),
    at = MAX(meters.at, excluded.at), leak = excluded.leak, expires = excluded.expires
    RETURNING name, level";

async fn post_rows(database: &Database, posts: &[Post], now: Timestamp) -> Result<HashMap<String, f64>, StoreError> {
    let insert = |posts: &[Post]| {
        let mut insert = Statement::new("INSERT INTO meters (name, level, at, leak, expires) VALUES ");
        for (i, post) in posts.iter().enumerate() {
            let (name, leak) = (Bind::from(&*post.meter.name), Bind::from(post.meter.leak));
            let row = [name, post.amount.into(), now.into(), leak, expires(post, now).into()];
            insert = insert.and(if i == 0 { "(" } else { ", (" }).list(row).and(")");
        }
        insert.and(ON_CONFLICT)
    };
    let done = database.transaction(posts.chunks(ROWS).map(insert).collect()).await?;
    done.iter().flat_map(|done| &done.rows).map(|row| Ok((row.text(0)?, row.real(1)?))).collect()
}

/// One round trip. What a crash of the server forgets are the last tenths of a second: nobody waits for its disk.
async fn post_arrays(pool: &PgPool, posts: &[Post], now: Timestamp) -> Result<HashMap<String, f64>, sqlx::Error> {
    let text = "WITH unsynced AS (SELECT set_config('synchronous_commit', 'off', true))
        INSERT INTO meters (name, level, at, leak, expires)
        SELECT name, amount, $5::bigint, leak, expires
        FROM unnest($1::text[], $2::float8[], $3::float8[], $4::bigint[]) post (name, amount, leak, expires), unsynced";
    let text = format!("{text}{}", ON_CONFLICT.replace("MAX(", "GREATEST("));
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(posts.iter().map(|post| &*post.meter.name).collect::<Vec<_>>())
        .bind(posts.iter().map(|post| post.amount).collect::<Vec<_>>())
        .bind(posts.iter().map(|post| post.meter.leak).collect::<Vec<_>>())
        .bind(posts.iter().map(|post| expires(post, now)).collect::<Vec<_>>())
        .bind(now.as_microsecond())
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn expires(post: &Post, now: Timestamp) -> Option<i64> {
    Some(now.checked_add(post.meter.keep?).ok()?.as_microsecond())
}

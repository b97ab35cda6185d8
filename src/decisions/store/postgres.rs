//! The store of several machines: a PostgreSQL database.

mod arrays;
mod partitions;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgSslMode};
use sqlx::{ConnectOptions, Either, Executor};
use tokio::sync::OnceCell;

use super::StoreError;
use super::backend::{Backend, unreadable};
use super::keeper::{Sink, SinkError};
use super::row::Row;
use crate::config::{Durability, LogUrl};
use crate::database::{DbRow, Done, Engine, Statement, pooled};
use crate::tls;

/// A database that other routers may share.
#[derive(Debug)]
pub(super) struct Postgres {
    pool: PgPool,
    /// What errors call it: the URL without its password.
    place: String,
    /// Bytes of records in a statement.
    most: usize,
    /// Set once the schema is up to date and there are partitions.
    ready: OnceCell<()>,
}

static MIGRATIONS: Migrator = sqlx::migrate!("src/decisions/migrations/postgres");

/// Connections of one router: one that writes, one for the upkeep, and readers.
const CONNECTIONS: u32 = 6;

/// Bytes of records, about, that fill one TLS record of 16 KiB with what stands around them. sqlx sends each record of a longer
/// statement by itself and leaves Nagle's algorithm on, so that the second waits 40 ms for the server's acknowledgement.
const ENCRYPTED: usize = 7 << 10;

/// How long a connection may take to come about, or to become free.
const PATIENCE: Duration = Duration::from_secs(5);

impl Postgres {
    /// Connects and brings the schema up to date. A server that cannot be reached now is asked again when it is needed.
    pub(super) async fn open(url: &LogUrl, durability: Durability) -> Result<Self, StoreError> {
        let pool = pooled::<sqlx::Postgres>(CONNECTIONS).acquire_timeout(PATIENCE);
        let options = options(url, durability)?;
        let most = if may_be_encrypted(&options) { ENCRYPTED } else { usize::MAX };
        let postgres =
            Self { pool: pool.connect_lazy_with(options), place: url.to_string(), most, ready: OnceCell::new() };
        match postgres.ready().await {
            Err(NotReady::Down(error)) => {
                tracing::warn!(error = error.0, "records wait in the journal until the server is there");
            }
            Err(NotReady::Unfit(error)) => return Err(error),
            Ok(()) => {}
        }
        Ok(postgres)
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.ready.get_or_try_init(|| self.prepare()).await.copied()
    }

    async fn prepare(&self) -> Result<(), NotReady> {
        let not_ready = |error: sqlx::Error| {
            let down = is_down(&error);
            let error =
                cannot_open(&self.place, &error, "is the server up, and may this user connect and create tables?");
            if down { NotReady::Down(error) } else { NotReady::Unfit(error) }
        };
        drop(self.pool.acquire().await.map_err(not_ready)?);
        MIGRATIONS.run(&self.pool).await.map_err(|error| match error {
            MigrateError::Execute(error) => not_ready(error),
            error => NotReady::Unfit(explain_migration(&self.place, &error)),
        })?;
        partitions::keep(&self.pool, Timestamp::now(), None).await.map_err(not_ready)
    }

    async fn commit(&self, statements: Vec<Statement>) -> Result<Vec<Done>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let mut done = Vec::with_capacity(statements.len());
        for statement in statements {
            done.push(run(&mut transaction, statement).await?);
        }
        transaction.commit().await.map(|()| done)
    }

    fn unwritable(&self, error: &sqlx::Error) -> StoreError {
        StoreError(format!("{} cannot be written: {error}", self.place))
    }
}

#[async_trait]
impl Sink for Postgres {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        self.ready().await.map_err(|not_ready| SinkError::Unavailable(not_ready.into_inner()))?;
        arrays::insert(&self.pool, rows, self.most).await.map_err(|error| {
            // Data exceptions, violated constraints, and more than an index or a row can hold.
            let refused = state_of(&error).is_some_and(|state| ["22", "23", "54"].contains(&&state[..2]));
            (if refused { SinkError::Refused } else { SinkError::Unavailable })(self.unwritable(&error))
        })
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn read(&self, statement: Statement) -> Result<Vec<DbRow>, StoreError> {
        self.ready().await.map_err(NotReady::into_inner)?;
        let rows = statement.numbered().fetch_all(&self.pool).await;
        let rows = rows.map_err(|error| unreadable(&self.place, &error))?;
        Ok(rows.into_iter().map(DbRow::Postgres).collect())
    }

    async fn transact(&self, statements: Vec<Statement>) -> Result<Vec<Done>, StoreError> {
        self.ready().await.map_err(NotReady::into_inner)?;
        self.commit(statements).await.map_err(|error| self.unwritable(&error))
    }

    fn postgres(&self) -> Option<&PgPool> {
        Some(&self.pool)
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn upkeep(&self, now: Timestamp, keep_since: Option<Timestamp>) -> Result<(), StoreError> {
        self.ready().await.map_err(NotReady::into_inner)?;
        partitions::keep(&self.pool, now, keep_since)
            .await
            .map_err(|error| StoreError(format!("the partitions of {} cannot be kept: {error}", self.place)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

fn options(url: &LogUrl, durability: Durability) -> Result<PgConnectOptions, StoreError> {
    // What the parser says may quote a part of the URL.
    let unusable = || {
        StoreError(format!(
            "log.url = \"{url}\" is not usable; write it like postgres://USER@HOST/DATABASE?sslmode=require"
        ))
    };
    let options = PgConnectOptions::from_str(url.expose()).map_err(|_| unusable())?;
    let commit = match durability {
        Durability::Commit => "on",
        Durability::Relaxed => "off",
    };
    // A plan for whatever values takes a part of the log for much smaller than it may be, and sorts it.
    let settings = [("synchronous_commit", commit), ("plan_cache_mode", "force_custom_plan")];
    let options = options.application_name("rungs").options(settings);
    if options.get_ssl_mode() as u8 >= PgSslMode::Require as u8 {
        tls::install();
    }
    // A statement of hundreds of rows has nothing to tell that an error does not.
    Ok(options.disable_statement_logging())
}

fn may_be_encrypted(options: &PgConnectOptions) -> bool {
    options.get_socket().is_none() && !matches!(options.get_ssl_mode(), PgSslMode::Disable)
}

async fn run(connection: &mut PgConnection, statement: Statement) -> Result<Done, sqlx::Error> {
    let mut done = Done::default();
    let mut results = connection.fetch_many(statement.numbered());
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(summary) => done.changed += summary.rows_affected(),
            Either::Right(row) => done.rows.push(DbRow::Postgres(row)),
        }
    }
    Ok(done)
}

/// Why a database is not ready.
#[derive(Debug)]
enum NotReady {
    /// It may be later.
    Down(StoreError),
    /// Somebody has to change something.
    Unfit(StoreError),
}

impl NotReady {
    fn into_inner(self) -> StoreError {
        match self {
            Self::Down(error) | Self::Unfit(error) => error,
        }
    }
}

fn state_of(error: &sqlx::Error) -> Option<String> {
    let state = error.as_database_error()?.code()?.into_owned();
    (state.len() == 5 && state.is_ascii()).then_some(state)
}

/// Whether an error says that the server is down, starts, stops or has no room now.
fn is_down(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        error => state_of(error).is_some_and(|state| ["08", "53", "57"].contains(&&state[..2])),
    }
}

fn cannot_open(place: &str, reason: &dyn std::fmt::Display, remedy: &str) -> StoreError {
    StoreError(format!("{place} cannot be opened: {reason}; {remedy}"))
}

fn explain_migration(place: &str, error: &MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => cannot_open(
            place,
            &format_args!("its schema {version} is newer than this program"),
            "run the version of rungs that wrote it or a later one, or set log.url to another database",
        ),
        error => cannot_open(place, error, "may this user create tables there?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_url_that_cannot_be_used_is_refused_without_its_password() {
        let error = options(&LogUrl::from("postgres://u:s3cret@h:port/d"), Durability::Commit).unwrap_err();
        assert!(error.0.contains("log.url") && !error.0.contains("s3cret"), "{error}");
        let error = options(&LogUrl::from("postgres://u:s3cret@h/d?sslmode=s3cret"), Durability::Commit).unwrap_err();
        assert!(!error.0.contains("s3cret"), "{error}");
    }
}

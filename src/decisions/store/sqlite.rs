//! The store of one machine: a SQLite file in WAL mode.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::query::Query;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};
use sqlx::{Connection, Either, Executor};

use super::StoreError;
use super::backend::{Backend, unreadable};
use super::keeper::{Sink, SinkError};
use super::row::Row;
use super::sql;
use crate::config::{Durability, LogUrl};
use crate::database::{DbRow, Done, Engine, Statement, pooled};

/// A SQLite file: one connection that writes, and readers beside it.
#[derive(Debug)]
pub(super) struct SqliteFile {
    write: SqlitePool,
    read: SqlitePool,
    file: PathBuf,
}

static MIGRATIONS: Migrator = sqlx::migrate!("src/decisions/migrations/sqlite");

/// How long another program may hold the file before the journal takes over.
const BUSY: Duration = Duration::from_secs(1);

/// Rows at most in a transaction whose text stays prepared; more of them are prepared anew each time, which bounds the memory.
const FEW: usize = 16;

/// Connections that read beside the writer.
const READERS: u32 = 4;

impl SqliteFile {
    /// Opens or creates the file that the URL names, by default `data_dir/rungs.db`.
    pub(super) async fn open(
        url: Option<&LogUrl>,
        durability: Durability,
        data_dir: &Path,
    ) -> Result<Self, StoreError> {
        let options = options(url, durability, data_dir)?;
        let file = options.get_filename().to_owned();
        create(&file).map_err(|error| cannot_open(&file, &error, "create the folder, or set log.url or data_dir"))?;
        let write = pooled::<Sqlite>(1)
            .connect_with(options.clone().busy_timeout(BUSY))
            .await
            .map_err(|error| explain_open(&file, &error))?;
        MIGRATIONS.run(&write).await.map_err(|error| explain_migration(&file, &error))?;
        let read = pooled::<Sqlite>(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self { write, read, file })
    }

    /// One text for SQLite's thread, which a caller would otherwise wake again for each statement.
    async fn commit(&self, rows: &[Row]) -> Result<(), sqlx::Error> {
        let transaction = sql::transaction(rows).positional().persistent(rows.len() <= FEW);
        let pool = self.write.clone();
        // In a task of its own: given up half way, it would leave its transaction open.
        let written = tokio::spawn(async move {
            let mut connection = pool.acquire().await?;
            let written = connection.execute(transaction).await;
            if written.is_err() {
                connection.close_on_drop();
            }
            written.map(drop)
        });
        written.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    fn unwritable(&self, error: &sqlx::Error) -> StoreError {
        StoreError(format!("{} cannot be written: {error}: is the disk full or read-only?", self.file.display()))
    }
}

#[async_trait]
impl Sink for SqliteFile {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        self.commit(rows).await.map_err(|error| {
            // SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH.
            let refused = matches!(primary_code(&error), Some(18..=20));
            (if refused { SinkError::Refused } else { SinkError::Unavailable })(self.unwritable(&error))
        })
    }
}

#[async_trait]
impl Engine for SqliteFile {
    async fn read(&self, statement: Statement) -> Result<Vec<DbRow>, StoreError> {
        let rows = statement.positional().fetch_all(&self.read).await;
        let rows = rows.map_err(|error| unreadable(&self.file.display(), &error))?;
        Ok(rows.into_iter().map(DbRow::Sqlite).collect())
    }

    async fn transact(&self, statements: Vec<Statement>) -> Result<Vec<Done>, StoreError> {
        let statements = statements.into_iter().map(Statement::positional);
        in_transaction(&self.write, statements).await.map_err(|error| self.unwritable(&error))
    }
}

#[async_trait]
impl Backend for SqliteFile {
    async fn close(&self) {
        // The connection that writes goes last: closing it folds the write-ahead log into the file.
        self.read.close().await;
        self.write.close().await;
    }
}

fn options(url: Option<&LogUrl>, durability: Durability, data_dir: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let options = match url.map(LogUrl::expose) {
        None => SqliteConnectOptions::new().filename(data_dir.join("rungs.db")),
        Some(url) if url.contains(":memory:") || url.contains("mode=memory") => {
            return Err(StoreError(format!("log.url = \"{url}\": a log in memory keeps nothing; name a file")));
        }
        Some(url) => SqliteConnectOptions::from_str(url).map_err(|error| {
            StoreError(format!("log.url = \"{url}\": {error}; write it like sqlite:///var/lib/rungs/rungs.db"))
        })?,
    };
    let synchronous = match durability {
        Durability::Commit => SqliteSynchronous::Full,
        Durability::Relaxed => SqliteSynchronous::Normal,
    };
    Ok(options.journal_mode(SqliteJournalMode::Wal).synchronous(synchronous))
}

/// Runs statements in one transaction, and tells of each what it did.
pub(super) async fn in_transaction(
    pool: &SqlitePool,
    statements: impl Iterator<Item = Query<'static, Sqlite, SqliteArguments>>,
) -> Result<Vec<Done>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let done = async {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut done = Vec::new();
        for statement in statements {
            done.push(run(&mut transaction, statement).await?);
        }
        transaction.commit().await.map(|()| done)
    };
    let done = done.await;
    if done.is_err() {
        // A full disk makes SQLite roll back by itself; sqlx then takes the connection to be in a transaction for ever.
        connection.close_on_drop();
    }
    done
}

async fn run(
    connection: &mut SqliteConnection,
    statement: Query<'static, Sqlite, SqliteArguments>,
) -> Result<Done, sqlx::Error> {
    let mut done = Done::default();
    let mut results = connection.fetch_many(statement);
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(summary) => done.changed += summary.rows_affected(),
            Either::Right(row) => done.rows.push(DbRow::Sqlite(row)),
        }
    }
    Ok(done)
}

/// Creates the file and the folders on the way to it, for their owner alone; what is there keeps its permissions.
pub(super) fn create(file: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folder.mode(0o700);
        options.mode(0o600);
    }
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder.recursive(true).create(parent)?;
    }
    options.append(true).create(true).open(file).map(drop)
}

fn cannot_open(file: &Path, reason: &dyn std::fmt::Display, remedy: &str) -> StoreError {
    StoreError(format!("{} cannot be opened: {reason}; {remedy}", file.display()))
}

/// SQLite's code of an error, without what extends it.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Whether the file is not a database, or no longer a sound one: SQLITE_CORRUPT and SQLITE_NOTADB.
pub(super) fn is_damaged(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(11 | 26))
}

fn explain_open(file: &Path, error: &sqlx::Error) -> StoreError {
    let remedy = if is_damaged(error) {
        "it is damaged or not a SQLite database: move it away to start a new log, or set log.url"
    } else {
        "check that its folder is writable and the disk is not full, or set log.url"
    };
    cannot_open(file, error, remedy)
}

fn explain_migration(file: &Path, error: &MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => cannot_open(
            file,
            &format_args!("its schema {version} is newer than this program"),
            "run the version of rungs that wrote it or a later one, or set log.url to another file",
        ),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain_open(file, error),
        error => cannot_open(file, error, "move it away to start a new log, or set log.url"),
    }
}

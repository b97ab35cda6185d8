//! The store of one machine: a SQLite file in WAL mode.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _};

use super::row::{Bind, Row, assemble};
use super::sql::{self, Statement};
use super::writer::{Sink, Writer};
use super::{DecisionFilter, DecisionStore, Page, StoreError};
use crate::config::{Durability, LogConfig};
use crate::decisions::DecisionRecord;

/// Records in a SQLite file: one writer that commits in groups, and readers beside it.
#[derive(Debug)]
pub(super) struct SqliteStore {
    writer: Writer,
    write: SqlitePool,
    read: SqlitePool,
    file: PathBuf,
}

static MIGRATIONS: Migrator = sqlx::migrate!("src/decisions/migrations");

/// Connections that read beside the writer.
const READERS: u32 = 4;

impl SqliteStore {
    /// Opens or creates the file that the configuration names, by default `data_dir/rungs.db`.
    pub(super) async fn open(config: &LogConfig, data_dir: &Path) -> Result<Self, StoreError> {
        let options = options(config, data_dir)?;
        let file = options.get_filename().to_owned();
        create(&file).map_err(|error| cannot_open(&file, &error, "create the folder, or set log.url or data_dir"))?;
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| explain_open(&file, &error))?;
        MIGRATIONS.run(&write).await.map_err(|error| explain_migration(&file, &error))?;
        let read = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.read_only(true));
        let sink = SqliteSink { pool: write.clone(), file: file.clone() };
        Ok(Self { writer: Writer::start(sink, config.durability), write, read, file })
    }

    async fn select(&self, statement: Statement) -> Result<Vec<Result<DecisionRecord, StoreError>>, StoreError> {
        let rows = query(statement).fetch_all(&self.read).await.map_err(|error| self.unreadable(&error))?;
        Ok(rows.iter().map(|row| self.record(row)).collect())
    }

    fn record(&self, row: &SqliteRow) -> Result<DecisionRecord, StoreError> {
        let read = |error| self.unreadable(&error);
        let id: &str = row.try_get(0).map_err(read)?;
        let record: &str = row.try_get(1).map_err(read)?;
        assemble(id, record, row.try_get(2).map_err(read)?, row.try_get(3).map_err(read)?)
    }

    fn unreadable(&self, error: &sqlx::Error) -> StoreError {
        StoreError(format!("{} cannot be read: {error}", self.file.display()))
    }
}

#[async_trait]
impl DecisionStore for SqliteStore {
    async fn append(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.writer.append(Row::new(record)?).await
    }

    async fn get(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        self.select(sql::select_one(id)).await?.pop().transpose()
    }

    async fn list(&self, filter: &DecisionFilter) -> Result<Page, StoreError> {
        sql::page(filter, self.select(sql::select_page(filter)).await?)
    }

    async fn close(&self) -> Result<(), StoreError> {
        let flushed = self.writer.close().await;
        // The connection that writes goes last: closing it folds the write-ahead log into the file.
        self.read.close().await;
        self.write.close().await;
        flushed
    }
}

struct SqliteSink {
    pool: SqlitePool,
    file: PathBuf,
}

impl SqliteSink {
    async fn commit(&self, rows: &[Row]) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for statement in sql::inserts(rows) {
            query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

#[async_trait]
impl Sink for SqliteSink {
    async fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        self.commit(rows).await.map_err(|error| {
            StoreError(format!("{} cannot be written: {error}: is the disk full or read-only?", self.file.display()))
        })
    }
}

fn query(statement: Statement) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for bind in statement.binds {
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

fn options(config: &LogConfig, data_dir: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let options = match &config.url {
        None => SqliteConnectOptions::new().filename(data_dir.join("rungs.db")),
        Some(url) if url.contains(":memory:") || url.contains("mode=memory") => {
            return Err(StoreError(format!("log.url = \"{url}\": a log in memory keeps nothing; name a file")));
        }
        Some(url) => SqliteConnectOptions::from_str(url).map_err(|error| {
            StoreError(format!("log.url = \"{url}\": {error}; write it like sqlite:///var/lib/rungs/rungs.db"))
        })?,
    };
    let synchronous = match config.durability {
        Durability::Commit => SqliteSynchronous::Full,
        Durability::Relaxed => SqliteSynchronous::Normal,
    };
    Ok(options.journal_mode(SqliteJournalMode::Wal).synchronous(synchronous))
}

/// Creates the file and the folders on the way to it, for their owner alone; what is there keeps its permissions.
fn create(file: &Path) -> std::io::Result<()> {
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

fn explain_open(file: &Path, error: &sqlx::Error) -> StoreError {
    // SQLITE_CORRUPT and SQLITE_NOTADB.
    let damaged = error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "11" || code == "26");
    let remedy = if damaged {
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

//! Where records wait for a database that is down or slow: a small SQLite file, written with an fsync and read in order.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use tokio::sync::Mutex;

use super::StoreError;
use super::row::{Row, assemble};
use super::sqlite::{create, in_transaction, is_damaged};
use crate::database::{Bind, pooled};
use crate::decisions::DecisionRecord;

/// Records on their way to the database. Only the writer adds, only the replay removes.
#[derive(Debug)]
pub(super) struct Journal {
    pool: SqlitePool,
    file: PathBuf,
    /// Held while records are added or removed, so that the count stays true.
    changing: Mutex<()>,
    pending: AtomicU64,
}

/// Records that waited, with the place of the last one.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Vec<DecisionRecord>,
    pub(super) last: i64,
}

/// Bytes of a page of the file.
const PAGE: u64 = 4096;

/// How long a second program that has the file open may hold it.
const BUSY: Duration = Duration::from_secs(1);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pending (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, request TEXT, answer TEXT
    );
    CREATE TABLE IF NOT EXISTS refused (
        id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL, request TEXT, answer TEXT, reason TEXT NOT NULL
    );";

impl Journal {
    /// Opens or creates the file, which may grow to `max_bytes`. One that is damaged is moved aside.
    pub(super) async fn open(file: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        match Self::try_open(file, max_bytes).await {
            Err(error) if is_damaged(&error) => {
                let aside = file.with_extension(format!("damaged-{}", Timestamp::now().as_second()));
                tracing::error!(file = %file.display(), aside = %aside.display(), "THE JOURNAL IS DAMAGED and moved aside: records in it did not reach the decision log");
                move_aside(file, &aside).map_err(|error| cannot_open(file, &error))?;
                Self::try_open(file, max_bytes).await
            }
            opened => opened,
        }
        .map_err(|error| cannot_open(file, &error))
    }

    async fn try_open(file: &Path, max_bytes: u64) -> Result<Self, sqlx::Error> {
        create(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("max_page_count", (max_bytes / PAGE).max(16).to_string());
        let pool = pooled::<Sqlite>(1).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let journal = Self { pool, file: file.to_owned(), changing: Mutex::new(()), pending: AtomicU64::new(0) };
        journal.recount().await?;
        Ok(journal)
    }

    /// How many records wait.
    pub(super) fn pending(&self) -> u64 {
        self.pending.load(Ordering::Acquire)
    }

    /// Adds records behind those that wait; when this returns `Ok`, all survive a crash, otherwise none is there.
    pub(super) async fn append(&self, rows: &[Row]) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        self.insert(rows).await.map_err(|error| {
            StoreError(format!("{} cannot be written: {error}: is it or the disk full?", self.file.display()))
        })
    }

    async fn insert(&self, rows: &[Row]) -> Result<(), sqlx::Error> {
        let inserts = rows.iter().map(|row| {
            let [id, record, request, answer] = row.texts().map(|text| text.and_then(bound));
            let insert = sqlx::query("INSERT OR IGNORE INTO pending (id, record, request, answer) VALUES (?, ?, ?, ?)");
            insert.bind(id).bind(record).bind(request).bind(answer)
        });
        let added = in_transaction(&self.pool, inserts).await?;
        let added = added.iter().map(|done| done.changed).sum();
        self.pending.fetch_add(added, Ordering::AcqRel);
        Ok(())
    }

    /// The records that have waited longest, at most `most`; `None` when none waits.
    pub(super) async fn oldest(&self, most: u32) -> Result<Option<Batch>, StoreError> {
        let select = "SELECT place, id, record, request, answer FROM pending ORDER BY place LIMIT ?";
        let read = |error| self.unreadable(&error);
        let rows = sqlx::query(select).bind(most).fetch_all(&self.pool).await.map_err(read)?;
        let Some(last) = rows.last() else {
            let _changing = self.changing.lock().await;
            self.recount().await.map_err(read)?;
            return Ok(None);
        };
        let last = last.try_get(0).map_err(read)?;
        let records = rows.iter().map(|row| {
            let (id, record): (&str, &str) = (row.try_get(1).map_err(read)?, row.try_get(2).map_err(read)?);
            assemble(id, record, row.try_get(3).map_err(read)?, row.try_get(4).map_err(read)?)
        });
        Ok(Some(Batch { records: records.collect::<Result<_, _>>()?, last }))
    }

    /// The waiting record of this id.
    pub(super) async fn get(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        if self.pending() == 0 {
            return Ok(None);
        }
        let read = |error| self.unreadable(&error);
        let select = "SELECT record, request, answer FROM pending WHERE id = ?";
        let Some(row) = sqlx::query(select).bind(id).fetch_optional(&self.pool).await.map_err(read)? else {
            return Ok(None);
        };
        let record: &str = row.try_get(0).map_err(read)?;
        assemble(id, record, row.try_get(1).map_err(read)?, row.try_get(2).map_err(read)?).map(Some)
    }

    /// Takes records out up to this place: the database has them.
    pub(super) async fn remove(&self, last: i64) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        let removed = sqlx::query("DELETE FROM pending WHERE place <= ?").bind(last).execute(&self.pool).await;
        let removed = removed.map_err(|error| self.unreadable(&error))?.rows_affected();
        let left = |pending: u64| Some(pending.saturating_sub(removed));
        let _ = self.pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        Ok(())
    }

    /// Puts a record apart that the database will never take, so that it holds up no other.
    pub(super) async fn set_apart(&self, id: &str, reason: &StoreError) -> Result<(), StoreError> {
        let copy = "INSERT OR IGNORE INTO refused SELECT id, record, request, answer, ? FROM pending WHERE id = ?";
        let done = sqlx::query(copy).bind(reason.to_string()).bind(id).execute(&self.pool).await;
        done.map(drop).map_err(|error| self.unreadable(&error))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn recount(&self) -> Result<(), sqlx::Error> {
        let row = sqlx::query("SELECT count(*) FROM pending").fetch_one(&self.pool).await?;
        self.pending.store(row.try_get::<i64, _>(0)?.try_into().unwrap_or(0), Ordering::Release);
        Ok(())
    }

    fn unreadable(&self, error: &sqlx::Error) -> StoreError {
        StoreError(format!("{} cannot be read: {error}", self.file.display()))
    }
}

fn bound(bind: &Bind) -> Option<std::sync::Arc<str>> {
    if let Bind::Text(text) = bind { text.clone() } else { None }
}

/// The file and what SQLite keeps beside it.
fn move_aside(file: &Path, aside: &Path) -> std::io::Result<()> {
    std::fs::rename(file, aside)?;
    for beside in ["-wal", "-shm"] {
        let named = |path: &Path| PathBuf::from(format!("{}{beside}", path.display()));
        if named(file).exists() {
            std::fs::rename(named(file), named(aside))?;
        }
    }
    Ok(())
}

fn cannot_open(file: &Path, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError(format!(
        "the journal {} cannot be opened: {reason}; make its folder writable, or set data_dir",
        file.display()
    ))
}

#[cfg(test)]
mod tests;

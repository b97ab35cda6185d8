//! Puts rows where they survive: into the database or, while that takes none, into the journal.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::journal::{Batch, Journal};
use super::row::Row;
use super::state::Meter;
use super::writer::GROUP;

/// Writes rows, each of them whole or not at all.
#[async_trait]
pub(super) trait Sink: Send + Sync + 'static {
    /// When this returns `Ok`, all rows are committed. After an error, or when the future is dropped, it is not known
    /// whether they are: a row whose id is already there changes nothing, so that a write may be repeated.
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError>;
}

/// Why rows were not written.
#[derive(Debug, Clone)]
pub(super) enum SinkError {
    /// The database cannot be reached or cannot write now.
    Unavailable(StoreError),
    /// It will not take these rows, however often it is asked.
    Refused(StoreError),
}

/// A database and the journal in front of it.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    sink: Arc<dyn Sink>,
    pub(super) journal: Arc<Journal>,
    meter: Arc<Meter>,
    arrived: Arc<Notify>,
}

/// How long a group may take to be committed before its rows go to the journal.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a group may take to be replayed: nobody waits for it.
const REPLAY_PATIENCE: Duration = Duration::from_secs(60);
/// The first pause after a failed replay, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(3)];

impl Keeper {
    /// Starts the replay on the current runtime; it ends when the store closes.
    pub(super) fn start(sink: Arc<dyn Sink>, journal: Journal, meter: Arc<Meter>, closing: CancellationToken) -> Self {
        let keeper = Self { sink, journal: Arc::new(journal), meter, arrived: Arc::new(Notify::new()) };
        tokio::spawn(keeper.clone().replay(closing));
        keeper
    }

    /// Keeps rows: in the database, or behind those that wait for it already.
    ///
    /// # Errors
    /// When neither takes them; some may be there all the same.
    pub(super) async fn keep(&self, rows: &[Row]) -> Result<(), StoreError> {
        if self.journal.pending() == 0 {
            match within(PATIENCE, self.sink.write(rows)).await {
                Ok(()) => {
                    self.meter.works();
                    return Ok(());
                }
                Err(SinkError::Unavailable(error) | SinkError::Refused(error)) => self.meter.fails(&error),
            }
        }
        let kept = self.journal.append(rows).await;
        self.meter.waits(self.journal.pending());
        self.meter.is_stuck(kept.is_err());
        match &kept {
            Ok(()) => self.arrived.notify_one(),
            Err(error) => self.meter.fails(error),
        }
        kept
    }

    async fn replay(self, closing: CancellationToken) {
        let mut pause = PAUSES[0];
        while !closing.is_cancelled() {
            // A group that is given up on the way is replayed after the next start.
            let Some(replayed) = closing.run_until_cancelled(self.replay_some()).await else { return };
            self.meter.waits(self.journal.pending());
            match replayed {
                Ok(true) => pause = PAUSES[0],
                Ok(false) => {
                    closing.run_until_cancelled(self.arrived.notified()).await;
                }
                Err(error) => {
                    self.meter.fails(&error);
                    let _ = timeout(pause, closing.cancelled()).await;
                    pause = (pause * 2).min(PAUSES[1]);
                }
            }
        }
    }

    /// Hands the oldest records of the journal to the database; says whether there were any.
    async fn replay_some(&self) -> Result<bool, StoreError> {
        let Some(batch) = self.journal.oldest(GROUP as u32).await? else { return Ok(false) };
        let Batch { records, last } = batch;
        let rows = records.into_iter().map(Row::new).collect::<Result<Vec<_>, _>>()?;
        match within(REPLAY_PATIENCE, self.sink.write(&rows)).await {
            Ok(()) => {}
            Err(SinkError::Unavailable(error)) => return Err(error),
            Err(SinkError::Refused(_)) => self.replay_one_by_one(&rows).await?,
        }
        self.meter.works();
        self.journal.remove(last).await?;
        Ok(true)
    }

    async fn replay_one_by_one(&self, rows: &[Row]) -> Result<(), StoreError> {
        for row in rows {
            match within(REPLAY_PATIENCE, self.sink.write(std::slice::from_ref(row))).await {
                Ok(()) => {}
                Err(SinkError::Unavailable(error)) => return Err(error),
                Err(SinkError::Refused(error)) => {
                    tracing::error!(decision = row.id(), %error, "the decision log refuses a record; it stays in the journal's table `refused`");
                    self.journal.set_apart(row.id(), &error).await?;
                }
            }
        }
        Ok(())
    }
}

async fn within(patience: Duration, write: impl Future<Output = Result<(), SinkError>>) -> Result<(), SinkError> {
    timeout(patience, write).await.unwrap_or_else(|_| {
        Err(SinkError::Unavailable(StoreError(format!("nothing was written within {} s", patience.as_secs()))))
    })
}

impl std::fmt::Debug for dyn Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

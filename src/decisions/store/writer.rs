//! The group-commit writer: whatever waits is written in one transaction, then each caller is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::row::Row;
use crate::config::Durability;

/// Writes rows in one transaction.
#[async_trait]
pub(super) trait Sink: Send + Sync + 'static {
    /// When this returns `Ok`, all rows are committed; otherwise none is. A row whose id is already there changes
    /// nothing, so that a write may be repeated.
    async fn write(&self, rows: &[Row]) -> Result<(), StoreError>;
}

/// Hands rows to the writer's task.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::UnboundedSender<Message>,
    /// Bytes of rows that may wait: the bound of the queue.
    room: Arc<Semaphore>,
    durability: Durability,
    closing: CancellationToken,
}

/// Rows in one transaction at most.
const GROUP: usize = 512;
/// Bytes of rows that may wait to be written.
const ROOM: usize = 64 << 20;
/// How long relaxed records gather before they are written: far within the second that is promised.
const GATHER: Duration = Duration::from_millis(100);
/// How long a relaxed append waits for room before it gives up.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long relaxed records rest after a failed write before the next try.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum Message {
    Append(Entry),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

#[derive(Debug)]
struct Entry {
    row: Row,
    /// Told when the row is committed; absent for relaxed rows.
    done: Option<oneshot::Sender<Result<(), StoreError>>>,
    room: OwnedSemaphorePermit,
}

impl Writer {
    /// Starts the writer's task on the current runtime.
    pub(super) fn start(sink: Arc<dyn Sink>, durability: Durability) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        tokio::spawn(Task { sink, messages, durability, closing: closing.clone(), lost: Ok(()) }.run());
        Self { queue, room: Arc::new(Semaphore::new(ROOM)), durability, closing }
    }

    /// Queues a row and, unless durability is relaxed, waits until it is committed. A queued row is written even when
    /// the caller stops waiting.
    pub(super) async fn append(&self, row: Row) -> Result<(), StoreError> {
        let room = self.take_room(row.size()).await?;
        if self.durability == Durability::Relaxed {
            return self.send(Message::Append(Entry { row, done: None, room }));
        }
        let (done, committed) = oneshot::channel();
        self.send(Message::Append(Entry { row, done: Some(done), room }))?;
        committed.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Writes what is queued and stops the task; closing twice is no error.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.closing.cancel();
        let (done, closed) = oneshot::channel();
        match self.send(Message::Close(done)) {
            Ok(()) => closed.await.unwrap_or(Ok(())),
            Err(_) => Ok(()),
        }
    }

    async fn take_room(&self, size: usize) -> Result<OwnedSemaphorePermit, StoreError> {
        let bytes = u32::try_from(size.clamp(1, ROOM)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes);
        let permit = match self.durability {
            Durability::Commit => room.await,
            Durability::Relaxed => timeout(PATIENCE, room).await.map_err(|_| {
                StoreError(format!("{} MiB of records wait already and the database takes none", ROOM >> 20))
            })?,
        };
        permit.map_err(|_| closed())
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        self.queue.send(message).map_err(|_| closed())
    }
}

struct Task {
    sink: Arc<dyn Sink>,
    messages: mpsc::UnboundedReceiver<Message>,
    durability: Durability,
    closing: CancellationToken,
    /// The first loss of relaxed rows, to be told to whoever closes the store.
    lost: Result<(), StoreError>,
}

impl Task {
    async fn run(mut self) {
        while let Some(first) = self.messages.recv().await {
            if self.durability == Durability::Relaxed {
                // A closing store does not wait for more.
                let _ = timeout(GATHER, self.closing.cancelled()).await;
            }
            let mut entries = Vec::new();
            let mut close = None;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Append(entry) => entries.push(entry),
                    Message::Close(done) => close = Some(done),
                }
                next = if entries.len() < GROUP { self.messages.try_recv().ok() } else { None };
            }
            self.write(entries).await;
            if let Some(done) = close {
                // Whoever closed the store may have stopped waiting.
                let _ = done.send(self.lost);
                return;
            }
        }
    }

    async fn write(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let (rows, waiting): (Vec<_>, Vec<_>) =
            entries.into_iter().map(|Entry { row, done, room }| (row, (done, room))).unzip();
        let written = match self.durability {
            Durability::Commit => self.sink.write(&rows).await,
            Durability::Relaxed => self.write_until_it_works(&rows).await,
        };
        for (done, _room) in waiting {
            // A caller that has gone away needs no answer.
            let _ = done.map(|done| done.send(written.clone()));
        }
    }

    /// Nobody waits for relaxed rows, so that giving up would lose them; the bounded queue keeps memory in check
    /// meanwhile. Only a closing store gives up.
    async fn write_until_it_works(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        while let Err(error) = self.sink.write(rows).await {
            tracing::error!(records = rows.len(), %error, "records wait for the decision log");
            if self.closing.is_cancelled() {
                let loss = Err(StoreError(format!("{} records at least are lost: {}", rows.len(), error.0)));
                self.lost = std::mem::replace(&mut self.lost, Ok(())).and(loss.clone());
                return loss;
            }
            let _ = timeout(PAUSE, self.closing.cancelled()).await;
        }
        Ok(())
    }
}

fn closed() -> StoreError {
    StoreError("it is closed: the server is shutting down".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::row::Bind;
    use super::*;

    /// Fails so many times, then counts what it is given.
    #[derive(Default)]
    struct Flaky {
        failures: AtomicUsize,
        written: AtomicUsize,
        writes: AtomicUsize,
    }

    #[async_trait]
    impl Sink for Flaky {
        async fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
            self.writes.fetch_add(1, Ordering::SeqCst);
            if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                return Err(StoreError("down".to_owned()));
            }
            self.written.fetch_add(rows.len(), Ordering::SeqCst);
            Ok(())
        }
    }

    fn start(failures: usize, durability: Durability) -> (Arc<Flaky>, Writer) {
        let sink = Arc::new(Flaky { failures: failures.into(), ..Default::default() });
        (sink.clone(), Writer::start(sink, durability))
    }

    fn row() -> Row {
        Row { decision: vec![], attempts: vec![], content: None }
    }

    #[tokio::test]
    async fn what_waits_together_is_written_together() {
        let (sink, writer) = start(0, Durability::Commit);
        for result in futures_util::future::join_all((0..100).map(|_| writer.append(row()))).await {
            result.unwrap();
        }
        assert_eq!(sink.written.load(Ordering::SeqCst), 100);
        assert_eq!(sink.writes.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn each_caller_of_a_failed_group_is_told_and_the_next_group_is_tried() {
        let (sink, writer) = start(1, Durability::Commit);
        let results = futures_util::future::join_all((0..3).map(|_| writer.append(row()))).await;
        assert!(results.iter().all(|result| result.as_ref().is_err_and(|error| error.0 == "down")), "{results:?}");
        writer.append(row()).await.unwrap();
        assert_eq!(sink.written.load(Ordering::SeqCst), 1);
        writer.close().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn relaxed_rows_wait_for_the_database_to_come_back() {
        let (sink, writer) = start(3, Durability::Relaxed);
        writer.append(row()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!((sink.written.load(Ordering::SeqCst), sink.writes.load(Ordering::SeqCst)), (1, 4));
        writer.close().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn closing_tells_of_relaxed_rows_that_are_lost() {
        let (_, writer) = start(usize::MAX, Durability::Relaxed);
        writer.append(row()).await.unwrap();
        let error = writer.close().await.unwrap_err();
        assert!(error.0.contains("1 records at least are lost: down"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_relaxed_rows_instead_of_growing() {
        let (_, writer) = start(usize::MAX, Durability::Relaxed);
        let large: Arc<str> = "x".repeat(ROOM / 2).into();
        let row = || Row { decision: vec![Bind::Text(Some(large.clone()))], ..row() };
        writer.append(row()).await.unwrap();
        writer.append(row()).await.unwrap();
        assert!(writer.append(row()).await.unwrap_err().0.contains("wait already"));
    }
}

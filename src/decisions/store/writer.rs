//! The group-commit writer: whatever waits is written in one transaction, then each caller is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::keeper::Keeper;
use super::row::Row;
use super::state::Meter;
use crate::config::{Durability, WhenFull};
use crate::decisions::receipt::Chain;

/// Hands rows to the writer's task.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::UnboundedSender<Message>,
    /// Bytes of rows that may wait: the bound of the queue.
    room: Arc<Semaphore>,
    durability: Durability,
    when_full: WhenFull,
    closing: CancellationToken,
    meter: Arc<Meter>,
}

/// Rows in one transaction at most.
pub(super) const GROUP: usize = 512;
/// Bytes of rows that may wait to be written.
const ROOM: usize = 64 << 20;
/// How long relaxed records gather before they are written: far within the second that is promised.
const GATHER: Duration = Duration::from_millis(100);
/// How long an append waits for room.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long rows that nothing takes rest before the next try.
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
    pub(super) fn start(keeper: Keeper, durability: Durability, when_full: WhenFull, meter: Arc<Meter>) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let task = Task {
            keeper,
            chain: Chain::new(),
            messages,
            durability,
            when_full,
            closing: closing.clone(),
            meter: Arc::clone(&meter),
            held: Vec::new(),
        };
        tokio::spawn(task.run());
        Self { queue, room: Arc::new(Semaphore::new(ROOM)), durability, when_full, closing, meter }
    }

    /// Queues a row and, unless durability is relaxed, waits until it is kept. A queued row is written even when the
    /// caller stops waiting. Where nothing takes rows and no more of them can wait, `when_full` decides.
    pub(super) async fn append(&self, row: Row) -> Result<(), StoreError> {
        let room = match self.take_room(row.size()).await {
            Ok(room) => room,
            Err(error) if self.when_full == WhenFull::Refuse || self.closing.is_cancelled() => return Err(error),
            Err(error) => {
                self.meter.loses(1, &error);
                return Ok(());
            }
        };
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
        let room = timeout(PATIENCE, self.room.clone().acquire_many_owned(bytes)).await;
        let full = |_| StoreError(format!("{} MiB of records wait already and nothing takes them", ROOM >> 20));
        room.map_err(full)?.map_err(|_| closed())
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        self.queue.send(message).map_err(|_| closed())
    }
}

struct Task {
    keeper: Keeper,
    chain: Chain,
    messages: mpsc::UnboundedReceiver<Message>,
    durability: Durability,
    when_full: WhenFull,
    closing: CancellationToken,
    meter: Arc<Meter>,
    /// Rows that neither the database nor the journal took, in order; nobody waits for them any more.
    held: Vec<(Row, OwnedSemaphorePermit)>,
}

impl Task {
    async fn run(mut self) {
        while let Some(first) = self.next().await {
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
                let _ = done.send(self.end().await);
                return;
            }
        }
    }

    /// The next message; rows that are held are tried again meanwhile.
    async fn next(&mut self) -> Option<Message> {
        while !self.held.is_empty() {
            if let Ok(message) = timeout(PAUSE, self.messages.recv()).await {
                return message;
            }
            // What goes wrong is counted and told where it is tried.
            let _ = self.release().await;
        }
        self.messages.recv().await
    }

    async fn write(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let (mut rows, waiting): (Vec<_>, Vec<_>) =
            entries.into_iter().map(|Entry { row, done, room }| (row, (done, room))).unzip();
        rows.iter_mut().for_each(|row| row.seal(&mut self.chain));
        let written = match self.release().await {
            Ok(()) => self.keeper.keep(&rows).await,
            Err(error) => Err(error),
        };
        let holds = written.is_err() && (self.when_full == WhenFull::Serve || self.durability == Durability::Relaxed);
        if written.is_err() && !holds {
            // These records may be there or not: no other can follow them.
            self.chain = Chain::new();
        }
        let answer = if holds { Ok(()) } else { written };
        for (row, (done, room)) in rows.into_iter().zip(waiting) {
            if holds {
                self.held.push((row, room));
            }
            // A caller that has gone away needs no answer.
            let _ = done.map(|done| done.send(answer.clone()));
        }
        self.meter.holds(self.held.len());
    }

    /// Writes the rows that are held, which are older than all that come.
    async fn release(&mut self) -> Result<(), StoreError> {
        while !self.held.is_empty() {
            let most = self.held.len().min(GROUP);
            let (rows, rooms): (Vec<_>, Vec<_>) = self.held.drain(..most).unzip();
            let kept = self.keeper.keep(&rows).await;
            if kept.is_err() {
                self.held.splice(0..0, rows.into_iter().zip(rooms));
            }
            self.meter.holds(self.held.len());
            kept?;
        }
        Ok(())
    }

    /// The last try; tells of what is lost.
    async fn end(mut self) -> Result<(), StoreError> {
        let Err(error) = self.release().await else { return Ok(()) };
        self.meter.loses(self.held.len(), &error);
        Err(StoreError(format!("{} records are lost: {}", self.held.len(), error.0)))
    }
}

fn closed() -> StoreError {
    StoreError("it is closed: the server is shutting down".to_owned())
}

#[cfg(test)]
mod tests;

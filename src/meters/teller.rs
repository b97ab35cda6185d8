//! Tells the database what was added, and asks it what others did.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bank::Bank;
use super::sheet::{Batch, Post, Sheet, Waiting};
use super::{Full, Take};
use crate::decisions::StoreError;

/// The way to the task that speaks with the database. Clones lead to the same.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    sheet: Arc<Sheet>,
    /// Whether other processes change the levels too.
    is_shared: bool,
    desk: Arc<Desk>,
    closing: CancellationToken,
}

#[derive(Debug, Default)]
struct Desk {
    arrived: Notify,
    down: AtomicBool,
    /// Rounds begun and ended, and who waits for an end.
    begun: AtomicU64,
    ended: AtomicU64,
    round: Notify,
}

/// How long a request waits for the database before it goes by what this process knows.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a table may be behind that no other process reads.
const GATHER: Duration = Duration::from_millis(200);

/// From one try to the next where the database does not answer.
const PAUSE: Duration = Duration::from_secs(1);

impl Teller {
    /// Starts the task on the current runtime; at `closing` it tells what is left and ends.
    pub(super) fn start(bank: Arc<dyn Bank>, sheet: Arc<Sheet>, closing: CancellationToken) -> Self {
        let teller = Self { sheet, is_shared: bank.is_shared(), desk: Arc::default(), closing };
        tokio::spawn(teller.clone().work(bank));
        teller
    }

    /// Has the task tell what was added.
    pub(super) fn tell(&self) {
        self.desk.arrived.notify_one();
    }

    /// Adds amounts, once the database agrees where it has to be asked. One that does not answer stops nobody.
    pub(super) async fn take(&self, takes: Vec<Take>) -> Result<(), Full> {
        let is_down = self.is_down();
        let taken = self.sheet.take_and_ask(takes, self.is_shared, Timestamp::now());
        if taken.is_ok() || self.is_shared {
            self.tell();
        }
        match taken? {
            Some(answered) if !is_down => match timeout(PATIENCE, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Waits until the database was told all that was added until now, or does not answer.
    pub(super) async fn told(&self) {
        let round = self.desk.begun.load(Ordering::Acquire) + 1;
        self.tell();
        while self.desk.ended.load(Ordering::Acquire) < round && !self.is_down() && !self.closing.is_cancelled() {
            let _ = timeout(GATHER, self.desk.round.notified()).await;
        }
    }

    fn is_down(&self) -> bool {
        self.desk.down.load(Ordering::Relaxed)
    }

    async fn work(self, bank: Arc<dyn Bank>) {
        let closing = self.closing.clone();
        let mut closed = false;
        while !closed {
            closed = closing.run_until_cancelled(self.desk.arrived.notified()).await.is_none();
            if !self.is_shared && !self.sheet.is_awaited() {
                // Nobody waits, and more may come that is told at once.
                let _ = timeout(GATHER, closing.cancelled()).await;
            }
            self.desk.begun.fetch_add(1, Ordering::AcqRel);
            match self.tell_some(bank.as_ref()).await {
                Ok(()) if self.desk.down.swap(false, Ordering::Relaxed) => {
                    tracing::info!("limits go by the database again");
                }
                Ok(()) => {}
                Err(error) => {
                    self.goes_down(&error);
                    let _ = timeout(PAUSE, closing.cancelled()).await;
                    self.tell();
                }
            }
            self.desk.ended.fetch_add(1, Ordering::AcqRel);
            self.desk.round.notify_waiters();
        }
    }

    async fn tell_some(&self, bank: &dyn Bank) -> Result<(), StoreError> {
        let Batch { posts, waiting } = self.sheet.collect(Timestamp::now());
        if posts.is_empty() {
            return Ok(());
        }
        match self.post(bank, &posts).await {
            Ok(levels) => {
                self.sheet.learn(&posts, &levels, Timestamp::now());
                let names = posts.iter().map(|post| Arc::clone(&post.meter.name));
                self.answer(waiting, names.zip(levels).collect());
                Ok(())
            }
            Err(error) => {
                // Where they were added after all they count twice, which is the safer mistake.
                self.sheet.keep(&posts);
                Err(error)
            }
        }
    }

    async fn post(&self, bank: &dyn Bank, posts: &[Post]) -> Result<Vec<f64>, StoreError> {
        let mut post = bank.post(posts);
        match timeout(PATIENCE, &mut post).await {
            Ok(posted) => posted,
            Err(_) => {
                self.goes_down(&StoreError(format!("no answer within {} s", PATIENCE.as_secs_f64())));
                // It is waited for all the same: only its end tells whether the amounts were added.
                post.await
            }
        }
    }

    fn goes_down(&self, error: &StoreError) {
        if !self.desk.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = error.0, "limits go by what this router knows until the database answers");
        }
    }

    /// Says to each in turn whether its amounts fit on top of what others have, and takes back what does not. `levels` are
    /// those with all of them.
    fn answer(&self, waiting: Vec<Waiting>, mut levels: HashMap<Arc<str>, f64>) {
        for take in waiting.iter().flat_map(|waiting| &waiting.takes) {
            levels.entry(Arc::clone(&take.meter.name)).and_modify(|level| *level -= take.amount);
        }
        for Waiting { takes, answer } in waiting {
            let level = |take: &Take| levels.get(&take.meter.name).copied().unwrap_or_default();
            let full = takes.iter().enumerate().find_map(|(i, take)| take.refused_at(level(take), i));
            // Who has stopped waiting went ahead.
            if answer.send(full.map_or(Ok(()), Err)).is_ok() && full.is_some() {
                self.sheet.add(takes.into_iter().map(|take| (take.meter, -take.amount)), Timestamp::now());
                self.tell();
                continue;
            }
            for take in takes {
                *levels.entry(take.meter.name).or_default() += take.amount;
            }
        }
    }
}

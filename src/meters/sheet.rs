//! What a process knows of the levels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{Full, Meter, Take};

/// Levels by their names, with what the database was not told yet, and who waits for what it says.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    entries: HashMap<Arc<str>, Entry>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Entry {
    meter: Meter,
    level: f64,
    /// When it was that.
    at: Timestamp,
    /// Whether the database has told what others added.
    known: bool,
    /// What of the level the database was not told yet.
    untold: f64,
    /// Whether the database is to be asked even where there is nothing to tell.
    renew: bool,
}

/// Amounts that hold if the database says so.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) takes: Vec<Take>,
    pub(super) answer: oneshot::Sender<Result<(), Full>>,
}

/// An amount on its way to the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Post {
    pub(crate) meter: Meter,
    pub(crate) amount: f64,
}

/// What the database is to be told, each level once, and who waits for its answer to just that.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) posts: Vec<Post>,
    pub(super) waiting: Vec<Waiting>,
}

/// Entries beyond so many make room by those that nobody asks for: clients name tasks.
const MANY: usize = 10_000;

/// How long an entry counts as asked for.
const IDLE: Duration = Duration::from_secs(600);

impl Sheet {
    /// Adds amounts as far as the levels are known, or none where one does not fit; says whether all levels are known.
    pub(super) fn take(&self, takes: &[Take], now: Timestamp) -> Result<bool, Full> {
        self.lines().take(takes, now)
    }

    /// The same; where a level is not known, or always, the amounts then wait for the database's answer.
    pub(super) fn take_and_ask(
        &self,
        takes: Vec<Take>,
        always: bool,
        now: Timestamp,
    ) -> Result<Option<oneshot::Receiver<Result<(), Full>>>, Full> {
        let mut lines = self.lines();
        if lines.take(&takes, now)? && !always {
            return Ok(None);
        }
        let (answer, answered) = oneshot::channel();
        lines.waiting.push(Waiting { takes, answer });
        Ok(Some(answered))
    }

    /// Adds amounts.
    pub(super) fn add(&self, amounts: impl IntoIterator<Item = (Meter, f64)>, now: Timestamp) {
        let mut lines = self.lines();
        for (meter, amount) in amounts {
            lines.entry(&meter, now).add(amount, now);
        }
    }

    /// A level; nothing where it was never met.
    pub(super) fn level(&self, meter: &Meter, now: Timestamp) -> f64 {
        self.lines().level(meter, now)
    }

    /// What is to be told, in the order of names, so that no two processes wait for each other in a circle.
    pub(super) fn collect(&self, now: Timestamp) -> Batch {
        let mut lines = self.lines();
        if lines.entries.len() > MANY {
            let is_idle = |entry: &Entry| now.duration_since(entry.at).unsigned_abs() > IDLE;
            lines.entries.retain(|_, entry| entry.untold != 0.0 || !is_idle(entry));
        }
        let due = lines.entries.values_mut().filter(|entry| entry.untold != 0.0 || entry.renew || !entry.known);
        let mut posts: Vec<Post> = due.map(|entry| entry.post(now)).collect();
        posts.sort_by(|a, b| a.meter.name.cmp(&b.meter.name));
        Batch { posts, waiting: std::mem::take(&mut lines.waiting) }
    }

    /// Whether somebody waits for the database's answer.
    pub(super) fn is_awaited(&self) -> bool {
        !self.lines().waiting.is_empty()
    }

    /// The database has added what it was told, and these are the levels now.
    pub(super) fn learn(&self, posts: &[Post], levels: &[f64], now: Timestamp) {
        let mut lines = self.lines();
        for (post, level) in posts.iter().zip(levels) {
            if let Some(entry) = lines.entries.get_mut(&post.meter.name) {
                (entry.level, entry.at, entry.known) = ((level + entry.untold).max(0.0), now, true);
            }
        }
    }

    /// The database took nothing.
    pub(super) fn keep(&self, posts: &[Post]) {
        let mut lines = self.lines();
        for post in posts {
            if let Some(entry) = lines.entries.get_mut(&post.meter.name) {
                entry.untold += post.amount;
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn take(&mut self, takes: &[Take], now: Timestamp) -> Result<bool, Full> {
        for (i, take) in takes.iter().enumerate() {
            let level = self.level(&take.meter, now);
            if let Some(full) = take.refused_at(level, i) {
                // Others may have given back: what is known of it is renewed for the next one.
                self.entry(&take.meter, now).renew = true;
                return Err(full);
            }
        }
        let mut known = true;
        for take in takes {
            known &= self.entry(&take.meter, now).add(take.amount, now).known;
        }
        Ok(known)
    }

    fn level(&self, meter: &Meter, now: Timestamp) -> f64 {
        self.entries.get(&meter.name).map_or(0.0, |entry| entry.level_at(now))
    }

    fn entry(&mut self, meter: &Meter, now: Timestamp) -> &mut Entry {
        let new = || Entry { meter: meter.clone(), level: 0.0, at: now, known: false, untold: 0.0, renew: false };
        let entry = self.entries.entry(Arc::clone(&meter.name)).or_insert_with(new);
        // A rate may have been configured anew.
        entry.meter.leak = meter.leak;
        entry
    }
}

impl Entry {
    fn level_at(&self, now: Timestamp) -> f64 {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        (self.level - self.meter.leak * passed).max(0.0)
    }

    fn add(&mut self, amount: f64, now: Timestamp) -> &Self {
        self.level = (self.level_at(now) + amount).max(0.0);
        self.at = self.at.max(now);
        self.untold += amount;
        self
    }

    fn post(&mut self, now: Timestamp) -> Post {
        // What has leaked away before the database could be told is not told any more.
        let amount = if self.meter.leak > 0.0 { self.untold.min(self.level_at(now)) } else { self.untold };
        (self.untold, self.renew) = (0.0, false);
        Post { meter: self.meter.clone(), amount }
    }
}

impl Take {
    /// Why it does not fit on top of this level; `None` where it does.
    pub(super) fn refused_at(&self, level: f64, take: usize) -> Option<Full> {
        let over = level + self.amount - self.most;
        let leaks = self.meter.leak > 0.0 && self.amount <= self.most;
        let wait = leaks.then(|| Duration::try_from_secs_f64(over / self.meter.leak).unwrap_or(Duration::MAX));
        // Sums of amounts come out a hair above what they are.
        (over > 1e-9 * self.most).then_some(Full { take, level, wait })
    }
}

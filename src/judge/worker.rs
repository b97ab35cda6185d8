//! Takes jobs and works on them, several at once, until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::call::Failure;
use super::hash::{Salt, uniform};
use super::jobs::{self, Job};
use super::purse;
use super::work::Progress;
use crate::decisions::StoreError;

/// Works for a bench.
#[derive(Debug, Clone)]
pub struct Worker {
    bench: Arc<Bench>,
    counts: Arc<Counts>,
}

/// What a worker has done.
#[derive(Debug, Default)]
pub struct Counts {
    /// Jobs that were judged.
    pub judged: AtomicU64,
    /// Tries that failed.
    pub failed: AtomicU64,
    /// Jobs that wait for a batch.
    pub batched: AtomicU64,
    /// Jobs that there was no money for.
    pub unaffordable: AtomicU64,
}

/// When a worker without work looks again.
const POLL: Duration = Duration::from_secs(1);

/// The pause after the database has failed.
const BROKEN: Duration = Duration::from_secs(5);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What there was to do.
enum Turn {
    Worked,
    /// Nothing is due.
    Idle,
    /// There is no money for what is due.
    Poor,
}

impl Worker {
    /// A worker of this bench.
    #[must_use]
    pub fn new(bench: Arc<Bench>) -> Self {
        Self { bench, counts: Arc::default() }
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Works until `stop`, on so many jobs at once. What is under way then is given up: another worker goes on with it.
    pub async fn run(&self, at_once: u32, stop: &CancellationToken) {
        let mut hands = JoinSet::new();
        for _ in 0..at_once {
            let (worker, stop) = (self.clone(), stop.clone());
            hands.spawn(async move { stop.run_until_cancelled(worker.work_on()).await });
        }
        if self.bench.config.batch {
            let (bench, stop) = (Arc::clone(&self.bench), stop.clone());
            hands.spawn(async move { stop.run_until_cancelled(bench.batches()).await });
        }
        while hands.join_next().await.is_some() {}
    }

    /// Works until nothing is due any more, on so many jobs at once: what waits for its next try, for a batch or for money is
    /// left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drain(&self, at_once: u32) -> Result<(), StoreError> {
        let mut hands = JoinSet::new();
        for _ in 0..at_once.max(1) {
            let worker = self.clone();
            hands.spawn(async move {
                while matches!(worker.turn().await?, Turn::Worked) {}
                Ok(())
            });
        }
        if self.bench.config.batch {
            self.bench.batch_once().await?;
        }
        while let Some(ended) = hands.join_next().await {
            ended.unwrap_or_else(|error| Err(StoreError(error.to_string())))?;
        }
        Ok(())
    }

    async fn work_on(self) -> std::convert::Infallible {
        loop {
            match self.turn().await {
                Ok(Turn::Worked) => {}
                Ok(Turn::Idle | Turn::Poor) => sleep(POLL).await,
                Err(error) => {
                    tracing::warn!(%error, "the judge's jobs cannot be worked on");
                    sleep(BROKEN).await;
                }
            }
        }
    }

    async fn turn(&self) -> Result<Turn, StoreError> {
        let bench = &self.bench;
        let admission = bench.admission.lock().await;
        let taken = jobs::take(&bench.database, Timestamp::now(), bench.config.lease(), 1).await?;
        let Some(job) = taken.into_iter().next() else { return Ok(Turn::Idle) };
        if job.attempts > bench.config.max_attempts {
            let error = format!("no try came to its end, {} times: did the worker crash?", job.attempts - 1);
            self.failed(&job, &error, None).await?;
            return Ok(Turn::Worked);
        }
        if !bench.purse.allows().await? {
            self.counts.unaffordable.fetch_add(1, Ordering::Relaxed);
            bench.database.execute(jobs::give_back(&job, purse::again(&job.owner))).await?;
            return Ok(Turn::Poor);
        }
        drop(admission);
        let ended = tokio::select! {
            ended = bench.work(&job) => ended,
            lost = self.keep(&job) => lost,
        };
        self.settle(&job, ended).await?;
        Ok(Turn::Worked)
    }

    /// Gives signs of life; ends when another worker has taken the job.
    async fn keep(&self, job: &Job) -> Result<Progress, Failure> {
        let lease = self.bench.config.lease();
        loop {
            sleep(lease / 3).await;
            if !jobs::keep(&self.bench.database, job, Timestamp::now(), lease).await? {
                return Err(Failure::Taken);
            }
        }
    }

    async fn settle(&self, job: &Job, ended: Result<Progress, Failure>) -> Result<(), StoreError> {
        let database = &self.bench.database;
        match ended {
            Ok(Progress::Done) => drop(self.counts.judged.fetch_add(1, Ordering::Relaxed)),
            Ok(Progress::Batched) => {
                self.counts.batched.fetch_add(1, Ordering::Relaxed);
                database.execute(jobs::batched(job)).await?;
            }
            // Whoever has it now goes on.
            Err(Failure::Taken) => {}
            Err(Failure::Store(error)) => {
                database.execute(jobs::give_back(job, Timestamp::now())).await?;
                return Err(error);
            }
            Err(Failure::Passing(error, wait)) => {
                let due = (job.attempts < self.bench.config.max_attempts).then(|| self.next_try(job, wait));
                self.failed(job, &error, due).await?;
            }
            Err(Failure::Lasting(error)) => self.failed(job, &error, None).await?,
        }
        Ok(())
    }

    async fn failed(&self, job: &Job, error: &str, due: Option<Timestamp>) -> Result<(), StoreError> {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        if due.is_some() {
            tracing::debug!(job = job.id, error, "judging failed and is tried again");
        } else {
            tracing::warn!(job = job.id, error, "judging failed and is put aside; see `rungs judge status`");
        }
        self.bench.database.execute(jobs::failed(job, error, due)).await.map(drop)
    }

    /// The pause doubles with each try, with up to half as much again by chance, and is never shorter than the upstream asks.
    fn next_try(&self, job: &Job, wait: Option<Duration>) -> Timestamp {
        let config = &self.bench.config;
        let doublings = f64::from(job.attempts.saturating_sub(1).min(30));
        let chance = uniform(&config.seed, Salt::Shuffle, &format!("{}/{}", job.id, job.attempts));
        let seconds = config.retry_pause_s * doublings.exp2() * (1.0 + chance / 2.0);
        let pause = Duration::from_secs_f64(seconds.min(LONGEST_PAUSE.as_secs_f64())).max(wait.unwrap_or_default());
        jobs::later(Timestamp::now(), pause)
    }
}

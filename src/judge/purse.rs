//! What judging may cost: a share of what the requests cost, or an amount.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::hash::{Salt, uniform};
use super::jobs::later;
use crate::config::JudgeConfig;
use crate::database::{Database, Statement};
use crate::decisions::{StoreError, id};

/// The sums of the last days, looked up now and then.
#[derive(Debug)]
pub struct Purse {
    database: Database,
    share: f64,
    allowance: Option<Allowance>,
    window: Duration,
    requests: Mutex<Option<Sum>>,
}

/// What all jobs of a database together may cost, in place of a share of what its requests cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// The most, USD; `None` sets no limit.
    pub usd: Option<f64>,
    /// What a job is expected to cost as long as none has been done, USD.
    pub each_usd: f64,
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Spending {
    /// On requests, as far as it is known, USD.
    pub requests_usd: f64,
    /// On judging them, USD.
    pub judging_usd: f64,
    /// What judging may cost in all, USD; nothing where no cost of a request is known, and no limit holds.
    pub limit_usd: f64,
}

/// What requests cost up to a moment, and since when that is known.
#[derive(Debug, Clone, Copy)]
struct Sum {
    old_usd: f64,
    /// Ids from here on are summed up anew.
    from: Timestamp,
    counted: Instant,
    new_usd: f64,
    renewed: Instant,
}

/// How long what was summed up holds: of requests that have long been written, and of new ones.
const OLD_HOLDS: Duration = Duration::from_secs(3600);
const NEW_HOLDS: Duration = Duration::from_secs(2);

/// The shortest pause before a job that there is no money for is looked at again.
const AGAIN: Duration = Duration::from_secs(5);

/// Records come this late at most, the journal's apart.
const LATE: Duration = Duration::from_secs(600);

impl Purse {
    pub(super) fn new(config: &JudgeConfig, database: Database) -> Self {
        let window = Duration::from_secs_f64(config.spend_days * 86_400.0);
        Self { database, share: config.max_spend_share, allowance: None, window, requests: Mutex::default() }
    }

    pub(super) fn of(allowance: Allowance, config: &JudgeConfig, database: Database) -> Self {
        Self { allowance: Some(allowance), ..Self::new(config, database) }
    }

    /// Whether a job that was taken may be worked on: each one under way is taken to cost as much as the dearest so far.
    pub(super) async fn allows(&self) -> Result<bool, StoreError> {
        match self.allowance {
            Some(Allowance { usd: None, .. }) => Ok(true),
            Some(Allowance { usd: Some(most), each_usd }) => {
                let (spent, dearest, open) = self.stakes(Timestamp::UNIX_EPOCH).await?;
                Ok(spent + dearest.unwrap_or(each_usd).max(each_usd) * open <= most)
            }
            None => self.allows_a_share().await,
        }
    }

    async fn allows_a_share(&self) -> Result<bool, StoreError> {
        let (spent, dearest, open) = self.stakes(self.since(Timestamp::now())).await?;
        let requests = self.requests_usd().await?;
        // What the first one costs is not known: it is worked on alone.
        let at_stake = dearest.map_or(if open > 1.0 { f64::INFINITY } else { 0.0 }, |usd| usd * open);
        Ok(requests <= 0.0 || spent + at_stake <= self.share * requests)
    }

    /// What was spent on jobs since then, what the dearest that is done cost, and how many are under way.
    async fn stakes(&self, since: Timestamp) -> Result<(f64, Option<f64>, f64), StoreError> {
        let text = "SELECT COALESCE(SUM(spent_usd), 0.0), MAX(CASE WHEN state = 'done' THEN spent_usd END), \
                    COALESCE(CAST(SUM(CASE WHEN state IN ('leased', 'batched') THEN 1 ELSE 0 END) AS BIGINT), 0) \
                    FROM judge_jobs WHERE decision_id >= ?";
        let rows = self.database.read(Statement::new(text).bind(id::first_of(since))).await?;
        let Some(row) = rows.first() else { return Ok((0.0, None, 0.0)) };
        Ok((row.real(0)?, row.maybe_real(1)?, row.int(2)? as f64))
    }

    /// What was spent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn spending(&self) -> Result<Spending, StoreError> {
        let since = self.since(Timestamp::now());
        let text = "SELECT COALESCE(SUM(spent_usd), 0.0) FROM judge_jobs WHERE decision_id >= ?";
        let rows = self.database.read(Statement::new(text).bind(id::first_of(since))).await?;
        let judging_usd = rows.first().map(|row| row.real(0)).transpose()?.unwrap_or_default();
        let requests_usd = self.requests_usd().await?;
        Ok(Spending { requests_usd, judging_usd, limit_usd: self.share * requests_usd })
    }

    async fn requests_usd(&self) -> Result<f64, StoreError> {
        let now = Timestamp::now();
        let mut known = self.requests.lock().await;
        let sum = match *known {
            Some(sum) if sum.counted.elapsed() < OLD_HOLDS => sum,
            _ => {
                let from = now.checked_sub(LATE).unwrap_or(now);
                let old_usd = self.sum(self.since(now), Some(from)).await?;
                let stale = Instant::now();
                Sum { old_usd, from, counted: stale, new_usd: self.sum(from, None).await?, renewed: stale }
            }
        };
        let sum = if sum.renewed.elapsed() < NEW_HOLDS {
            sum
        } else {
            Sum { new_usd: self.sum(sum.from, None).await?, renewed: Instant::now(), ..sum }
        };
        *known = Some(sum);
        Ok(sum.old_usd + sum.new_usd)
    }

    async fn sum(&self, from: Timestamp, until: Option<Timestamp>) -> Result<f64, StoreError> {
        let text = "SELECT COALESCE(SUM(cost_usd), 0.0) FROM decisions WHERE id >= ? AND id < ?";
        // Ids are hexadecimal: none is as great as this.
        let until = until.map_or_else(|| "g".to_owned(), id::first_of);
        let rows = self.database.read(Statement::new(text).bind(id::first_of(from)).bind(until)).await?;
        rows.first().map_or(Ok(0.0), |row| row.real(0))
    }

    fn since(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.window).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// When a job that there is no money for is looked at again: each of several workers at a time of its own.
pub(super) fn again(owner: &str) -> Timestamp {
    later(Timestamp::now(), AGAIN.mul_f64(1.0 + uniform("", Salt::Shuffle, owner)))
}

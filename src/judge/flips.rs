//! Whether the judge's verdicts change with the order of the answers so often that all are asked for in both.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::JudgeConfig;
use crate::database::{Database, Statement};
use crate::decisions::StoreError;

/// The rate of verdicts that change, looked up now and then.
#[derive(Debug)]
pub(super) struct Flips {
    database: Database,
    most: f64,
    known: Mutex<Option<(Instant, bool)>>,
}

/// Pairs that it takes to tell.
const FEWEST: i64 = 20;

/// The newest verdicts that are looked at.
const NEWEST: i64 = 2000;

/// How long what was looked up holds.
const FRESH: Duration = Duration::from_secs(60);

impl Flips {
    pub(super) fn new(config: &JudgeConfig, database: Database) -> Self {
        Self { database, most: config.max_flip_rate, known: Mutex::default() }
    }

    /// Whether all comparisons are made in both orders.
    pub(super) async fn too_many(&self) -> Result<bool, StoreError> {
        let mut known = self.known.lock().await;
        if let Some((at, too_many)) = *known
            && at.elapsed() < FRESH
        {
            return Ok(too_many);
        }
        let too_many = self.look().await?;
        *known = Some((Instant::now(), too_many));
        Ok(too_many)
    }

    async fn look(&self) -> Result<bool, StoreError> {
        let text = "SELECT COUNT(*), COALESCE(CAST(SUM(CASE WHEN low < high THEN 1 ELSE 0 END) AS BIGINT), 0) FROM \
                    (SELECT MIN(score) AS low, MAX(score) AS high FROM \
                    (SELECT decision_id, subject, score FROM verdicts WHERE kind = 'pairwise' ORDER BY seq DESC LIMIT ?) AS newest \
                    GROUP BY decision_id, subject HAVING COUNT(*) = 2) AS pairs";
        let rows = self.database.read(Statement::new(text).bind(NEWEST)).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let (pairs, flips) = (row.int(0)?, row.int(1)?);
        Ok(pairs >= FEWEST && flips as f64 > self.most * pairs as f64)
    }
}

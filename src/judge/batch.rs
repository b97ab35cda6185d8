//! Calls that wait for a batch: gathered, handed in, looked after, and given back to their jobs.
//!
//! A batch is written down before it is handed in, so that one which a crash interrupts is looked for at the provider and not
//! handed in twice.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use super::bench::Bench;
use super::call::Called;
use super::jobs::later;
use crate::chat::{Answer, ChatRequest};
use crate::database::{DbRow, Statement};
use crate::decisions::StoreError;
use crate::upstream::batch::{BatchCall, BatchState, Batches, Found};
use crate::upstream::{Tier, UpstreamError};

/// Calls of one batch. Providers take 50,000 and more; the size of the files grows with them.
const MOST: i64 = 2000;

/// How long a step with a batch may take before another router takes it over.
const LEASE: Duration = Duration::from_secs(600);

impl Bench {
    /// Looks after batches for ever.
    pub(super) async fn batches(&self) -> std::convert::Infallible {
        loop {
            if let Err(error) = self.batch_once().await {
                tracing::warn!(%error, "the judge's batches cannot be looked after");
            }
            sleep(self.poll()).await;
        }
    }

    /// Does once what there is to do with batches.
    ///
    /// # Errors
    /// When the database fails. What fails at the provider is written down and tried again.
    pub(super) async fn batch_once(&self) -> Result<(), StoreError> {
        let Some(judge) = &self.judge else { return Ok(()) };
        let batches = Batches::new(&judge.config).map_err(StoreError)?;
        self.gather().await?;
        let take = "UPDATE judge_batches SET due_at = ? WHERE state <> 'done' AND due_at <= ? RETURNING id, state, provider_id";
        let now = Timestamp::now();
        for row in self.database.write(Statement::new(take).bind(later(now, LEASE)).bind(now)).await? {
            let (id, provider_id) = (row.text(0)?, row.maybe_text(2)?);
            let step = match (row.text(1)?.as_str(), provider_id) {
                ("sent", Some(provider_id)) => self.look(&batches, judge, &id, &provider_id).await,
                (state, _) => self.hand_in(&batches, &id, state == "submitting").await,
            };
            if let Err(error) = step? {
                let text = "UPDATE judge_batches SET error = ?, due_at = ? WHERE id = ?";
                let due = later(Timestamp::now(), error.retry_after().unwrap_or_default().max(self.poll()));
                let error = error.to_string().replace('\0', "\u{fffd}");
                self.database.execute(Statement::new(text).bind(error).bind(due).bind(&id)).await?;
            }
        }
        self.wake().await
    }

    /// From one look at a batch, and at what there is to do, to the next.
    fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.config.batch_poll_s)
    }

    /// Makes a batch of the calls that wait, once the oldest has waited long enough or there are many.
    async fn gather(&self) -> Result<(), StoreError> {
        let text = "SELECT COUNT(*), MIN(created_at) FROM judge_calls WHERE state = 'queued'";
        let rows = self.database.read(Statement::new(text)).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (count, oldest) = (row.int(0)?, row.maybe_int(1)?.unwrap_or(i64::MAX));
        let now = Timestamp::now();
        let waited = now.as_microsecond().saturating_sub(oldest) as f64 / 1e6;
        if count == 0 || (count < MOST && waited < self.config.batch_wait_s) {
            return Ok(());
        }
        let id = Uuid::now_v7().simple().to_string();
        let lock = if self.database.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
        let insert = "INSERT INTO judge_batches (id, state, created_at, due_at) VALUES (?, 'gathered', ?, ?)";
        let claim = format!(
            "UPDATE judge_calls SET state = 'sent', batch_id = ? WHERE id IN \
             (SELECT id FROM judge_calls WHERE state = 'queued' ORDER BY created_at LIMIT ?{lock})"
        );
        let insert = Statement::new(insert).bind(&id).bind(now).bind(now);
        self.database.transaction(vec![insert, Statement::new(claim).bind(&id).bind(MOST)]).await.map(drop)
    }

    /// Hands a batch in, unless the provider has it already.
    async fn hand_in(
        &self,
        batches: &Batches,
        id: &str,
        perhaps: bool,
    ) -> Result<Result<(), UpstreamError>, StoreError> {
        let calls = self.calls(id).await?;
        if calls.is_empty() {
            return self.ended(id).await.map(Ok);
        }
        if perhaps {
            let ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
            match batches.find(id, &ids, &self.known().await?).await {
                Ok(Found::Known(provider_id)) => return self.sent(id, &provider_id).await.map(Ok),
                Ok(Found::Later) => return self.look_again(id).await.map(Ok),
                Ok(Found::Unknown) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        self.database
            .execute(Statement::new("UPDATE judge_batches SET state = 'submitting' WHERE id = ?").bind(id))
            .await?;
        match batches.submit(id, &calls).await {
            Ok(provider_id) => self.sent(id, &provider_id).await.map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn look(
        &self,
        batches: &Batches,
        judge: &Tier,
        id: &str,
        provider_id: &str,
    ) -> Result<Result<(), UpstreamError>, StoreError> {
        match batches.poll(provider_id).await {
            Ok(BatchState::Running) => self.look_again(id).await.map(Ok),
            Ok(BatchState::Failed(why)) => {
                tracing::warn!(batch = provider_id, why, "a batch of the judge's failed");
                self.ended(id).await.map(Ok)
            }
            Ok(BatchState::Ended(answers)) => {
                for (call, answer) in answers {
                    self.answered(judge, &call.replace('_', "/"), answer).await?;
                }
                self.ended(id).await.map(Ok)
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Keeps an answer and counts its cost, both once.
    async fn answered(&self, judge: &Tier, call: &str, answer: Result<Box<Answer>, String>) -> Result<(), StoreError> {
        let called = match answer {
            Ok(answer) => Called::of(judge, &answer),
            Err(why) => Called { said: Err(why), model: judge.config.model.clone(), cost_usd: Some(0.0) },
        };
        let spend = "UPDATE judge_jobs SET spent_usd = spent_usd + ? WHERE id = \
                     (SELECT job_id FROM judge_calls WHERE id = ? AND state = 'sent')";
        let keep = "UPDATE judge_calls SET state = 'done', result = ?, request = NULL WHERE id = ? AND state = 'sent'";
        let spend = Statement::new(spend).bind(called.cost_usd.unwrap_or(0.0)).bind(call);
        self.database.transaction(vec![spend, Statement::new(keep).bind(called.json()).bind(call)]).await.map(drop)
    }

    /// The batch is over: a call that it did not answer failed.
    async fn ended(&self, id: &str) -> Result<(), StoreError> {
        let missing =
            Called { said: Err("was not answered by its batch".to_owned()), model: String::new(), cost_usd: Some(0.0) };
        let keep =
            "UPDATE judge_calls SET state = 'done', result = ?, request = NULL WHERE batch_id = ? AND state = 'sent'";
        let done = "UPDATE judge_batches SET state = 'done', error = NULL WHERE id = ?";
        let keep = Statement::new(keep).bind(missing.json()).bind(id);
        self.database.transaction(vec![keep, Statement::new(done).bind(id)]).await.map(drop)
    }

    async fn sent(&self, id: &str, provider_id: &str) -> Result<(), StoreError> {
        let text = "UPDATE judge_batches SET state = 'sent', provider_id = ?, due_at = ?, error = NULL WHERE id = ?";
        let sent = Statement::new(text).bind(provider_id).bind(Timestamp::now()).bind(id);
        self.database.execute(sent).await.map(drop)
    }

    async fn look_again(&self, id: &str) -> Result<(), StoreError> {
        let text = "UPDATE judge_batches SET due_at = ?, error = NULL WHERE id = ?";
        self.database.execute(Statement::new(text).bind(later(Timestamp::now(), self.poll())).bind(id)).await.map(drop)
    }

    async fn calls(&self, batch: &str) -> Result<Vec<BatchCall>, StoreError> {
        let text = "SELECT id, request FROM judge_calls WHERE batch_id = ? AND state = 'sent' ORDER BY id";
        let rows = self.database.read(Statement::new(text).bind(batch)).await?;
        let read = |row: &DbRow| {
            let request = row.maybe_text(1)?.unwrap_or_default();
            let request = ChatRequest::parse(request.as_bytes()).map_err(|error| StoreError(error.to_string()))?;
            Ok(BatchCall { id: row.text(0)?.replace('/', "_"), request })
        };
        rows.iter().map(read).collect()
    }

    /// The provider's ids of our batches.
    async fn known(&self) -> Result<Vec<String>, StoreError> {
        let text = "SELECT provider_id FROM judge_batches WHERE provider_id IS NOT NULL";
        self.database.read(Statement::new(text)).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Jobs go on whose calls are all answered.
    async fn wake(&self) -> Result<(), StoreError> {
        let text = "UPDATE judge_jobs SET state = 'waiting', due_at = ? WHERE state = 'batched' AND NOT EXISTS \
                    (SELECT 1 FROM judge_calls WHERE job_id = judge_jobs.id AND result IS NULL)";
        self.database.execute(Statement::new(text).bind(Timestamp::now())).await.map(drop)
    }
}

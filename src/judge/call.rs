//! Calls that a job makes, each paid for once: what came of a call is kept until its job is done.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::bench::Bench;
use super::jobs::{self, Job};
use crate::chat::{Answer, ChatRequest, Usage};
use crate::config::Price;
use crate::database::Statement;
use crate::decisions::StoreError;
use crate::upstream::{Tier, UpstreamError, Watch};

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Called {
    /// What was said; `Err` tells why it is no answer.
    pub(super) said: Result<String, String>,
    /// The model, as the upstream calls it.
    pub(super) model: String,
    /// What it cost; `None` where tokens or the price are not known.
    pub(super) cost_usd: Option<f64>,
}

/// What a job asks for.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// What the job calls it.
    pub(super) name: String,
    pub(super) tier: &'a Tier,
    pub(super) request: ChatRequest,
    /// Whether it may wait for a batch.
    pub(super) batched: bool,
}

/// Why a job is not done.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// The same may succeed later.
    #[error("{0}")]
    Passing(String, Option<Duration>),
    /// It never will.
    #[error("{0}")]
    Lasting(String),
    /// Another worker has taken the job.
    #[error("another worker has it")]
    Taken,
    /// The database does not answer: the job is given back as it is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Bench {
    /// Makes calls, or gives what came of them earlier; `None` where some of them wait for a batch.
    pub(super) async fn call(&self, job: &Job, asks: Vec<Ask<'_>>) -> Result<Option<Vec<Called>>, Failure> {
        let mut called = Vec::with_capacity(asks.len());
        let mut waits = false;
        for ask in asks {
            let id = format!("{}/{}", job.id, ask.name);
            match self.earlier(&id).await? {
                Some(Some(earlier)) => called.push(earlier),
                Some(None) => waits = true,
                None if ask.batched => {
                    self.database.execute(queue(job, &id, &ask)).await?;
                    waits = true;
                }
                None => called.push(self.make(job, ask).await?),
            }
        }
        Ok((!waits).then_some(called))
    }

    /// What came of a call; `Some(None)` for one that waits for its batch.
    async fn earlier(&self, id: &str) -> Result<Option<Option<Called>>, StoreError> {
        let rows = self.database.read(Statement::new("SELECT result FROM judge_calls WHERE id = ?").bind(id)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let result = row.maybe_text(0)?.map(|json| serde_json::from_str(&json));
        result.transpose().map(Some).map_err(|error| StoreError(format!("a kept call cannot be read: {error}")))
    }

    async fn make(&self, job: &Job, ask: Ask<'_>) -> Result<Called, Failure> {
        self.turn().await;
        let time = Duration::from_secs_f64(ask.tier.config.total_timeout_s);
        let completion = ask.tier.endpoints.complete(&ask.request, &Watch::until(Instant::now() + time)).await;
        let completion = completion.map_err(|error| failed(ask.tier, &error))?;
        let called = Called::of(ask.tier, &completion.answer);
        let keep = called.kept(&job.id, &job.decision_id, &ask.name);
        self.database.transaction(vec![keep, jobs::spent(&job.id, called.cost_usd.unwrap_or(0.0))]).await?;
        Ok(called)
    }
}

impl Called {
    /// What an answer comes to.
    pub(super) fn of(tier: &Tier, answer: &Answer) -> Self {
        let said = if let Some(refusal) = answer.refusal.as_ref().filter(|refusal| !refusal.is_empty()) {
            Err(format!("refused: {}", shortened(refusal)))
        } else if answer.text.trim().is_empty() {
            Err("gave no text".to_owned())
        } else if answer.finish_reason.as_deref() == Some("length") {
            Err("was cut off at its token limit".to_owned())
        } else {
            Ok(answer.text.clone())
        };
        let cost = |usage: Usage| Some(Price::cost_usd(&tier.config.price_now()?, usage));
        Self {
            said,
            model: answer.model.clone().unwrap_or_else(|| tier.config.model.clone()),
            cost_usd: answer.usage.and_then(cost),
        }
    }

    /// The statement that keeps it until its job is done.
    pub(super) fn kept(&self, job: &str, decision: &str, name: &str) -> Statement {
        let keep = Statement::new(
            "INSERT INTO judge_calls (id, job_id, decision_id, state, created_at, result) VALUES (?, ?, ?, 'done', ?, ?) \
             ON CONFLICT DO NOTHING",
        );
        keep.bind(format!("{job}/{name}")).bind(job).bind(decision).bind(Timestamp::now()).bind(self.json())
    }

    pub(super) fn json(&self) -> String {
        // Texts and finite numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The statement that forgets what came of a call: it is made anew with the next try.
pub(super) fn forget(job: &Job, name: &str) -> Statement {
    Statement::new("DELETE FROM judge_calls WHERE id = ?").bind(format!("{}/{name}", job.id))
}

/// The statement that forgets all calls of a job.
pub(super) fn forget_all(job: &Job) -> Statement {
    Statement::new("DELETE FROM judge_calls WHERE job_id = ?").bind(&job.id)
}

fn queue(job: &Job, id: &str, ask: &Ask<'_>) -> Statement {
    let insert = Statement::new(
        "INSERT INTO judge_calls (id, job_id, decision_id, state, created_at, request) VALUES (?, ?, ?, 'queued', ?, ?) \
         ON CONFLICT DO NOTHING",
    );
    let body = String::from_utf8_lossy(&ask.request.to_body()).into_owned();
    insert.bind(id).bind(&job.id).bind(&job.decision_id).bind(Timestamp::now()).bind(body)
}

fn failed(tier: &Tier, error: &UpstreamError) -> Failure {
    Failure::Passing(format!("{} {error}", tier.name()), error.retry_after())
}

/// What ends up in errors and records, bounded.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

//! Puts questions to the tiers, and keeps what they say.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use indexmap::IndexMap;
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::BootstrapError;
use super::estimate::Expected;
use super::folder::{Answers, Folder, MODEL, QUESTION};
use super::ledger::{Ledger, Stop};
use super::sample::Question;
use super::summary::Failed;
use crate::chat::Answer;
use crate::config::Price;
use crate::decisions::{Attempt, AttemptStatus, DecisionRecord, Outcome, Purpose, Signals};
use crate::judge::Sampling;
use crate::policy::Cause;
use crate::upstream::{Tier, Watch};

/// Everything that the calls share.
pub(super) struct Asking<'a> {
    pub(super) folder: &'a Folder,
    pub(super) tiers: &'a [Tier],
    pub(super) expected: &'a Expected,
    pub(super) ledger: &'a Ledger,
    pub(super) bar: &'a ProgressBar,
}

impl Asking<'_> {
    /// Asks each tier what it was not asked before, on so many at once; gives what failed. A limit that is reached ends it early.
    pub(super) async fn all(
        &self,
        questions: &[Question],
        known: &Answers,
        at_once: usize,
    ) -> Result<Vec<Failed>, BootstrapError> {
        let missing = |question: &&Question, tier: &&Tier| known.get(&question.key, tier.name()).is_none();
        let pairs = questions.iter().flat_map(|question| {
            self.tiers.iter().filter(move |tier| missing(&question, tier)).map(move |tier| (question, tier))
        });
        let pairs: Vec<(&Question, &Tier)> = pairs.collect();
        self.bar.set_length(pairs.len() as u64);
        let mut ended = stream::iter(pairs).map(|(question, tier)| self.one(question, tier)).buffer_unordered(at_once);
        let mut failed = Vec::new();
        while let Some(result) = ended.next().await {
            failed.extend(result?);
        }
        match self.ledger.stopped() {
            Some(Stop::Broken(why)) => Err(BootstrapError::Upstream(why)),
            _ => Ok(failed),
        }
    }

    async fn one(&self, question: &Question, tier: &Tier) -> Result<Option<Failed>, BootstrapError> {
        let expected = self.expected.usd(question, tier).unwrap_or(0.0);
        if !self.ledger.reserve(expected) {
            return Ok(None);
        }
        let time = Duration::from_secs_f64(tier.config.total_timeout_s);
        let request = if tier.config.logprobs {
            question.request.clone().with("logprobs", &Value::Bool(true))
        } else {
            question.request.clone()
        };
        let begun = Instant::now();
        let called = tier.endpoints.complete(&request, &Watch::until(tokio::time::Instant::now() + time)).await;
        self.bar.inc(1);
        match called {
            Ok(completion) => {
                let record = record(question, tier, &completion.answer, begun.elapsed());
                self.ledger.settle(tier.name(), expected, Ok(record.cost_usd.unwrap_or(0.0)));
                let unusable = record.error.clone().filter(|error| error != BLANK || is_last(self.tiers, tier));
                self.folder.store.append(record).await?;
                Ok(unusable.map(|error| Failed::of(question, tier.name(), error)))
            }
            Err(error) => {
                let error = error.to_string();
                self.ledger.settle(tier.name(), expected, Err(&error));
                Ok(Some(Failed::of(question, tier.name(), error)))
            }
        }
    }
}

fn is_last(tiers: &[Tier], tier: &Tier) -> bool {
    tiers.last().is_some_and(|last| last.name() == tier.name())
}

/// An answer as the folder keeps it. One that cannot be judged is kept as well, with the reason in `error`: it was paid for.
fn record(question: &Question, tier: &Tier, answer: &Answer, took: Duration) -> DecisionRecord {
    let said = said(answer);
    let usage = answer.usage;
    let cost_usd = usage.zip(tier.config.price_now()).map(|(usage, price)| Price::cost_usd(&price, usage));
    let latency_ms = took.as_secs_f64() * 1e3;
    let names = [(QUESTION, question.key.as_str()), (MODEL, tier.config.model.as_str())];
    DecisionRecord {
        id: Uuid::now_v7().to_string(),
        at: Timestamp::now(),
        route: question.route.clone(),
        task: None,
        tenant: None,
        conversation: None,
        key: None,
        metadata: names.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>(),
        trace: None,
        requested_model: tier.name().to_owned(),
        cause: Cause::Direct,
        model_version: None,
        p: IndexMap::new(),
        observed: None,
        score: None,
        threshold: None,
        novelty: None,
        rungs: vec![tier.name().to_owned()],
        propensity: 1.0,
        outcome: Outcome::Served,
        tier: Some(tier.name().to_owned()),
        model: answer.model.clone(),
        escalations: 0,
        streamed: false,
        stand_in: false,
        usage: usage.unwrap_or_default(),
        cost_usd,
        frontier_usd: None,
        cache_saved_usd: None,
        latency_ms,
        ttft_ms: None,
        ttft_uncascaded_ms: None,
        decide_ms: 0.0,
        content_sha256: None,
        redaction_error: None,
        budget: None,
        cap: None,
        fell_back: false,
        sampling: Some(chosen()),
        error: said.as_ref().err().cloned(),
        config: String::new(),
        receipt: None,
        request: serde_json::from_slice(&question.request.to_body()).ok(),
        answer: said.ok(),
        attempts: vec![attempt(tier, answer, cost_usd, latency_ms)],
    }
}

/// Every question is judged; no stream has drawn it, so that the store makes no job of its own.
fn chosen() -> Sampling {
    let (drawn, counterfactual) = (Vec::new(), 0.0);
    Sampling { monitor: 0.0, learn: 1.0, propensity: 1.0, capped: 1.0, drawn, counterfactual, shadow: false }
}

fn attempt(tier: &Tier, answer: &Answer, cost_usd: Option<f64>, latency_ms: f64) -> Attempt {
    let count = answer.logprobs.len();
    let sum: f64 = answer.logprobs.iter().map(|token| token.logprob).sum();
    Attempt {
        tier: tier.name().to_owned(),
        purpose: Purpose::Answer,
        status: AttemptStatus::Accepted,
        reason: None,
        signals: Signals { mean_logprob: (count > 0).then(|| sum / count as f64), ..Signals::default() },
        checks: Vec::new(),
        usage: answer.usage,
        usage_estimated: false,
        cost_usd,
        started_ms: 0.0,
        latency_ms,
        early: None,
        finish_reason: answer.finish_reason.clone(),
        model: answer.model.clone(),
        error: None,
        endpoint: None,
        failed_calls: Vec::new(),
        hedged: 0,
    }
}

/// Why an answer without a word cannot be judged. It need not be, either: any answer is better.
pub(super) const BLANK: &str = "gave no text";

/// The text of an answer as its user would read it, or why there is none to judge.
fn said(answer: &Answer) -> Result<String, String> {
    if !answer.tool_calls.is_empty() {
        return Err("called a tool: its answer is not text alone, and cannot be judged".to_owned());
    }
    let refusal = answer.refusal.clone().unwrap_or_default();
    match [&answer.text, &refusal].into_iter().find(|text| !text.trim().is_empty()) {
        Some(text) => Ok(text.clone()),
        None => Err(BLANK.to_owned()),
    }
}

//! Measures an answer and says whether it passes.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::agreement::{Conclusion, Meaning, Vote, vote};
use super::checks::{ANY, Checked, Checks, Subject};
use super::confidence;
use super::engine::Job;
use super::form::form;
use super::schemas::Schemas;
use crate::chat::{Answer, ChatRequest};
use crate::config::{CascadeConfig, Config};
use crate::decisions::{EscalationReason, Signals};
use crate::features::embedding::Embedder;

/// What every answer is held against. One serves all requests.
pub(super) struct Examiner {
    pub(super) config: CascadeConfig,
    pub(super) checks: Checks,
    schemas: Schemas,
    embedder: Option<Arc<dyn Embedder>>,
    /// Of the routes that have their own, how long a streamed answer may be held back.
    budgets: IndexMap<String, Duration>,
}

impl Examiner {
    pub(super) fn new(config: &Config, embedder: Option<Arc<dyn Embedder>>) -> Self {
        Self {
            config: config.cascade.clone(),
            checks: Checks::new(&config.checks, &config.routes),
            schemas: Schemas::default(),
            embedder,
            budgets: config
                .routes
                .iter()
                .filter_map(|(name, route)| Some((name.clone(), route.ttft_budget()?)))
                .collect(),
        }
    }

    /// Until when a streamed answer may be held back.
    pub(super) fn first_token_by(&self, job: &Job) -> Instant {
        let own = job.ledger.route().and_then(|route| self.budgets.get(route)).or_else(|| self.budgets.get(ANY));
        let common = || Duration::from_secs_f64(self.config.stream.ttft_budget_s);
        job.ledger.arrived() + own.copied().unwrap_or_else(common)
    }

    /// What can be measured of an answer. `agreement` is the share of the samples that it speaks for, where several were
    /// drawn.
    pub(super) async fn measure(&self, request: &ChatRequest, answer: &Answer, agreement: Option<f64>) -> Signals {
        Signals { form: form(&self.schemas, request, answer).await, ..confidence::measure(answer, agreement) }
    }

    /// Puts answers to the vote; `None` for fewer than two. Free text is compared by its meaning where that can be had.
    pub(super) async fn vote(&self, conclusions: Vec<Conclusion>) -> Option<Vote> {
        let embedder = self.embedder.clone();
        let is_slow = embedder.as_ref().is_some_and(|embedder| embedder.is_slow());
        let count = move || match embedder.map(|embedder| Meaning::new(embedder.as_ref()).vote(&conclusions)) {
            Some(Ok(vote)) => vote,
            Some(Err(error)) => {
                tracing::warn!(%error, "answers could not be embedded; they are compared word by word");
                by_word(&conclusions)
            }
            None => by_word(&conclusions),
        };
        if is_slow { tokio::task::spawn_blocking(count).await.ok().flatten() } else { count() }
    }

    /// Why an answer by itself is not good enough; `None` when it passes.
    pub(super) fn weigh(&self, request: &ChatRequest, answer: &Answer, signals: Signals) -> Option<EscalationReason> {
        confidence::check(request, answer, signals, &self.config)
    }

    /// Why an answer is not good enough, with what the user's checks say of it. They outrank what is predicted, and are
    /// not asked where the answer lacks what no check can make good.
    pub(super) async fn judge(&self, subject: Subject<'_>, signals: Signals) -> (Option<EscalationReason>, Checked) {
        let reason = self.weigh(subject.request, subject.answer, signals);
        if reason.is_some_and(|reason| !reason.is_predicted()) {
            return (reason, Checked::default());
        }
        let checked = self.checks.run(subject, &self.schemas).await;
        (checked.outrank(reason), checked)
    }
}

fn by_word(conclusions: &[Conclusion]) -> Option<Vote> {
    vote(conclusions, |a, b| conclusions[a].agrees(&conclusions[b]))
}

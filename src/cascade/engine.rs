//! Takes a request from its plan to its answer, and ends every one with its record.

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::call::{Fetched, Shape};
use super::caps::Caps;
use super::checks::CheckState;
use super::climb::Arrived;
use super::conversations::Conversations;
use super::examine::Examiner;
use super::failure::{Failure, FailureCause};
use super::ledger::Ledger;
use super::privacy::Privacy;
use super::prospect::Prospect;
use super::reply::{Reply, StreamReply};
use super::savings;
use super::stats::{Figures, Stats};
use super::stream;
use crate::chat::{ChatRequest, Usage};
use crate::config::{Config, Durability};
use crate::decisions::{DecisionFilter, DecisionStore, Outcome, StoreError};
use crate::features::embedding::Embedder;
use crate::judge::Sampler;
use crate::policy::{Plan, Stay};
use crate::telemetry::{Metrics, Traces};
use crate::upstream::Tier;

/// Calls tiers and keeps records. One serves all requests.
pub struct Engine {
    pub(super) tiers: IndexMap<String, Tier>,
    pub(super) examiner: Examiner,
    stats: Stats,
    conversations: Option<Conversations>,
    sampler: Sampler,
    metrics: Metrics,
    traces: Option<Traces>,
    store: Arc<dyn DecisionStore>,
    durability: Durability,
    privacy: Privacy,
    tasks: TaskTracker,
}

/// Records of the log that are recalled.
const RECALLED: u32 = 1000;

/// One request to be answered.
#[derive(Debug)]
pub struct Job {
    /// What the tiers are asked.
    pub request: ChatRequest,
    /// Which tiers, in which order.
    pub plan: Plan,
    /// The record so far.
    pub ledger: Ledger,
    /// When the request's time is over, every attempt included.
    pub deadline: Instant,
    /// What the request may take, every attempt included.
    pub caps: Caps,
    /// What was expected of the tiers; `None` where the router did not choose by it.
    pub prospect: Option<Prospect>,
}

impl Engine {
    /// An engine over these tiers. The embedder compares answers in free text; without one they agree word by word.
    pub fn new(
        tiers: impl IntoIterator<Item = Tier>,
        config: &Config,
        embedder: Option<Arc<dyn Embedder>>,
        store: Arc<dyn DecisionStore>,
    ) -> Self {
        let tiers: IndexMap<String, Tier> = tiers.into_iter().map(|tier| (tier.name().to_owned(), tier)).collect();
        let sampler = Sampler::new(config, tiers.last().map(|(_, tier)| &tier.config));
        Self {
            tiers,
            examiner: Examiner::new(config, embedder),
            stats: Stats::new(&config.cascade),
            conversations: Conversations::new(&config.stickiness),
            sampler,
            metrics: Metrics::new(config),
            traces: traces(config),
            store,
            durability: config.log.durability,
            privacy: Privacy::new(config),
            tasks: TaskTracker::new(),
        }
    }

    /// The tiers, cheap → frontier.
    pub fn tiers(&self) -> impl ExactSizeIterator<Item = &Tier> + Clone {
        self.tiers.values()
    }

    /// Counts what the log tells of earlier requests, the last thousand at most, so that a restart forgets no cascade
    /// that did not pay.
    ///
    /// # Errors
    /// When the log cannot be read; nothing is counted then.
    pub async fn recall(&self) -> Result<(), StoreError> {
        let filter = DecisionFilter { limit: RECALLED, without_content: true, ..DecisionFilter::default() };
        let page = self.store.list(&filter).await?;
        for record in page.decisions.iter().rev() {
            self.stats.recall(record, |name| self.tiers.get(name));
            self.sampler.recall(record);
        }
        Ok(())
    }

    /// The plan of a request, sent straight to its ceiling where the cascade below was switched off by measurement.
    #[must_use]
    pub fn gate(&self, plan: Plan, route: Option<&str>, id: &str) -> Plan {
        self.stats.gate(plan, route, id)
    }

    /// What speaks for a conversation's staying at the tier that answered it last, for a call that is expected to take so
    /// much; `None` for one that is not known.
    #[must_use]
    pub fn stay(&self, conversation: &str, expected: Usage) -> Option<Stay> {
        let tiers = self.tiers.values().map(|tier| &tier.config);
        self.conversations.as_ref()?.stay(conversation, tiers, (expected.input_tokens, expected.output_tokens))
    }

    /// How the requests went.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.stats.figures()
    }

    /// The metrics of all requests, as text.
    ///
    /// # Errors
    /// When the text cannot be written, which memory alone can cause.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.metrics.text(self.tiers.values(), &self.store.state())
    }

    /// How the user's checks do.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckState> {
        self.examiner.checks.states()
    }

    /// A whole answer. Dropping the future gives the request up: its call ends and its record says so.
    ///
    /// # Errors
    /// When no tier gave an answer that passed, the time was over, or the record could not be kept.
    pub async fn answer(self: &Arc<Self>, job: Job) -> Result<Reply, Failure> {
        self.in_background(job, Self::run_whole).await
    }

    /// A streamed answer; it begins once there is something of it that will be served. Dropping the future or the
    /// reply's events gives the request up.
    ///
    /// # Errors
    /// As for [`Engine::answer`], before the first byte; later ones are events of the stream.
    pub async fn stream(self: &Arc<Self>, job: Job) -> Result<StreamReply, Failure> {
        self.in_background(job, stream::run).await
    }

    /// Waits for the requests under way, those included whose client has gone, and whose records are being kept.
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Sends the last traces, for five seconds at most; later ones are lost.
    pub async fn close_traces(self: Arc<Self>) {
        // A panic there has been logged, and there is nothing to do about it here.
        let _ = tokio::task::spawn_blocking(move || self.traces.iter().for_each(Traces::close)).await;
    }

    /// Runs a request in a task of its own, so that its record is kept even if the caller goes away.
    async fn in_background<T, F>(
        self: &Arc<Self>,
        job: Job,
        run: impl FnOnce(Arc<Self>, Job, oneshot::Sender<Result<T, Failure>>) -> F,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let id = job.ledger.id().to_owned();
        let (sender, receiver) = oneshot::channel();
        self.tasks.spawn(run(Arc::clone(self), job, sender));
        let broken = FailureCause::Internal("the request's task ended without an answer".to_owned());
        receiver.await.unwrap_or(Err(Failure { id, cause: broken }))
    }

    async fn run_whole(self: Arc<Self>, mut job: Job, mut client: oneshot::Sender<Result<Reply, Failure>>) {
        let arrived = tokio::select! {
            biased;
            () = client.closed() => None,
            arrived = self.climb(&mut job, Shape::Whole) => Some(arrived),
        };
        let result = match arrived {
            None => return self.cancelled(job).await,
            Some(Err(cause)) => Err(self.failed(job, cause).await),
            Some(Ok(arrived)) => self.serve_whole(job, arrived).await,
        };
        // A client that has gone by now has its record all the same.
        let _ = client.send(result);
    }

    async fn serve_whole(&self, mut job: Job, arrived: Arrived) -> Result<Reply, Failure> {
        let Arrived::Complete(tier, Fetched::Whole(completion)) = arrived else {
            let cause = FailureCause::Internal("a stream came where a whole answer was asked for".to_owned());
            return Err(self.failed(job, cause).await);
        };
        job.ledger.first_byte();
        job.ledger.serves(&tier, completion.answer.model.as_deref());
        job.ledger.keep_answer(&completion.answer.text);
        match self.keep(&mut job.ledger, Outcome::Served, None).await {
            Ok(()) => Ok(Reply { facts: job.ledger.facts(), completion }),
            Err(cause) => Err(Failure { id: job.ledger.id().to_owned(), cause }),
        }
    }

    pub(super) async fn cancelled(&self, mut job: Job) {
        let kept = self.keep(&mut job.ledger, Outcome::Cancelled, Some("the client went away".to_owned())).await;
        report(job.ledger.id(), kept);
    }

    /// Ends a request that failed; its record is kept if it can be, and the failure stays what it was.
    pub(super) async fn failed(&self, mut job: Job, cause: FailureCause) -> Failure {
        let kept = self.keep(&mut job.ledger, Outcome::Failed, Some(cause.to_string())).await;
        report(job.ledger.id(), kept);
        Failure { id: job.ledger.id().to_owned(), cause }
    }

    /// Closes the ledger and keeps the record (invariant 4: this comes before the last byte).
    pub(super) async fn keep(
        &self,
        ledger: &mut Ledger,
        outcome: Outcome,
        error: Option<String>,
    ) -> Result<(), FailureCause> {
        let mut record = ledger.close(outcome, error);
        savings::account(&mut record, &self.tiers);
        self.metrics.count(&record);
        self.traces.iter().for_each(|traces| traces.tell(&record));
        self.stats.count(&record, |name| self.tiers.get(name));
        if let Some(conversations) = &self.conversations {
            conversations.learn(&record, |name| self.tiers.get(name).map(|tier| &tier.config));
        }
        tracing::debug!(
            decision = record.id,
            ?outcome,
            tier = record.tier,
            escalations = record.escalations,
            cost_usd = record.cost_usd,
            latency_ms = record.latency_ms,
            "the request ends"
        );
        self.privacy.apply(&mut record, ledger.content()).await;
        // What is not stored cannot be judged.
        record.sampling = self.sampler.draw(&record);
        match (self.store.append(record).await, self.durability) {
            (Ok(()), _) => Ok(()),
            (Err(error), Durability::Commit) => Err(FailureCause::Log(error.to_string())),
            (Err(error), Durability::Relaxed) => {
                tracing::error!(decision = ledger.id(), %error, "the decision record is lost");
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("tiers", &self.tiers)
            .field("config", &self.examiner.config)
            .finish_non_exhaustive()
    }
}

/// Nobody goes without an answer for want of traces.
fn traces(config: &Config) -> Option<Traces> {
    Traces::open(&config.telemetry).unwrap_or_else(|error| {
        tracing::error!(error, "traces cannot be sent");
        None
    })
}

fn report(id: &str, kept: Result<(), FailureCause>) {
    if let Err(error) = kept {
        tracing::error!(decision = id, %error, "the decision record is lost");
    }
}

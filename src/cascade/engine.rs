//! Walks the rungs of a plan, and ends every request with its record.

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::call::{Fetched, Shape};
use super::caps::Caps;
use super::checks::CheckState;
use super::examine::Examiner;
use super::failure::{Failure, FailureCause};
use super::ledger::Ledger;
use super::live::Live;
use super::reply::{Reply, StreamReply};
use super::rung::{Miss, Rejected, ask, ask_checked};
use super::stream;
use crate::chat::ChatRequest;
use crate::config::{Config, Durability};
use crate::decisions::{DecisionStore, Outcome};
use crate::policy::Plan;
use crate::upstream::{Phase, Tier, UpstreamError};

/// Calls tiers and keeps records. One serves all requests.
pub struct Engine {
    tiers: IndexMap<String, Tier>,
    pub(super) examiner: Examiner,
    store: Arc<dyn DecisionStore>,
    durability: Durability,
    tasks: TaskTracker,
}

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
}

/// What a climb ends with.
pub(super) enum Arrived {
    /// A complete answer.
    Complete(Tier, Fetched),
    /// An answer under way.
    Live(Live),
}

impl Engine {
    /// An engine over these tiers.
    pub fn new(tiers: impl IntoIterator<Item = Tier>, config: &Config, store: Arc<dyn DecisionStore>) -> Self {
        let tiers = tiers.into_iter().map(|tier| (tier.name().to_owned(), tier)).collect();
        Self {
            tiers,
            examiner: Examiner::new(config),
            store,
            durability: config.log.durability,
            tasks: TaskTracker::new(),
        }
    }

    /// The tiers, cheap → frontier.
    pub fn tiers(&self) -> impl ExactSizeIterator<Item = &Tier> + Clone {
        self.tiers.values()
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

    /// Goes up rung by rung until there is something to serve.
    pub(super) async fn climb(&self, job: &mut Job, shape: Shape) -> Result<Arrived, FailureCause> {
        let rungs = self.rungs(&job.plan)?;
        let mut at_hand = None;
        let mut failure = FailureCause::Internal("the plan has no tier".to_owned());
        for (i, tier) in rungs.iter().enumerate() {
            if let Some(cap) = job.caps.forbids(&job.ledger, [*tier]) {
                job.ledger.stopped(cap);
                return serve_all_the_same(job, at_hand).ok_or(FailureCause::Cap(cap));
            }
            if i > 0 {
                job.ledger.escalated();
            }
            let is_last = i + 1 == rungs.len();
            match self.take(job, tier, shape, is_last).await {
                Ok(arrived) => return Ok(arrived),
                Err(Miss::Failed(UpstreamError::Timeout(Phase::Request))) => return Err(FailureCause::Deadline),
                Err(Miss::Failed(error)) => {
                    tracing::warn!(decision = job.ledger.id(), tier = tier.name(), %error, "the tier failed");
                    failure = FailureCause::Upstream { tier: tier.name().to_owned(), error };
                }
                Err(Miss::Rejected(rejected)) => {
                    let reason = rejected.reason;
                    tracing::debug!(decision = job.ledger.id(), tier = tier.name(), ?reason, "the answer did not pass");
                    at_hand = Some((*tier, rejected));
                }
            }
        }
        Err(failure)
    }

    fn rungs(&self, plan: &Plan) -> Result<Vec<&Tier>, FailureCause> {
        let unknown = |name| FailureCause::Internal(format!("the plan names a tier `{name}` that does not exist"));
        plan.rungs.iter().map(|name| self.tiers.get(name).ok_or_else(|| unknown(name))).collect()
    }

    async fn take(&self, job: &mut Job, tier: &Tier, shape: Shape, is_last: bool) -> Result<Arrived, Miss> {
        let complete = |fetched| Arrived::Complete(tier.clone(), fetched);
        if job.plan.checked && !is_last {
            return ask_checked(job, tier, shape, &self.examiner).await.map(complete);
        }
        match shape {
            Shape::Whole => ask(job, tier, shape, &self.examiner).await.map(complete),
            Shape::Stream => Live::open(job, tier).await.map(Arrived::Live).map_err(Miss::Failed),
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
        let record = ledger.close(outcome, error);
        tracing::debug!(
            decision = record.id,
            ?outcome,
            tier = record.tier,
            escalations = record.escalations,
            cost_usd = record.cost_usd,
            latency_ms = record.latency_ms,
            "the request ends"
        );
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

/// The answer that came nearest to being served: the last one.
fn serve_all_the_same(job: &mut Job, at_hand: Option<(&Tier, Rejected)>) -> Option<Arrived> {
    let (tier, rejected) = at_hand?;
    job.ledger.served_all_the_same(rejected.attempt);
    Some(Arrived::Complete(tier.clone(), rejected.fetched))
}

fn report(id: &str, kept: Result<(), FailureCause>) {
    if let Err(error) = kept {
        tracing::error!(decision = id, %error, "the decision record is lost");
    }
}

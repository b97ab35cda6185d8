//! Goes up the rungs of a plan.

use super::call::{Fetched, Shape};
use super::engine::{Engine, Job};
use super::failure::FailureCause;
use super::live::Live;
use super::rung::{Miss, ask, ask_checked};
use crate::policy::Plan;
use crate::upstream::{Phase, Tier, UpstreamError};

/// What a climb ends with.
pub(super) enum Arrived {
    /// A complete answer.
    Complete(Tier, Fetched),
    /// An answer under way.
    Live(Live),
}

impl Engine {
    /// Goes up until there is something to serve. A tier that fails is left out; where none above an answer that did not
    /// pass gives one, that answer is served.
    pub(super) async fn climb(&self, job: &mut Job, shape: Shape) -> Result<Arrived, FailureCause> {
        // The tiers above the answer at hand that were not asked, and which of them is next.
        let mut left = self.rungs(&job.plan)?;
        let mut next = 0;
        let mut at_hand = None;
        let mut failure = FailureCause::Internal("the plan has no tier".to_owned());
        while let Some(&tier) = left.get(next) {
            if let Some(cap) = job.caps.forbids(&job.ledger, [tier]) {
                job.ledger.stopped(cap);
                return serve_all_the_same(job, at_hand).ok_or(FailureCause::Cap(cap));
            }
            if job.ledger.calls() > 0 {
                job.ledger.escalated();
            }
            match self.take(job, tier, &left[next + 1..], shape).await {
                Ok(arrived) => return Ok(arrived),
                Err(Miss::Failed(error)) => {
                    tracing::warn!(decision = job.ledger.id(), tier = tier.name(), %error, "the tier failed");
                    left.remove(next);
                    // Where none is left above, the best of those that were passed by.
                    next = next.min(left.len().saturating_sub(1));
                    failure = match error {
                        UpstreamError::Timeout(Phase::Request) => {
                            left.clear();
                            FailureCause::Deadline
                        }
                        error => FailureCause::Upstream { tier: tier.name().to_owned(), error },
                    };
                }
                Err(Miss::Rejected(rejected)) => {
                    let reason = rejected.reason;
                    tracing::debug!(decision = job.ledger.id(), tier = tier.name(), ?reason, "the answer did not pass");
                    left.drain(..=next);
                    next = rejected.next.min(left.len().saturating_sub(1));
                    let complete = rejected.fetched.map(|fetched| (tier, rejected.attempt, fetched));
                    at_hand = complete.or(at_hand);
                }
            }
        }
        if at_hand.is_some() {
            tracing::warn!(decision = job.ledger.id(), %failure, "an answer that did not pass is served");
            job.ledger.fell_back();
        }
        serve_all_the_same(job, at_hand).ok_or(failure)
    }

    fn rungs(&self, plan: &Plan) -> Result<Vec<&Tier>, FailureCause> {
        let unknown = |name| FailureCause::Internal(format!("the plan names a tier `{name}` that does not exist"));
        plan.rungs.iter().map(|name| self.tiers.get(name).ok_or_else(|| unknown(name))).collect()
    }

    /// Asks one tier; `above` are those that a climb from it may go to.
    async fn take(&self, job: &mut Job, tier: &Tier, above: &[&Tier], shape: Shape) -> Result<Arrived, Miss> {
        if job.plan.checked && !above.is_empty() {
            return ask_checked(job, tier, above, shape, &self.examiner).await;
        }
        match shape {
            Shape::Whole => {
                let fetched = ask(job, tier, shape, &self.examiner).await?;
                Ok(Arrived::Complete(tier.clone(), fetched))
            }
            Shape::Stream => Live::open(job, tier).await.map(Arrived::Live).map_err(Miss::Failed),
        }
    }
}

/// The answer that came nearest to being served: the last whole one.
fn serve_all_the_same(job: &mut Job, at_hand: Option<(&Tier, usize, Fetched)>) -> Option<Arrived> {
    let (tier, attempt, fetched) = at_hand?;
    job.ledger.served_all_the_same(attempt);
    Some(Arrived::Complete(tier.clone(), fetched))
}

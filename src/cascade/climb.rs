//! Goes up the rungs of a plan.

use super::call::{Fetched, Shape};
use super::engine::{Engine, Job};
use super::failure::FailureCause;
use super::live::Live;
use super::rung::{Miss, Rejected, ask, ask_checked};
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
            let above = rungs[i + 1..].last().copied();
            match self.take(job, tier, above, shape).await {
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

    /// Asks one tier; `above` is the highest one left, if there is any.
    async fn take(&self, job: &mut Job, tier: &Tier, above: Option<&Tier>, shape: Shape) -> Result<Arrived, Miss> {
        let complete = |fetched| Arrived::Complete(tier.clone(), fetched);
        if let Some(above) = above.filter(|_| job.plan.checked) {
            return ask_checked(job, tier, above, shape, &self.examiner).await.map(complete);
        }
        match shape {
            Shape::Whole => ask(job, tier, shape, &self.examiner).await.map(complete),
            Shape::Stream => Live::open(job, tier).await.map(Arrived::Live).map_err(Miss::Failed),
        }
    }
}

/// The answer that came nearest to being served: the last one.
fn serve_all_the_same(job: &mut Job, at_hand: Option<(&Tier, Rejected)>) -> Option<Arrived> {
    let (tier, rejected) = at_hand?;
    job.ledger.served_all_the_same(rejected.attempt);
    Some(Arrived::Complete(tier.clone(), rejected.fetched))
}

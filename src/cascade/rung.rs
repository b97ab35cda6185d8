//! One rung: call the tier, check what it answers, and choose what would be served.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::agreement::{Vote, majority};
use super::call::{Fetched, Shape, checked, fetch, within};
use super::checks::Subject;
use super::engine::Job;
use super::examine::Examiner;
use crate::chat::ChatRequest;
use crate::decisions::{EscalationReason, Purpose};
use crate::upstream::{Phase, Tier, UpstreamError};

/// Why this rung gave nothing to serve.
#[derive(Debug)]
pub(super) enum Miss {
    /// The tier failed, with every call.
    Failed(UpstreamError),
    /// Its answer did not pass.
    Rejected(Rejected),
}

/// An answer that did not pass.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) attempt: usize,
    pub(super) fetched: Fetched,
    pub(super) reason: EscalationReason,
}

/// Asks a tier whose answer is served as it comes.
pub(super) async fn ask(job: &mut Job, tier: &Tier, shape: Shape, examiner: &Examiner) -> Result<Fetched, Miss> {
    let request = job.request.clone();
    let (mut fetched, error) = call_all(job, tier, vec![(Purpose::Answer, request)], shape).await;
    let Some((attempt, fetched)) = fetched.pop() else { return Err(Miss::Failed(error)) };
    job.ledger.judged(attempt, examiner.measure(&job.request, fetched.answer(), None).await, None);
    Ok(fetched)
}

/// Asks a tier whose answer is checked, drawing samples beside it where the configuration says so.
pub(super) async fn ask_checked(
    job: &mut Job,
    tier: &Tier,
    shape: Shape,
    examiner: &Examiner,
) -> Result<Fetched, Miss> {
    let calls = checked(&job.request, tier, &examiner.config);
    let (mut fetched, error) = call_all(job, tier, calls, shape).await;
    let answers: Vec<_> = fetched.iter().map(|(_, fetched)| fetched.answer()).collect();
    let majority = majority(&answers);
    let chosen = majority.as_ref().map_or(0, |majority| majority.index);
    if chosen >= fetched.len() {
        return Err(Miss::Failed(error));
    }
    for (_, (attempt, fetched)) in fetched.iter().enumerate().filter(|(place, _)| *place != chosen) {
        let signals = examiner.measure(&job.request, fetched.answer(), None).await;
        let reason = examiner.weigh(&job.request, fetched.answer(), signals);
        job.ledger.passed_over(*attempt, signals, reason);
    }
    let (attempt, fetched) = fetched.swap_remove(chosen);
    let agreement = majority.as_ref().map(Vote::agreement);
    let signals = examiner.measure(&job.request, fetched.answer(), agreement).await;
    let (request, answer) = (&job.request, fetched.answer());
    let subject = Subject { route: job.ledger.route(), tier: tier.name(), request, answer };
    let judgement = within(job.deadline, examiner.judge(subject, signals)).await;
    let (reason, checked) = judgement.map_err(Miss::Failed)?;
    job.ledger.judged(attempt, signals, reason);
    job.ledger.checked(attempt, checked.results);
    match reason {
        None => Ok(fetched),
        Some(reason) => Err(Miss::Rejected(Rejected { attempt, fetched, reason })),
    }
}

/// Makes all calls at once. Gives the answers in the order in which their calls were started, and the last error.
async fn call_all(
    job: &mut Job,
    tier: &Tier,
    calls: Vec<(Purpose, ChatRequest)>,
    shape: Shape,
) -> (Vec<(usize, Fetched)>, UpstreamError) {
    let deadline = job.deadline;
    let mut running = FuturesUnordered::new();
    for (purpose, request) in calls {
        let attempt = job.ledger.open(tier, purpose);
        running.push(async move { (attempt, fetch(tier, &request, shape, deadline).await) });
    }
    let mut answers = Vec::new();
    let mut last_error = UpstreamError::Timeout(Phase::Request);
    while let Some((attempt, result)) = running.next().await {
        match result {
            Ok(fetched) => {
                job.ledger.answered(attempt, tier, fetched.answer());
                answers.push((attempt, fetched));
            }
            Err(error) => {
                job.ledger.failed(attempt, &error);
                last_error = error;
            }
        }
    }
    answers.sort_by_key(|(attempt, _)| *attempt);
    (answers, last_error)
}

//! One rung: call the tier, check what it answers, and choose what would be served.

use super::agreement::Vote;
use super::call::{Fetched, Shape, checked, fetch, within};
use super::checks::Subject;
use super::engine::Job;
use super::examine::Examiner;
use super::sampling::{Drawn, draw, worth};
use crate::chat::ChatRequest;
use crate::decisions::{EscalationReason, Purpose};
use crate::upstream::{Tier, UpstreamError};

/// Why this rung gave nothing to serve.
#[derive(Debug)]
pub(super) enum Miss {
    /// The tier failed.
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
    let (attempt, fetched) = call(job, tier, &request, shape).await?;
    job.ledger.judged(attempt, examiner.measure(&job.request, fetched.answer(), None).await, None);
    Ok(fetched)
}

/// Asks a tier whose answer is checked; `above` is the tier that a climb may end at. Samples are drawn where the answer
/// passes by itself and they are worth their price; the most common answer is then the one that is checked.
pub(super) async fn ask_checked(
    job: &mut Job,
    tier: &Tier,
    above: &Tier,
    shape: Shape,
    examiner: &Examiner,
) -> Result<Fetched, Miss> {
    let request = checked(&job.request, tier);
    let (attempt, fetched) = call(job, tier, &request, shape).await?;
    let drawn = match worth(job, tier, above, &fetched, &examiner.config) {
        most @ 1.. if passes(job, &fetched, examiner).await => {
            draw(job, tier, shape, examiner, (attempt, fetched), most).await
        }
        _ => Drawn { answers: vec![(attempt, fetched)], vote: None },
    };
    let vote = drawn.vote.clone();
    let (attempt, fetched) = choose(job, drawn, examiner).await;
    judge(job, [tier, above], examiner, (attempt, fetched), vote).await
}

async fn passes(job: &Job, fetched: &Fetched, examiner: &Examiner) -> bool {
    let signals = examiner.measure(&job.request, fetched.answer(), None).await;
    examiner.weigh(&job.request, fetched.answer(), signals).is_none()
}

/// Takes the answer that speaks for most samples, and notes what is seen of the others.
async fn choose(job: &mut Job, drawn: Drawn, examiner: &Examiner) -> (usize, Fetched) {
    let Drawn { mut answers, vote } = drawn;
    let chosen = answers.swap_remove(vote.map_or(0, |vote| vote.index));
    for (attempt, fetched) in answers {
        let signals = examiner.measure(&job.request, fetched.answer(), None).await;
        let reason = examiner.weigh(&job.request, fetched.answer(), signals);
        job.ledger.passed_over(attempt, signals, reason);
    }
    chosen
}

async fn judge(
    job: &mut Job,
    [tier, above]: [&Tier; 2],
    examiner: &Examiner,
    (attempt, fetched): (usize, Fetched),
    vote: Option<Vote>,
) -> Result<Fetched, Miss> {
    let (request, answer) = (&job.request, fetched.answer());
    let mut signals = examiner.measure(request, answer, vote.as_ref().map(Vote::agreement)).await;
    let prospect = job.prospect.as_ref();
    let ends = [&tier.config, &above.config];
    signals.posterior = prospect.and_then(|prospect| prospect.after(ends, request, answer, signals, vote.as_ref()));
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

async fn call(job: &mut Job, tier: &Tier, request: &ChatRequest, shape: Shape) -> Result<(usize, Fetched), Miss> {
    let attempt = job.ledger.open(tier, Purpose::Answer);
    let watch = job.ledger.watch(attempt, job.deadline);
    match fetch(tier, request, shape, &watch).await {
        Ok(fetched) => {
            job.ledger.answered(attempt, tier, fetched.answer());
            Ok((attempt, fetched))
        }
        Err(error) => {
            job.ledger.failed(attempt, &error);
            Err(Miss::Failed(error))
        }
    }
}

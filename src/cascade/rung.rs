//! One rung: call the tier, check what it answers, and choose what would be served.

use tokio::time::Instant;

use super::agreement::Vote;
use super::call::{Fetched, Shape, checked, fetch, within};
use super::checks::Subject;
use super::climb::Arrived;
use super::engine::Job;
use super::examine::Examiner;
use super::held::{Held, hold};
use super::prospect::{Given, Outlook};
use super::sampling::{Drawn, draw, worth};
use crate::chat::ChatRequest;
use crate::decisions::{EscalationReason, Purpose, Signals};
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
    /// `None` where the call was given up before its end.
    pub(super) fetched: Option<Fetched>,
    pub(super) reason: EscalationReason,
    /// Which of the tiers above, from the lowest, is to be asked next.
    pub(super) next: usize,
}

/// Asks a tier whose answer is served as it comes.
pub(super) async fn ask(job: &mut Job, tier: &Tier, shape: Shape, examiner: &Examiner) -> Result<Fetched, Miss> {
    let request = job.request.clone();
    let (attempt, fetched) = call(job, tier, &request, shape).await?;
    job.ledger.judged(attempt, examiner.measure(&job.request, fetched.answer(), None).await, None);
    Ok(fetched)
}

/// Asks a tier whose answer is checked; `above` are the tiers that a climb may go to, at least one. Samples are drawn
/// where the answer passes by itself and they are worth their price; the most common answer is then the one that is
/// checked.
pub(super) async fn ask_checked(
    job: &mut Job,
    tier: &Tier,
    above: &[&Tier],
    shape: Shape,
    examiner: &Examiner,
) -> Result<Arrived, Miss> {
    let request = checked(&job.request, tier);
    let (attempt, fetched) = match shape {
        Shape::Whole => call(job, tier, &request, shape).await?,
        Shape::Stream => match hold(job, tier, above, &request, examiner).await? {
            Held::Whole(attempt, fetched) => (attempt, fetched),
            Held::Committed(live) => return Ok(Arrived::Live(*live)),
            Held::GivenUp(rejected) => return Err(Miss::Rejected(rejected)),
        },
    };
    let first = examiner.measure(&job.request, fetched.answer(), None).await;
    let passes = examiner.weigh(&job.request, fetched.answer(), first).is_none();
    let late = shape == Shape::Stream && Instant::now() >= examiner.first_token_by(job);
    let most = match above.last() {
        Some(highest) if passes && !late => worth(job, tier, highest, &fetched, &examiner.config),
        _ => 0,
    };
    let drawn = match most {
        1.. => draw(job, tier, shape, examiner, (attempt, fetched), most).await,
        0 => Drawn { answers: vec![(attempt, fetched)], vote: None },
    };
    let vote = drawn.vote.clone();
    let (attempt, fetched, signals) = choose(job, drawn, first, examiner).await;
    let signals = Signals { agreement: vote.as_ref().map(Vote::agreement), ..signals };
    judge(job, (tier, above), examiner, (attempt, fetched, signals), vote)
        .await
        .map(|fetched| Arrived::Complete(tier.clone(), fetched))
}

/// Takes the answer that speaks for most samples, and notes what is seen of the others. `first` was measured of the
/// client's own call.
async fn choose(job: &mut Job, drawn: Drawn, first: Signals, examiner: &Examiner) -> (usize, Fetched, Signals) {
    let Drawn { answers, vote } = drawn;
    let index = vote.map_or(0, |vote| vote.index);
    let mut measured = Vec::with_capacity(answers.len());
    for (i, (attempt, fetched)) in answers.into_iter().enumerate() {
        let signals = if i == 0 { first } else { examiner.measure(&job.request, fetched.answer(), None).await };
        measured.push((attempt, fetched, signals));
    }
    let chosen = measured.swap_remove(index);
    for (attempt, fetched, signals) in measured {
        let reason = examiner.weigh(&job.request, fetched.answer(), signals);
        job.ledger.passed_over(attempt, signals, reason);
    }
    chosen
}

async fn judge(
    job: &mut Job,
    (tier, above): (&Tier, &[&Tier]),
    examiner: &Examiner,
    (attempt, fetched, mut signals): (usize, Fetched, Signals),
    vote: Option<Vote>,
) -> Result<Fetched, Miss> {
    let answer = fetched.answer();
    let outlook =
        outlook(job, tier, above, Given { vote: vote.as_ref(), ..Given::whole(&job.request, answer, signals) });
    signals.posterior = outlook.map(|outlook| outlook.posterior);
    let subject = Subject { route: job.ledger.route(), tier: tier.name(), request: &job.request, answer };
    let judgement = within(job.deadline, examiner.judge(subject, signals)).await;
    let (reason, checked) = judgement.map_err(Miss::Failed)?;
    job.ledger.judged(attempt, signals, reason);
    job.ledger.checked(attempt, checked.results);
    match reason {
        None => Ok(fetched),
        Some(reason) => {
            Err(Miss::Rejected(Rejected { attempt, fetched: Some(fetched), reason, next: next(reason, outlook) }))
        }
    }
}

/// What the artifact makes of an answer; `None` where it has not learned of such.
pub(super) fn outlook(job: &Job, tier: &Tier, above: &[&Tier], given: Given<'_>) -> Option<Outlook> {
    let above: Vec<_> = above.iter().map(|tier| &tier.config).collect();
    job.prospect.as_ref()?.after(&tier.config, &above, given)
}

/// The tier to be asked next: where the climb is one of expectation, the one that is expected to be worth most.
pub(super) fn next(reason: EscalationReason, outlook: Option<Outlook>) -> usize {
    outlook.filter(|_| reason == EscalationReason::ExpectedGain).map_or(0, |outlook| outlook.place)
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

//! An answer that is passed on as it comes.

use std::collections::VecDeque;

use futures_util::StreamExt;

use super::call::within;
use super::engine::Job;
use super::examine::Examiner;
use super::prospect::Given;
use super::rung::outlook;
use crate::decisions::Purpose;
use crate::upstream::{Chunk, ChunkStream, Fold, Tier, UpstreamError, Watch};

/// A stream that has begun to say something, so that the request is committed to it.
pub(super) struct Live {
    pub(super) tier: Tier,
    attempt: usize,
    /// Chunks that came and were not passed on yet.
    waiting: VecDeque<Chunk>,
    rest: ChunkStream,
    fold: Fold,
    /// Choices that the client asked for.
    choices: usize,
    /// Of an answer that was committed before its end, the tiers that a climb could have gone to.
    above: Option<Vec<Tier>>,
}

/// The next step of a live answer.
pub(super) enum Step {
    /// To be passed on.
    Chunk(Chunk),
    /// The answer is complete; these chunks wait for the record.
    Complete(Vec<Chunk>),
    /// The upstream failed after the client had got a part.
    Broken(UpstreamError),
}

impl Live {
    /// Calls the tier and waits until its answer says something. An error that comes before is still a failure of the
    /// call, which another tier can make good.
    pub(super) async fn open(job: &mut Job, tier: &Tier) -> Result<Self, UpstreamError> {
        let attempt = job.ledger.open(tier, Purpose::Answer);
        let watch = job.ledger.watch(attempt, job.deadline);
        match within(job.deadline, Self::begin(job, tier, attempt, &watch)).await.flatten() {
            Ok(live) => Ok(live),
            Err(error) => {
                job.ledger.failed(attempt, &error);
                Err(error)
            }
        }
    }

    async fn begin(job: &mut Job, tier: &Tier, attempt: usize, watch: &Watch) -> Result<Self, UpstreamError> {
        let mut rest = tier.endpoints.stream(&job.request, watch).await?;
        let (mut waiting, mut fold) = (VecDeque::new(), Fold::default());
        while let Some(chunk) = rest.next().await.transpose()? {
            fold.push(&chunk);
            let says_something = chunk.says_something();
            waiting.push_back(chunk);
            if says_something {
                job.ledger.first_token(attempt);
                break;
            }
        }
        Ok(Self { tier: tier.clone(), attempt, waiting, rest, fold, choices: choices(job), above: None })
    }

    /// An answer that was held back and is passed on from here: its pieces so far, the rest, and what the pieces make.
    pub(super) fn committed(
        job: &Job,
        tier: &Tier,
        attempt: usize,
        above: Vec<Tier>,
        (waiting, rest, fold): (Vec<Chunk>, ChunkStream, Fold),
    ) -> Self {
        let waiting = waiting.into();
        Self { tier: tier.clone(), attempt, waiting, rest, fold, choices: choices(job), above: Some(above) }
    }

    /// The model that answers, as far as the upstream has said.
    pub(super) fn model(&self) -> Option<&str> {
        self.fold.answer().model.as_deref()
    }

    /// The text so far.
    pub(super) fn text(&self) -> &str {
        &self.fold.answer().text
    }

    /// The next step. From the chunk on that completes the answer, chunks wait until the upstream has ended.
    pub(super) async fn next(&mut self, job: &mut Job, examiner: &Examiner) -> Step {
        loop {
            if !self.is_complete()
                && let Some(chunk) = self.waiting.pop_front()
            {
                return Step::Chunk(chunk);
            }
            match within(job.deadline, self.rest.next()).await {
                Ok(Some(Ok(chunk))) => {
                    self.fold.push(&chunk);
                    self.waiting.push_back(chunk);
                }
                Ok(None) => return self.complete(job, examiner).await,
                Ok(Some(Err(error))) | Err(error) => {
                    job.ledger.failed(self.attempt, &error);
                    return Step::Broken(error);
                }
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.fold.finished() >= self.choices
    }

    async fn complete(&mut self, job: &mut Job, examiner: &Examiner) -> Step {
        let answer = self.fold.answer();
        job.ledger.answered(self.attempt, &self.tier, answer);
        let mut signals = examiner.measure(&job.request, answer, None).await;
        if let Some(above) = &self.above {
            let above: Vec<&Tier> = above.iter().collect();
            let outlook = outlook(job, &self.tier, &above, Given::whole(&job.request, answer, signals));
            signals.posterior = outlook.map(|outlook| outlook.posterior);
            job.ledger.looked_back(self.attempt, examiner.weigh(&job.request, answer, signals));
        }
        job.ledger.judged(self.attempt, signals, None);
        Step::Complete(self.waiting.drain(..).collect())
    }
}

fn choices(job: &Job) -> usize {
    job.request.get("n").unwrap_or(1).max(1)
}

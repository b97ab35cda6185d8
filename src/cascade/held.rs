//! A streamed answer that is held back until it can be decided.

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::call::{Fetched, within};
use super::confidence;
use super::early::{Latitude, Verdict, weigh};
use super::engine::Job;
use super::examine::Examiner;
use super::live::Live;
use super::prospect::{Given, Outlook};
use super::rung::{Miss, Rejected, next, outlook};
use crate::chat::{ChatRequest, Usage};
use crate::decisions::{Early, EarlyVerdict, EscalationReason, Purpose, Signals, Trigger};
use crate::policy::{Tokens, text_tokens};
use crate::upstream::{Chunk, ChunkStream, Fold, Tier, UpstreamError};

/// What came of holding an answer back.
pub(super) enum Held {
    /// It ended first.
    Whole(usize, Fetched),
    /// It is passed on from here.
    Committed(Box<Live>),
    /// The call was given up; nothing of it is passed on.
    GivenUp(Rejected),
}

/// Calls a tier and holds its answer back. `above` are the tiers that a climb may go to, `request` what the tier is asked.
///
/// At each checkpoint, and when the time to the first token is used up, the answer so far may be committed or given up;
/// an answer whose finish reason has come is left to end.
pub(super) async fn hold(
    job: &mut Job,
    tier: &Tier,
    above: &[&Tier],
    request: &ChatRequest,
    examiner: &Examiner,
) -> Result<Held, Miss> {
    let attempt = job.ledger.open(tier, Purpose::Answer);
    let latitude = Latitude::of(job, tier, above, examiner);
    let deadline = job.deadline;
    let watch = job.ledger.watch(attempt, deadline);
    let holding = async {
        let stream = tier.endpoints.stream(request, &watch).await?;
        let hold = Hold {
            job: &mut *job,
            tier,
            above,
            examiner,
            latitude,
            attempt,
            chunks: Vec::new(),
            fold: Fold::default(),
        };
        hold.run(stream).await
    };
    within(deadline, holding).await.flatten().map_err(|error| {
        job.ledger.failed(attempt, &error);
        Miss::Failed(error)
    })
}

struct Hold<'a> {
    job: &'a mut Job,
    tier: &'a Tier,
    above: &'a [&'a Tier],
    examiner: &'a Examiner,
    latitude: Latitude,
    attempt: usize,
    chunks: Vec<Chunk>,
    fold: Fold,
}

impl Hold<'_> {
    async fn run(mut self, mut stream: ChunkStream) -> Result<Held, UpstreamError> {
        let budget = self.examiner.first_token_by(self.job);
        let (mut begun, mut passed) = (false, 0);
        loop {
            // Before it says something there is nothing to pass on, and after its finish reason little to wait for.
            let yields = self.latitude.yields && begun && self.fold.finished() == 0;
            let chunk = match yields {
                true if Instant::now() >= budget => None,
                true => timeout_at(budget, stream.next()).await.ok(),
                false => Some(stream.next().await),
            };
            let trigger = match chunk {
                Some(None) => return Ok(self.whole()),
                Some(Some(chunk)) => {
                    begun |= self.take(chunk?, begun);
                    let reached = self.checkpoints();
                    if self.fold.finished() > 0 || reached <= std::mem::replace(&mut passed, reached) {
                        continue;
                    }
                    Trigger::Checkpoint
                }
                None => Trigger::Budget,
            };
            let (verdict, signals, outlook) = self.look(trigger);
            match verdict {
                Verdict::Hold => {}
                Verdict::Commit => return Ok(self.commit(trigger, signals, stream)),
                Verdict::Escalate(reason) => return Ok(self.give_up(trigger, signals, (reason, outlook))),
            }
        }
    }

    /// Takes a piece; whether it says something.
    fn take(&mut self, chunk: Chunk, begun: bool) -> bool {
        let says_something = chunk.says_something();
        if says_something && !begun {
            self.job.ledger.first_token(self.attempt);
        }
        self.fold.push(&chunk);
        self.chunks.push(chunk);
        says_something
    }

    /// How many checkpoints have been reached.
    fn checkpoints(&self) -> usize {
        let tokens = self.fold.answer().logprobs.len();
        let checkpoints = &self.examiner.config.stream.checkpoints;
        checkpoints.iter().take_while(|checkpoint| **checkpoint as usize <= tokens).count()
    }

    fn look(&self, trigger: Trigger) -> (Verdict, Signals, Option<Outlook>) {
        let answer = self.fold.answer();
        let mut signals = confidence::measure(answer, None);
        let given = Given { ended: false, ..Given::whole(&self.job.request, answer, signals) };
        let outlook = outlook(self.job, self.tier, self.above, given);
        signals.posterior = outlook.map(|outlook| outlook.posterior);
        let mut verdict = weigh(answer, signals, trigger, self.latitude, &self.examiner.config);
        if let Verdict::Escalate(reason) = verdict
            && !self.affords(next(reason, outlook))
        {
            // The climb would not be made: the answer is the best that the request can get.
            verdict = if trigger == Trigger::Budget { Verdict::Commit } else { Verdict::Hold };
        }
        (verdict, signals, outlook)
    }

    fn affords(&self, next: usize) -> bool {
        let next = self.above.get(next).copied();
        next.is_some_and(|tier| self.job.caps.forbids(&self.job.ledger, [tier]).is_none())
    }

    fn whole(self) -> Held {
        let answer = self.fold.into_answer();
        self.job.ledger.answered(self.attempt, self.tier, &answer);
        Held::Whole(self.attempt, Fetched::Stream(answer, self.chunks))
    }

    fn commit(mut self, trigger: Trigger, signals: Signals, rest: ChunkStream) -> Held {
        self.note(EarlyVerdict::Commit, trigger, signals);
        let above = self.above.iter().map(|tier| (*tier).clone()).collect();
        let live = Live::committed(self.job, self.tier, self.attempt, above, (self.chunks, rest, self.fold));
        Held::Committed(Box::new(live))
    }

    /// Ends the call: its stream is dropped.
    fn give_up(
        mut self,
        trigger: Trigger,
        signals: Signals,
        (reason, outlook): (EscalationReason, Option<Outlook>),
    ) -> Held {
        self.note(EarlyVerdict::Escalate, trigger, signals);
        let usage = self.usage();
        self.job.ledger.given_up(self.attempt, Some(usage));
        self.job.ledger.judged(self.attempt, signals, Some(reason));
        Held::GivenUp(Rejected { attempt: self.attempt, fetched: None, reason, next: next(reason, outlook) })
    }

    fn note(&mut self, verdict: EarlyVerdict, trigger: Trigger, signals: Signals) {
        let early = Early { verdict, trigger, tokens: self.tokens(), signals, regret: None };
        self.job.ledger.decided_early(self.attempt, early);
    }

    /// Tokens so far: those with a log-probability, where there are such, else about as many as the text takes.
    fn tokens(&self) -> u64 {
        let answer = self.fold.answer();
        if answer.logprobs.is_empty() { text_tokens(&answer.text) } else { answer.logprobs.len() as u64 }
    }

    /// What the call has taken, about: the prompt as the upstream told or as long as it seems, and the tokens that came.
    fn usage(&self) -> Usage {
        let told = self.fold.answer().usage;
        let expected = || Usage { output_tokens: 0, ..Tokens::estimate(&self.job.request).expected };
        let usage = told.unwrap_or_else(expected);
        Usage { output_tokens: usage.output_tokens.max(self.tokens()), ..usage }
    }
}

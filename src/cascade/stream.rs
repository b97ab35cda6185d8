//! Hands a streamed answer to the client: a checked one once it is accepted, the last rung's as it comes.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::call::{Fetched, Shape};
use super::climb::Arrived;
use super::engine::{Engine, Job};
use super::failure::{Failure, FailureCause};
use super::live::{Live, Step};
use super::reply::{StreamEvent, StreamReply};
use crate::chat::Answer;
use crate::decisions::Outcome;
use crate::upstream::{Chunk, Phase, Tier, UpstreamError};

/// Events that may wait for a slow client before the upstream has to.
const AHEAD: usize = 32;

type Client = oneshot::Sender<Result<StreamReply, Failure>>;

pub(super) async fn run(engine: Arc<Engine>, mut job: Job, mut client: Client) {
    let arrived = tokio::select! {
        biased;
        () = client.closed() => None,
        arrived = engine.climb(&mut job, Shape::Stream) => Some(arrived),
    };
    match arrived {
        None => engine.cancelled(job).await,
        Some(Ok(Arrived::Live(live))) => relay(&engine, job, live, client).await,
        Some(Ok(Arrived::Complete(tier, Fetched::Stream(answer, chunks)))) => {
            replay(&engine, job, &tier, &answer, chunks, client).await;
        }
        Some(Ok(Arrived::Complete(_, Fetched::Whole(_)))) => {
            let cause = FailureCause::Internal("a whole answer came where a stream was asked for".to_owned());
            let _ = client.send(Err(engine.failed(job, cause).await));
        }
        Some(Err(cause)) => {
            let _ = client.send(Err(engine.failed(job, cause).await));
        }
    }
}

/// Sends an accepted answer, whose record is kept before its first byte leaves.
async fn replay(engine: &Engine, mut job: Job, tier: &Tier, answer: &Answer, chunks: Vec<Chunk>, client: Client) {
    job.ledger.first_byte();
    job.ledger.serves(tier, answer.model.as_deref());
    job.ledger.keep_answer(&answer.text);
    let result = match engine.keep(&mut job.ledger, Outcome::Served, None).await {
        Err(cause) => Err(Failure { id: job.ledger.id().to_owned(), cause }),
        Ok(()) => {
            let facts = job.ledger.facts();
            let (events, receiver) = mpsc::channel(1);
            // The channel is new and has room for the one event that is sent.
            let _ = events.try_send(StreamEvent::End(chunks, facts.clone()));
            Ok(StreamReply { facts, events: receiver })
        }
    };
    let _ = client.send(result);
}

/// Passes a live answer on; its end waits for the record.
async fn relay(engine: &Engine, mut job: Job, mut live: Live, client: Client) {
    job.ledger.first_byte();
    job.ledger.serves(&live.tier, live.model());
    let deadline = job.deadline;
    let (events, receiver) = mpsc::channel(AHEAD);
    if client.send(Ok(StreamReply { facts: job.ledger.facts(), events: receiver })).is_err() {
        return engine.cancelled(job).await;
    }
    let last = loop {
        let step = tokio::select! {
            biased;
            () = events.closed() => return engine.cancelled(job).await,
            step = live.next(&mut job, &engine.examiner) => step,
        };
        match step {
            Step::Chunk(chunk) => match timeout_at(deadline, events.send(StreamEvent::Chunk(chunk))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return engine.cancelled(job).await,
                Err(_) => break broken(engine, job, live, UpstreamError::Timeout(Phase::Request)).await,
            },
            Step::Complete(chunks) => break complete(engine, job, live, chunks).await,
            Step::Broken(error) => break broken(engine, job, live, error).await,
        }
    };
    // A client that does not take the end in time gets a broken stream; one that has gone gets nothing.
    let _ = timeout_at(deadline, events.send(last)).await;
}

async fn complete(engine: &Engine, mut job: Job, live: Live, chunks: Vec<Chunk>) -> StreamEvent {
    job.ledger.keep_answer(live.text());
    match engine.keep(&mut job.ledger, Outcome::Served, None).await {
        Ok(()) => StreamEvent::End(chunks, job.ledger.facts()),
        Err(cause) => StreamEvent::Failed(cause),
    }
}

async fn broken(engine: &Engine, job: Job, live: Live, error: UpstreamError) -> StreamEvent {
    let cause = match error {
        UpstreamError::Timeout(Phase::Request) => FailureCause::Deadline,
        error => FailureCause::Upstream { tier: live.tier.name().to_owned(), error },
    };
    StreamEvent::Failed(engine.failed(job, cause).await.cause)
}

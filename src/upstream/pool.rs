//! The endpoints of one tier: which one is called, and which next where that one fails.
//!
//! An endpoint that fails is made good by another one at once; once all have failed, those whose failure may pass are
//! asked again after a pause ([`super::retry`]). One that keeps failing is left alone ([`super::breaker`]).

mod race;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use self::race::{Call, Fault};
use super::breaker::{Breaker, BreakerPolicy, Pass};
use super::error::UpstreamError;
use super::retry::RetryPolicy;
use super::watch::Watch;
use super::{ChunkStream, Completion, Upstream};
use crate::chat::ChatRequest;

/// A place where a tier's model can be had.
pub struct Endpoint {
    /// What records call it.
    pub name: String,
    /// Its share of the calls, beside the other endpoints' weights; at least 1.
    pub weight: u32,
    /// How it is called.
    pub upstream: Arc<dyn Upstream>,
}

/// The endpoints of one tier.
pub struct Pool {
    members: Vec<Member>,
    /// Smooth weighted round robin: what each endpoint is owed.
    owed: Mutex<Vec<i64>>,
    retry: RetryPolicy,
    hedge_after: Option<Duration>,
}

struct Member {
    endpoint: Endpoint,
    breaker: Arc<Breaker>,
}

/// An answer, or the beginning of one.
enum Opened {
    Whole(Box<Completion>),
    Stream(ChunkStream),
}

#[derive(Clone, Copy)]
enum Shape {
    Whole,
    Stream,
}

impl Pool {
    /// A pool of at least one endpoint.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, retry: RetryPolicy, breaker: BreakerPolicy) -> Self {
        let owed = Mutex::new(vec![0; endpoints.len()]);
        let member = |endpoint| Member { endpoint, breaker: Breaker::new(breaker) };
        Self { members: endpoints.into_iter().map(member).collect(), owed, retry, hedge_after: None }
    }

    /// The same, calling another endpoint beside one that says nothing for so long.
    #[must_use]
    pub fn hedging(self, after: Option<Duration>) -> Self {
        Self { hedge_after: after, ..self }
    }

    /// The endpoints' names, each with how long it is still left alone; `None` where it is called.
    pub fn states(&self) -> impl Iterator<Item = (&str, Option<Duration>)> {
        self.members.iter().map(|member| (member.endpoint.name.as_str(), member.breaker.rests()))
    }

    /// A whole answer of any endpoint.
    ///
    /// # Errors
    /// The last endpoint's, or [`UpstreamError::Resting`] where none may be called.
    pub async fn complete(&self, request: &ChatRequest, watch: &Watch) -> Result<Completion, UpstreamError> {
        match self.open(request, Shape::Whole, watch).await? {
            (Opened::Whole(completion), pass) => {
                pass.succeeded();
                Ok(*completion)
            }
            (Opened::Stream(_), _) => Err(UpstreamError::Malformed("a stream where an answer was expected".to_owned())),
        }
    }

    /// A streamed answer of any endpoint, from the first piece on that says something: what fails before is made good.
    ///
    /// # Errors
    /// As for [`Pool::complete`]; what goes wrong after that piece is an item of the stream.
    pub async fn stream(&self, request: &ChatRequest, watch: &Watch) -> Result<ChunkStream, UpstreamError> {
        match self.open(request, Shape::Stream, watch).await? {
            (Opened::Stream(chunks), pass) => Ok(judged(chunks, pass.begun())),
            (Opened::Whole(_), _) => Err(UpstreamError::Malformed("an answer where a stream was expected".to_owned())),
        }
    }

    async fn open(&self, request: &ChatRequest, shape: Shape, watch: &Watch) -> Result<(Opened, Pass), UpstreamError> {
        let mut pauses = self.retry.pauses();
        let mut open: Vec<usize> = (0..self.members.len()).collect();
        let mut again = Vec::new();
        let mut last = None;
        loop {
            let Some((place, pass)) = self.pick(&mut open) else {
                let error = last.take().unwrap_or_else(|| self.resting());
                let pause = if again.is_empty() { None } else { pauses.next(&error, watch.deadline) };
                let Some(pause) = pause else { return Err(error) };
                sleep(pause).await;
                open = std::mem::take(&mut again);
                last = Some(error);
                continue;
            };
            let faults = match self.race((place, pass), &mut open, Call { request, shape, watch }).await {
                Ok(opened) => return Ok(opened),
                Err(faults) => faults,
            };
            for Fault { place, error } in faults {
                if error.is_clients_fault() {
                    return Err(error);
                }
                if error.is_retryable() {
                    again.push(place);
                }
                last = Some(error);
            }
        }
    }

    /// The open endpoint whose turn it is, taken out of `open` together with those that are left alone.
    fn pick(&self, open: &mut Vec<usize>) -> Option<(usize, Pass)> {
        loop {
            open.retain(|place| self.members[*place].breaker.rests().is_none());
            let place = self.turn(open)?;
            open.retain(|other| *other != place);
            if let Some(pass) = self.members[place].breaker.admit() {
                return Some((place, pass));
            }
        }
    }

    fn turn(&self, open: &[usize]) -> Option<usize> {
        // Every count is one assignment: a panic elsewhere leaves them whole.
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = |place: usize| i64::from(self.members[place].endpoint.weight);
        for place in open {
            owed[*place] += weight(*place);
        }
        let place = open.iter().copied().max_by_key(|place| (owed[*place], std::cmp::Reverse(*place)))?;
        owed[place] -= open.iter().copied().map(weight).sum::<i64>();
        Some(place)
    }

    /// For the time until the first endpoint may be called again.
    fn resting(&self) -> UpstreamError {
        let rest = self.members.iter().filter_map(|member| member.breaker.rests()).min();
        UpstreamError::Resting { retry_after: rest.unwrap_or_default() }
    }
}

impl Member {
    async fn open(&self, request: &ChatRequest, shape: Shape) -> Result<Opened, UpstreamError> {
        match shape {
            Shape::Whole => self.endpoint.upstream.complete(request).await.map(|whole| Opened::Whole(Box::new(whole))),
            Shape::Stream => begun(self.endpoint.upstream.stream(request).await?).await.map(Opened::Stream),
        }
    }
}

/// Waits until a stream says something.
async fn begun(mut chunks: ChunkStream) -> Result<ChunkStream, UpstreamError> {
    let mut head = Vec::new();
    while let Some(chunk) = chunks.next().await.transpose()? {
        let says_something = chunk.says_something();
        head.push(Ok(chunk));
        if says_something {
            break;
        }
    }
    Ok(stream::iter(head).chain(chunks).boxed())
}

/// The same stream; how it ends counts for its endpoint.
fn judged(chunks: ChunkStream, pass: Pass) -> ChunkStream {
    let step = |(mut chunks, pass): (ChunkStream, Option<Pass>)| async move {
        match chunks.next().await {
            Some(Ok(chunk)) => Some((Ok(chunk), (chunks, pass))),
            Some(Err(error)) => {
                pass.into_iter().for_each(|pass| judge(pass, &error));
                Some((Err(error), (chunks, None)))
            }
            None => {
                pass.into_iter().for_each(Pass::succeeded);
                None
            }
        }
    };
    stream::unfold((chunks, Some(pass)), step).boxed()
}

fn judge(pass: Pass, error: &UpstreamError) {
    if error.is_clients_fault() { pass.succeeded() } else { pass.failed(error.retry_after()) }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("endpoints", &self.states().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

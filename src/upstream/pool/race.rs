//! One call, and where it is silent for long, another one beside it: whichever answers first is kept.

use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::time::{Instant, timeout};

use super::{Opened, Pool, Shape, judge};
use crate::chat::ChatRequest;
use crate::upstream::breaker::Pass;
use crate::upstream::error::UpstreamError;
use crate::upstream::watch::{FailedCall, Watch};

/// A call that failed, and where.
pub(super) struct Fault {
    pub(super) place: usize,
    pub(super) error: UpstreamError,
}

/// What is called.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) shape: Shape,
    pub(super) watch: &'a Watch,
}

impl Pool {
    /// Calls the endpoint at `place` and, where it says nothing for as long as the pool hedges after, the next of `open` beside
    /// it; the slower of the two is given up. Fails with every call that failed, the last one last.
    pub(super) async fn race(
        &self,
        (place, pass): (usize, Pass),
        open: &mut Vec<usize>,
        call: Call<'_>,
    ) -> Result<(Opened, Pass), Vec<Fault>> {
        let mut first = pin!(self.call(place, pass, call));
        let Some(after) = self.hedge_after else { return first.await.map_err(|fault| vec![fault]) };
        if let Ok(ended) = timeout(after, &mut first).await {
            return ended.map_err(|fault| vec![fault]);
        }
        let Some((other, pass)) = self.pick(open) else { return first.await.map_err(|fault| vec![fault]) };
        let second = pin!(self.call(other, pass, call));
        match select(first, second).await {
            Either::Left((Err(fault), second)) => second.await.map_err(|last| vec![fault, last]),
            Either::Right((Err(fault), first)) => first.await.map_err(|last| vec![fault, last]),
            Either::Left((opened, _)) | Either::Right((opened, _)) => {
                call.watch.gives_up();
                opened.map_err(|fault| vec![fault])
            }
        }
    }

    async fn call(&self, place: usize, pass: Pass, call: Call<'_>) -> Result<(Opened, Pass), Fault> {
        let member = &self.members[place];
        let (name, start) = (&member.endpoint.name, Instant::now());
        call.watch.calls(name);
        match member.open(call.request, call.shape).await {
            Ok(opened) => {
                // The one that answers is the one that was called.
                call.watch.calls(name);
                Ok((opened, pass))
            }
            Err(error) => {
                judge(pass, &error);
                if !error.is_clients_fault() {
                    tracing::debug!(endpoint = name, %error, "a call failed");
                    call.watch.fails(FailedCall {
                        endpoint: name.clone(),
                        took: start.elapsed(),
                        error: error.clone(),
                    });
                }
                Err(Fault { place, error })
            }
        }
    }
}

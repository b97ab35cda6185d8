//! A streamed answer as server-sent events.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::cascade::{Facts, Failure, StreamEvent, StreamReply};
use crate::http::ApiError;
use crate::http::voice::Voice;

/// An answer that has not begun. Dropping it gives the request up.
pub(super) type Pending = BoxFuture<'static, Result<StreamReply, Failure>>;

/// Where the events come from.
pub(super) enum Source {
    /// The comments have begun before the answer.
    Pending(Pending, Voice),
    /// The answer has begun.
    Open(mpsc::Receiver<StreamEvent>, Voice),
}

impl Source {
    /// An answer that begins.
    pub(super) fn open(reply: StreamReply, voice: Voice) -> Self {
        Self::Open(reply.events, voice.for_answer(&reply.facts))
    }
}

type Piece = Result<Bytes, std::io::Error>;

/// The body of a streamed answer, with a comment after each `keep_alive` without anything else. If the engine breaks off
/// without saying so, the body fails: a client must never take a broken stream for a finished one.
pub(super) fn body(source: Source, keep_alive: Duration) -> impl Stream<Item = Piece> + Send {
    stream::unfold(Some(source), move |source| async move {
        let (piece, source) = next(source?, keep_alive).await;
        Some((piece, source))
    })
}

/// The next bytes, and where more may come from.
async fn next(source: Source, keep_alive: Duration) -> (Piece, Option<Source>) {
    match source {
        Source::Pending(mut pending, mut voice) => match timeout(keep_alive, &mut pending).await {
            Err(_) => (Ok(KEEP_ALIVE), Some(Source::Pending(pending, voice))),
            Ok(Ok(reply)) => (Ok(who(&reply.facts)), Some(Source::open(reply, voice))),
            Ok(Err(failure)) => (Ok(voice.failed(&ApiError::from(&failure.cause))), None),
        },
        Source::Open(mut events, mut voice) => loop {
            let piece = match timeout(keep_alive, events.recv()).await {
                Err(_) => KEEP_ALIVE,
                Ok(Some(StreamEvent::Chunk(chunk))) => match voice.event(chunk) {
                    Some(bytes) => bytes,
                    None => continue,
                },
                Ok(Some(StreamEvent::End(chunks, facts))) => return (Ok(voice.ending(chunks, &facts)), None),
                Ok(Some(StreamEvent::Failed(cause))) => {
                    return (Ok(voice.failed(&ApiError::from(&cause))), None);
                }
                Ok(None) => return (Err(std::io::Error::other("the answer was broken off")), None),
            };
            return (Ok(piece), Some(Source::Open(events, voice)));
        },
    }
}

const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// What the head of the answer could not tell, as a comment: the lines of the headers.
fn who(facts: &Facts) -> Bytes {
    let line = |name: &str, value: &str| format!(": x-rungs-{name}: {}\n", value.replace(['\r', '\n'], " "));
    let mut text = line("tier", &facts.tier) + &line("model", &facts.model);
    text += &line("escalations", &facts.escalations.to_string());
    if facts.stand_in {
        text += &line("stand-in", "true");
    }
    if let Some(why) = facts.unpassed {
        text += &line("unpassed", why.name());
    }
    Bytes::from(text + "\n")
}

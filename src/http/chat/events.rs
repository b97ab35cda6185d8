//! A streamed answer as server-sent events.

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::dress::{Dress, error_event};
use crate::cascade::{StreamEvent, StreamReply};
use crate::http::ApiError;

/// The body of a streamed answer. If the engine breaks off without saying so, the body fails: a client must never take
/// a broken stream for a finished one.
pub(super) fn body(reply: StreamReply, dress: Dress) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    let dress = dress.for_model(&reply.facts.model);
    stream::unfold(Some((reply.events, dress)), |state| async move {
        let (mut events, dress) = state?;
        let (bytes, goes_on) = next(&mut events, &dress).await;
        Some((bytes, goes_on.then_some((events, dress))))
    })
}

/// The next bytes, and whether more may follow.
async fn next(events: &mut mpsc::Receiver<StreamEvent>, dress: &Dress) -> (Result<Bytes, std::io::Error>, bool) {
    loop {
        match events.recv().await {
            Some(StreamEvent::Chunk(chunk)) => {
                if let Some(bytes) = dress.event(chunk) {
                    return (Ok(bytes), true);
                }
            }
            Some(StreamEvent::End(chunks, facts)) => return (Ok(dress.ending(chunks, &facts)), false),
            Some(StreamEvent::Failed(cause)) => return (Ok(error_event(ApiError::from(&cause).object())), false),
            None => return (Err(std::io::Error::other("the answer was broken off")), false),
        }
    }
}

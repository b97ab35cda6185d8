//! The chunks of a streamed answer, from its bytes.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use reqwest::Response;

use super::body::MAX_BYTES;
use super::limits::Running;
use crate::upstream::Chunk;
use crate::upstream::error::UpstreamError;
use crate::upstream::finish;
use crate::upstream::sse::Parser;

/// Reads the events of one dialect.
pub(in crate::upstream) trait Decode: Send + 'static {
    /// The chunks that the data of an event comes to; `None` for the event that ends a complete answer.
    ///
    /// # Errors
    /// For an event that is an error, or none of the dialect's.
    fn decode(&mut self, data: String) -> Result<Option<Vec<Chunk>>, UpstreamError>;
}

/// The chunks of an event stream, up to the event that ends it. A stream that closes without it is complete only if a
/// choice had given its finish reason.
pub(in crate::upstream) fn chunks(
    response: Response,
    limits: Running,
    decode: impl Decode,
) -> impl Stream<Item = Result<Chunk, UpstreamError>> + Send + 'static {
    let reader = Reader {
        response,
        limits,
        decode,
        parser: Parser::default(),
        events: VecDeque::new(),
        ready: VecDeque::new(),
        bytes: 0,
        chunks: 0,
        said: false,
        finished: false,
    };
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Reader<D> {
    response: Response,
    limits: Running,
    decode: D,
    parser: Parser,
    events: VecDeque<String>,
    ready: VecDeque<Chunk>,
    bytes: usize,
    chunks: usize,
    said: bool,
    finished: bool,
}

impl<D: Decode> Reader<D> {
    async fn next(&mut self) -> Result<Option<Chunk>, UpstreamError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return self.see(chunk).map(Some);
            }
            if let Some(data) = self.events.pop_front() {
                match self.decode.decode(data)? {
                    Some(chunks) => self.ready.extend(chunks),
                    None => return self.end(),
                }
            } else if !self.read().await? {
                return if self.finished { Ok(None) } else { Err(UpstreamError::Cut) };
            }
        }
    }

    fn see(&mut self, chunk: Chunk) -> Result<Chunk, UpstreamError> {
        self.chunks += 1;
        self.said |= chunk.choices.iter().any(|choice| choice.says_something);
        let reasons = chunk.choices.iter().filter_map(|choice| choice.finish_reason.as_deref());
        if let Some(failure) = reasons.filter_map(|reason| finish::failure(reason, self.said)).next() {
            return Err(UpstreamError::Reported(failure.into()));
        }
        self.finished |= chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
        Ok(chunk)
    }

    fn end(&self) -> Result<Option<Chunk>, UpstreamError> {
        if self.chunks == 0 {
            return Err(UpstreamError::Malformed("a stream without a chunk".to_owned()));
        }
        Ok(None)
    }

    /// Reads the next bytes; false at the end.
    async fn read(&mut self) -> Result<bool, UpstreamError> {
        let piece = self.response.chunk();
        let piece = if self.bytes == 0 { self.limits.first_byte(piece).await } else { self.limits.next(piece).await }?;
        let Some(bytes) = piece.map_err(|_| UpstreamError::Cut)? else { return Ok(false) };
        self.bytes += bytes.len();
        if self.bytes > MAX_BYTES {
            return Err(UpstreamError::TooLarge(MAX_BYTES));
        }
        self.parser.push(&bytes, &mut self.events)?;
        Ok(true)
    }
}

//! The chunks of a streamed answer, from its bytes.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use reqwest::Response;

use crate::upstream::Chunk;
use crate::upstream::error::UpstreamError;
use crate::upstream::finish;
use crate::upstream::sse::Parser;
use crate::upstream::transport::body::MAX_BYTES;
use crate::upstream::transport::limits::Running;

/// What a stream ends with.
const DONE: &str = "[DONE]";

/// The chunks of an event stream, up to `[DONE]`. A stream that closes without it is complete only if a choice had
/// given its finish reason.
pub(super) fn chunks(
    response: Response,
    limits: Running,
) -> impl Stream<Item = Result<Chunk, UpstreamError>> + Send + 'static {
    let reader = Reader {
        response,
        limits,
        parser: Parser::default(),
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

struct Reader {
    response: Response,
    limits: Running,
    parser: Parser,
    ready: VecDeque<String>,
    bytes: usize,
    chunks: usize,
    said: bool,
    finished: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Chunk>, UpstreamError> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return if data.trim() == DONE { self.end() } else { self.chunk(data).map(Some) };
            }
            if !self.read().await? {
                return if self.finished { Ok(None) } else { Err(UpstreamError::Cut) };
            }
        }
    }

    fn chunk(&mut self, data: String) -> Result<Chunk, UpstreamError> {
        let chunk = Chunk::parse(data)?;
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
        self.parser.push(&bytes, &mut self.ready)?;
        Ok(true)
    }
}

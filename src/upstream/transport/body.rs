//! Whole bodies, bounded in size and time.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::limits::Running;
use crate::upstream::error::UpstreamError;

/// A larger answer is refused, whole or streamed.
pub(in crate::upstream) const MAX_BYTES: usize = 64 << 20;

/// A larger refusal is not read.
pub(in crate::upstream) const MAX_ERROR_BYTES: usize = 64 << 10;

/// Reads a body to its end.
pub(in crate::upstream) async fn read(
    mut response: Response,
    limits: &Running,
    max: usize,
) -> Result<Bytes, UpstreamError> {
    let mut body = BytesMut::new();
    // The answer has begun only with its first byte: until then the limit of the first byte holds.
    let mut piece = limits.first_byte(response.chunk()).await?;
    while let Some(bytes) = piece.map_err(|_| UpstreamError::Cut)? {
        if body.len() + bytes.len() > max {
            return Err(UpstreamError::TooLarge(max));
        }
        body.extend_from_slice(&bytes);
        piece = limits.next(response.chunk()).await?;
    }
    Ok(body.freeze())
}

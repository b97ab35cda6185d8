//! Why a request got no answer.

use crate::decisions::Cap;
use crate::upstream::UpstreamError;

/// A request that ended without an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// The decision record's id.
    pub id: String,
    /// What went wrong.
    pub cause: FailureCause,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FailureCause {
    /// The last tier that could be asked failed.
    #[error("the tier `{tier}` {error}")]
    Upstream {
        /// The tier.
        tier: String,
        /// How it failed.
        error: UpstreamError,
    },
    /// The request's time was over.
    #[error("the request took longer than it may, every attempt included")]
    Deadline,
    /// A limit of the request forbids the call that it would take.
    #[error("{}", match .0 {
        Cap::Calls => "the request has made as many calls as it may, and there is no answer",
        Cap::Cost => "the next call is expected to cost more than the request may, and there is no answer",
    })]
    Cap(Cap),
    /// The answer was there, and its record could not be kept.
    #[error("the answer is withheld because its record could not be kept: {0}")]
    Log(String),
    /// A part of the router broke.
    #[error("the router failed: {0}")]
    Internal(String),
}

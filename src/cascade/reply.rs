//! What the engine hands to the endpoint.

use tokio::sync::mpsc;

use super::failure::FailureCause;
use crate::decisions::Cap;
use crate::upstream::{Chunk, Completion};

/// What is known of an answer beside its words.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The decision record's id.
    pub id: String,
    /// The tier that answers.
    pub tier: String,
    /// The model that answers, as the upstream names it.
    pub model: String,
    /// Climbs before this answer.
    pub escalations: u32,
    /// Cost in USD of all attempts; `None` when it is not known, or not yet.
    pub cost_usd: Option<f64>,
    /// Cost in USD of the request's task so far, this request included once it has ended; `None` where it belongs to none.
    pub task_cost_usd: Option<f64>,
    /// Whether the answer comes from a stand-in.
    pub stand_in: bool,
    /// Why an answer is served that did not pass; `None` for one that did.
    pub unpassed: Option<Unpassed>,
}

/// Why an answer that did not pass is served all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpassed {
    /// A limit of the request forbids the next call.
    Cap(Cap),
    /// Every tier above failed.
    UpstreamFailure,
}

impl Unpassed {
    /// Its public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cap(Cap::Calls) => "max_calls",
            Self::Cap(Cap::Cost) => "max_cost",
            Self::UpstreamFailure => "upstream_failure",
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Who answers, and at what cost.
    pub facts: Facts,
    /// The answer.
    pub completion: Completion,
}

/// An answer in pieces.
#[derive(Debug)]
pub struct StreamReply {
    /// Who answers; the cost is not known yet.
    pub facts: Facts,
    /// What is to be sent. A channel that closes before [`StreamEvent::End`] or [`StreamEvent::Failed`] is a broken
    /// answer, which the client must not take for a finished one.
    pub events: mpsc::Receiver<StreamEvent>,
}

/// A step of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The next piece.
    Chunk(Chunk),
    /// The last pieces; the record is kept, and the answer is complete.
    End(Vec<Chunk>, Facts),
    /// The answer breaks off here.
    Failed(FailureCause),
}

//! Calls the plan's tiers from the cheapest up until an answer passes, and writes down what happened.
//!
//! The engine is mechanism: it walks the rungs that a [`crate::policy::Plan`] gives it and never knows why they are
//! these. Whether an answer passes is [`confidence`]'s to say, and which of several samples speaks for the others
//! [`agreement`]'s. How an answer looks on the wire is the endpoint's.
//!
//! Three invariants of `docs/architecture.md` are kept here: nothing of a rejected answer reaches the client, after the
//! first byte to the client nothing is retracted, and no complete answer leaves before its decision record is kept.

pub mod agreement;
mod beta;
mod call;
mod caps;
mod checks;
mod climb;
pub mod confidence;
mod conversations;
mod early;
mod engine;
pub mod evidence;
mod examine;
mod failure;
mod fitness;
mod form;
mod held;
mod ledger;
mod live;
mod phrases;
mod privacy;
mod prospect;
mod reply;
mod rung;
mod sampling;
mod savings;
pub(crate) mod schemas;
mod stats;
mod stream;

pub use caps::Caps;
pub use checks::CheckState;
pub use engine::{Engine, Job};
pub use failure::{Failure, FailureCause};
pub use fitness::CascadeState;
pub use ledger::Ledger;
pub use prospect::Prospect;
pub use reply::{Facts, Reply, StreamEvent, StreamReply, Unpassed};
pub use stats::{EarlySums, Figures, RouteFigures, Sums, TierFigures, TierSums};

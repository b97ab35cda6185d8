//! Telling receivers: a queue in the database, an attempt at a time, until one is answered with success.
//!
//! The message of a delivery and its id stay the same for every attempt (Standard Webhooks), so that a receiver that was told
//! twice can see it.

mod address;
mod call;
mod courier;
mod format;
pub mod queue;
pub(super) mod schedule;
mod sign;

pub use call::{Caller, Outcome};
pub use courier::start;

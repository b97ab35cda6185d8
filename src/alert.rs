//! Alerts: what happened, until when, and who is told.
//!
//! Whoever notices something tells [`Alerts`]; the signal waits in the database's outbox. The leader takes it from there into
//! the life of an alert (pending, firing, resolved) and, where somebody is to be told, into the queue of deliveries.
//! What the database cannot take is told directly.

mod direct;
pub mod event;
mod fingerprint;
pub mod group;
pub mod keeper;
pub mod life;
pub mod outbox;
mod scope;
pub mod silence;
pub mod table;
pub mod webhook;
mod words;

pub use event::Event;
pub use fingerprint::Fingerprint;
pub use life::{Alert, Status};
pub use outbox::{Alerts, Signal};
pub use scope::Scope;

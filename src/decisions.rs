//! The decision log: one durable record per request.

pub mod record;
pub mod store;

pub use record::{Attempt, AttemptStatus, DecisionRecord, EscalationReason, Form, Outcome, Purpose, Signals};
pub use store::{DecisionFilter, DecisionStore, Page, StoreError, open};

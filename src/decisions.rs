//! The decision log: one durable record per request.

pub mod checked;
pub mod early;
pub mod id;
pub mod record;
pub mod store;

pub use checked::{CheckResult, CheckVerdict};
pub use early::{Early, EarlyVerdict, Trigger};
pub use record::{
    Attempt, AttemptStatus, CallFailure, Cap, DecisionRecord, EscalationReason, Form, Outcome, Posterior, Purpose,
    Signals,
};
pub use store::{DecisionFilter, DecisionStore, LogState, Page, StoreError, open};

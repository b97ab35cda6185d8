//! The decision log: one durable record per request.

pub mod checked;
pub mod early;
pub mod export;
pub mod feedback;
pub mod id;
pub mod lag;
pub mod observed;
pub mod receipt;
pub mod record;
pub mod report;
pub mod store;
pub mod upkeep;
pub mod verify;

pub use checked::{CheckResult, CheckVerdict};
pub use early::{Early, EarlyVerdict, Trigger};
pub use feedback::Feedback;
pub use observed::Observed;
pub use receipt::Receipt;
pub use record::{
    Attempt, AttemptStatus, CallFailure, Cap, ContentHashes, DecisionRecord, EscalationReason, Form, Outcome,
    Posterior, Purpose, Signals,
};
pub use store::{DecisionFilter, DecisionStore, LogState, Page, StoreError, open};

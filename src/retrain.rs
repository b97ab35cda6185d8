//! From the decision log to a challenger, and from there to a champion or to a reason why not (`docs/retrain.md`).
//!
//! ```text
//! verdicts, feedback, checks → labels → split by time → fit → gate → registry
//! ```

mod conclude;
pub(crate) mod conversation;
mod first;
mod holdout;
pub mod labels;
mod objection;
mod off_policy;
mod report;
pub mod rollout;
mod run;
pub(crate) mod said;
mod split;
mod work;
pub mod worker;

pub use first::{First, first, is_first};
pub use labels::{Labels, Taken};
pub use objection::Objection;
pub use report::Report;
pub use run::{Ask, RetrainError, run, run_on};

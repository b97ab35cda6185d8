//! Unbiased quality from a small sample: which answers are judged, by whom, and what the verdicts say of all of them.
//!
//! The request path ends at the decision record (invariant 1 of `docs/architecture.md`). The [`sampler`] only writes down
//! with which probability a request is drawn and whether it is; whatever is called, is called by a worker that reads the log.
//!
//! The statistics are pure functions in [`estimate`].

pub mod anchors;
mod asking;
mod batch;
mod bench;
mod call;
mod check;
pub mod commission;
pub mod estimate;
pub mod figures;
mod flips;
pub mod hash;
pub mod jobs;
mod plain;
pub mod prompt;
pub mod purse;
mod recent;
pub mod sampler;
mod suspicion;
pub mod verdict;
pub mod verdicts;
mod work;
mod worker;

pub use bench::Bench;
pub use figures::Figures;
pub use recent::Recent;
pub use sampler::{Sampler, Sampling, Stream, predicted};
pub use verdict::{Kind, Order, Preference, Subject, Verdict};
pub use verdicts::{VerdictFilter, VerdictPage};
pub use worker::{Counts, Worker};

//! From nothing to the first own model (`docs/retrain.md`): a sample of the user's own prompts is put to every tier, the answers are
//! judged, and a model is fitted to what came of it.
//!
//! ```text
//! prompts → estimate → answers of every tier → judge → labelled queries → fit → registry
//! ```
//!
//! What was paid for is kept in a folder, a decision log of its own: answers are its records, and the judge works on its jobs. A run
//! that was killed goes on where it was.

mod answers;
mod error;
mod estimate;
mod folder;
mod judging;
mod ledger;
mod model;
mod rows;
mod run;
mod sample;
mod summary;

pub use error::BootstrapError;
pub use estimate::{Calls, Estimate};
pub use run::{Bootstrap, Settings};
pub use sample::{Question, draw, logged};
pub use summary::{Failed, Summary};

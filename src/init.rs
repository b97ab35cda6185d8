//! A first configuration: what is at hand, which two tiers of it, and the file that says so.

mod catalogue;
mod choose;
mod compose;
mod find;

pub use catalogue::{Catalogue, Model, Provider};
pub use choose::{Pair, named, suggest};
pub use compose::compose;
pub use find::{Candidate, find};

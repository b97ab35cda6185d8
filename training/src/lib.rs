//! Fits rungs' difficulty heads. Numbers in (feature rows, labels, costs, groups), coefficients, calibration,
//! operating points and a report out; this crate knows nothing of requests, files or HTTP.

pub mod calibrate;
pub mod canary;
pub mod certify;
pub mod dataset;
mod error;
pub mod evaluate;
pub mod fit;
pub mod gate;
pub mod learners;
pub mod ope;
pub mod plot;
pub mod policies;
pub mod postgen;
mod projection;
mod random;
mod scaling;
pub mod split;
#[cfg(test)]
mod testing;
pub mod weights;

pub use dataset::{Dataset, Parts};
pub use error::FitError;
pub use fit::{Fitted, Settings, fit};
pub use learners::extra_trees::Growth;
pub use projection::Projection;
pub use scaling::Scaling;

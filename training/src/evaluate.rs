//! How good scores are: quality recovered, ranking, calibration, each with its interval.

pub mod auc;
pub mod bootstrap;
pub mod calibration;
pub mod gain;
pub mod reliability;
mod report;

pub use bootstrap::Interval;
pub use calibration::{Bin, CalibrationError};
pub use gain::{GainCurve, Operation};
pub use reliability::Reliability;
pub use report::{Evaluation, Scored, evaluate};

//! How good scores are: quality recovered, ranking, calibration, each with its interval.

pub mod auc;
pub mod bootstrap;
pub mod calibration;
pub mod gain;
mod report;

pub use bootstrap::Interval;
pub use calibration::{Bin, CalibrationError};
pub use gain::{GainCurve, Operation};
pub use report::{Evaluation, Scored, evaluate};

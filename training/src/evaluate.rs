//! How good scores are: quality recovered, ranking, calibration, each with its interval.

pub mod area;
pub mod auc;
pub mod bootstrap;
pub mod calibration;
mod compare;
mod cost;
mod curve;
pub mod gain;
pub mod reliability;
mod report;
#[cfg(test)]
mod simulation;

pub use bootstrap::Interval;
pub use calibration::{Bin, CalibrationError};
pub use compare::{Comparison, Difference, compare};
pub use cost::CostFigures;
pub use gain::{GainCurve, Operation};
pub use reliability::Reliability;
pub use report::{Evaluation, Scored, evaluate};

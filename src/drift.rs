//! Has something changed? Monitors over the decision log, with a known rate of false alarms.
//!
//! A detector looks at one stream of numbers and is a file of its own, with its formula and its source ([`Bernoulli`],
//! [`Residual`], [`psi`], [`hours`]). Around it a monitor learns what is normal and tells when an alarm is over ([`rate`],
//! [`calibrated`], [`inputs`]). [`Monitors`] has one for each family and level, and shares the false alarms among them.

pub mod alarms;
pub mod attribution;
pub mod backtest;
mod bernoulli;
pub mod calibrated;
pub mod economics;
pub mod findings;
pub mod hours;
pub mod inputs;
pub mod interval;
pub mod key;
pub mod levels;
mod monitors;
mod pace;
pub mod psi;
pub mod rate;
pub mod reach;
mod read;
mod residual;
pub mod sample;
pub mod shares;
pub mod state;
pub mod status;
mod versions;
pub mod worker;

pub use alarms::{Alarm, Alarms};
pub use bernoulli::Bernoulli;
pub use key::{Family, Key};
pub use monitors::{Finding, Monitors};
pub use rate::{Change, Moved, Rate};
pub use residual::Residual;

/// Watches a stream until it has changed.
pub trait DriftDetector {
    /// What it looks at, one at a time.
    type Sample;

    /// Takes the next sample. True is an alarm, after which it begins anew.
    fn observe(&mut self, sample: Self::Sample) -> bool;

    /// What speaks for a change so far, as a share of what an alarm takes: in [0, 1).
    fn evidence(&self) -> f64;

    /// Forgets what was seen.
    fn reset(&mut self);
}

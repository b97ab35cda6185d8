//! Operating points and the verdict on whether there is anything to operate on.

use serde::{Deserialize, Serialize};

/// The thresholds that an artifact brings along, chosen on out-of-fold scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoints {
    /// The least frontier share that recovers half of the quality between the tiers.
    pub economy: OperatingPoint,
    /// The least frontier share that recovers four fifths of it.
    pub balanced: OperatingPoint,
    /// The least frontier share that recovers 95 per cent of it.
    pub quality: OperatingPoint,
}

/// A threshold and what it gave on the training rows, out of fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// The frontier is called where p_frontier − p_cheap reaches this; in [−1, 1].
    pub threshold: f64,
    /// Share of the rows that went to the frontier, in [0, 1].
    pub frontier_share: f64,
    /// Mean score of the answers that it served, in [0, 1].
    pub quality: f64,
    /// Performance gap recovered: (quality − cheap) / (frontier − cheap).
    pub pgr: f64,
}

/// Whether the score ranks requests by the frontier's gain better than chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// What follows from the interval.
    pub verdict: Verdict,
    /// Chance that of two rows with different gain the one with more has the higher out-of-fold score.
    pub auc: f64,
    /// Its 95 % interval, by cluster bootstrap.
    pub interval: [f64; 2],
}

/// Whether to route by the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The interval lies above ½.
    Usable,
    /// It does not: routing by the score would be routing by noise.
    None,
}

//! How likely each tier is to answer acceptably, before it is asked.

#[cfg(feature = "train")]
pub mod ablation;
#[cfg(feature = "train")]
pub mod answers;
pub mod artifact;
#[cfg(feature = "train")]
pub mod calibrate;
pub mod calibrated;
pub mod calibration;
mod check;
pub mod codes;
pub mod confidence;
pub mod domains;
mod dot;
mod envelope;
#[cfg(feature = "train")]
pub mod evaluate;
#[cfg(feature = "train")]
pub mod figures;
pub mod forest;
pub mod heads;
#[cfg(feature = "train")]
pub mod learn;
#[cfg(feature = "train")]
pub mod matrix;
pub mod neighbours;
pub mod operating;
#[cfg(feature = "train")]
pub mod prices;
#[cfg(feature = "train")]
pub mod report;
#[cfg(feature = "train")]
pub mod rows;
pub mod scorer;
pub mod seen;
#[cfg(feature = "train")]
pub mod slices;
#[cfg(feature = "train")]
pub mod trust;
mod worth;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use artifact::{Artifact, Provenance};
pub use calibration::Calibration;
pub use codes::Codes;
pub use confidence::{Confidence, ConfidenceModel};
pub use domains::Domains;
pub use envelope::ArtifactError;
pub use forest::{Forest, Tree};
pub use heads::{Head, Inputs, Linear, Mixture, Scaling};
pub use neighbours::{Neighbourhood, Neighbours};
pub use operating::{OperatingPoint, OperatingPoints, Signal, Verdict};
pub use scorer::{Scorer, ScorerError};

/// A calibrated probability that a tier's answer will be acceptable, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Acceptability(f64);

impl Acceptability {
    /// The probability; values outside [0, 1] are clamped and NaN becomes 0 (a tier of which nothing is known is not
    /// trusted).
    #[must_use]
    pub fn new(p: f64) -> Self {
        Self(if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) })
    }

    /// The probability as a number in [0, 1].
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// What the heads say of one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Acceptability per head, cheap → frontier.
    pub p: IndexMap<String, Acceptability>,
    /// The ranking score p_frontier − p_cheap, in [−1, 1]: what the frontier tier is expected to add.
    pub score: f64,
    /// Share of the training rows that lie nearer to the rest of them than the request does, in [0, 1]; `None` where
    /// nothing was trained.
    pub novelty: Option<f64>,
}

//! How far a tier's probabilities can be taken at their word, as `eval --json` and `report.json` say it.

use indexmap::IndexMap;
use rungs_training::evaluate::{CalibrationError, Evaluation, Reliability};
use serde::Serialize;

use super::Artifact;

/// One tier's probabilities against its outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trust {
    /// Log-loss, Brier score and the recalibration line.
    #[serde(flatten)]
    pub scores: Reliability,
    /// Expected calibration error over 15 bins of equal weight, less what chance makes; at least 0.
    pub ece: f64,
    /// The same with chance's part.
    pub ece_raw: f64,
    /// Chance's part: its expectation if the probabilities were exactly right.
    pub ece_expected: f64,
}

impl Trust {
    /// That of each tier.
    #[must_use]
    pub fn of(evaluation: &Evaluation) -> Vec<Self> {
        let tier = |(scores, error): (&Reliability, &CalibrationError)| Self {
            scores: *scores,
            ece: error.excess,
            ece_raw: error.raw,
            ece_expected: error.expected,
        };
        evaluation.reliability.iter().zip(&evaluation.calibration).map(tier).collect()
    }
}

/// Which calibrator training chose for each tier: `platt`, `beta` or `isotonic`.
#[must_use]
pub fn calibrators(artifact: &Artifact) -> IndexMap<String, &'static str> {
    artifact.heads.iter().map(|head| (head.tier.clone(), head.calibration.method())).collect()
}

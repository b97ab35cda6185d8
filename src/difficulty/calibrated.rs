//! The operating point that `rungs calibrate` set, and the promise that comes with it.

use serde::{Deserialize, Serialize};

/// An operating point for a goal, chosen on labelled queries that the model had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// The version of the model that it was chosen for; with any other it is void.
    pub model: String,
    /// What was asked.
    pub goal: Goal,
    /// The frontier is called where p_frontier − p_cheap reaches this; in [−1, 1].
    pub threshold: f64,
    /// Share of the rows that goes to the frontier, in [0, 1].
    pub frontier_share: f64,
    /// Mean score of the answers served, in [0, 1]; `None` where the frontier has no labels.
    pub quality: Option<f64>,
    /// Mean cost of a request in USD; `None` where a row lacks the cost of a tier.
    pub cost_usd: Option<f64>,
    /// SHA-256 over the rows that it was chosen on, hexadecimal.
    pub data: String,
    /// Those rows.
    pub rows: usize,
    /// The promise; only a maximal quality loss comes with one.
    pub certificate: Option<Certificate>,
}

/// What an operating point is to achieve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Goal {
    /// At most this share of the requests goes to the frontier, in [0, 1].
    FrontierShare(f64),
    /// The mean score of the answers is at least this, in [0, 1], with as few frontier calls as possible.
    MinQuality(f64),
    /// The mean cost of a request is at most this, in USD, with as much quality as possible.
    BudgetUsd(f64),
    /// With probability 1 − δ no more than ε is lost against always calling the frontier.
    MaxQualityLoss {
        /// ε: the loss in mean score, in (0, 1).
        epsilon: f64,
        /// δ: how often the promise may fail, over the draw of the rows, in (0, 1).
        delta: f64,
    },
}

/// A promise: with probability 1 − δ over the draw of the calibration rows, routing loses at most ε of mean score against
/// always calling the frontier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
    /// What counts as a loss.
    pub loss: Loss,
    /// Labelled groups that carry it, each counting once.
    pub n: usize,
    /// Mean loss that was seen on them.
    pub observed_loss: f64,
    /// Seed of the test's order.
    pub seed: u64,
    /// What voids it.
    pub void_if: Vec<String>,
}

/// What counts as a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Served cheap, and the frontier's score less the cheap tier's.
    QualityLost,
    /// Served cheap, and one less the cheap tier's score: bounds the quality lost without a label of the frontier.
    Unacceptable,
}

impl Loss {
    /// What a certificate on this loss rests on, said by what would take it away.
    #[must_use]
    pub fn void_if(self) -> [&'static str; 4] {
        [
            "the model, the feature schema or the embedder changes",
            "the requests drift away from the calibration data: a drift alarm voids it",
            "other than the two calibrated tiers are served, or the models behind them change",
            match self {
                Self::QualityLost => {
                    "another threshold is configured, or an answer is replaced after routing, as a cascade does"
                }
                Self::Unacceptable => {
                    "another threshold is configured, or the cheap tier's answer is chosen from several samples"
                }
            },
        ]
    }
}

impl Calibrated {
    /// Finds what would make it wrong to use with a model of this version.
    pub(super) fn check(&self, model: &str) -> Result<(), String> {
        if self.model != model {
            return Err(format!(
                "it was chosen for model {} and this is model {model}: run `rungs calibrate` again",
                self.model
            ));
        }
        if !(-1.0..=1.0).contains(&self.threshold) {
            return Err(format!("threshold {} is not in [-1, 1]", self.threshold));
        }
        Ok(())
    }
}

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::in_range;
use crate::alert::event::NAMES;

/// How the log teaches the router, and how a better model comes into force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainConfig {
    /// Days from one attempt to the next; 0 tries only when asked.
    pub every_days: f64,
    /// Decisions older than this are not learned from, in days.
    pub since_days: f64,
    /// After so many days a decision counts half.
    pub half_life_days: f64,
    /// The share of the labelled conversations, the latest, that judge the challenger.
    pub holdout_share: f64,
    /// Fewer labelled conversations than this are not learned from.
    pub min_labels: usize,
    /// Labelled queries that every challenger learns from and is held against beside the log.
    pub replay: Vec<PathBuf>,
    /// The most that the replay set may weigh in a fit, in [0, 1).
    pub replay_share: f64,
    /// The probability of ever replacing a champion by one without a gain.
    pub alpha: f64,
    /// What follows where the gate lets a challenger pass.
    pub rollout: Rollout,
    /// Decisions of the log that a model in shadow scores before it is tried out.
    pub shadow_decisions: u32,
    /// The share of the requests that a canary decides, in (0, 1).
    pub canary_share: f64,
    /// Requests that a canary decides before it is promoted.
    pub canary_decisions: u32,
    /// Alerts that take a promotion back where they begin after it.
    pub rollback_on: Vec<String>,
    /// For so many days after it.
    pub rollback_days: f64,
    /// The share of the requests that start elsewhere than the score says, to learn what became of them; in [0, 0.2].
    pub explore: f64,
}

/// What follows where the gate lets a challenger pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rollout {
    /// It becomes the champion at once.
    All,
    /// It scores the log, then decides a share of the requests, then becomes the champion.
    Canary,
    /// It stays a challenger until an operator promotes it.
    Manual,
}

impl Default for RetrainConfig {
    fn default() -> Self {
        Self {
            every_days: 0.0,
            since_days: 90.0,
            half_life_days: 30.0,
            holdout_share: 0.4,
            min_labels: 200,
            replay: Vec::new(),
            replay_share: 0.8,
            alpha: 0.05,
            rollout: Rollout::All,
            shadow_decisions: 200,
            canary_share: 0.1,
            canary_decisions: 500,
            rollback_on: ["QualityDrift", "CalibrationDrift"].map(str::to_owned).to_vec(),
            rollback_days: 7.0,
            explore: 0.0,
        }
    }
}

impl RetrainConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("retrain.every_days", self.every_days, 0.0, 3650.0)?;
        in_range("retrain.since_days", self.since_days, 0.01, 3650.0)?;
        in_range("retrain.half_life_days", self.half_life_days, 0.1, 3650.0)?;
        in_range("retrain.holdout_share", self.holdout_share, 0.1, 0.9)?;
        in_range("retrain.replay_share", self.replay_share, 0.0, 0.95)?;
        in_range("retrain.alpha", self.alpha, 0.001, 0.5)?;
        in_range("retrain.canary_share", self.canary_share, 0.001, 0.5)?;
        in_range("retrain.rollback_days", self.rollback_days, 0.0, 3650.0)?;
        if let Some(name) = self.rollback_on.iter().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(format!("retrain.rollback_on: there is no alert `{name}`; there are {}", NAMES.join(", ")));
        }
        in_range("retrain.explore", self.explore, 0.0, 0.2)
    }
}

use serde::{Deserialize, Serialize};

use super::in_range;

/// Where `auto` starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// The operating point of `auto`.
    pub threshold: Threshold,
    /// Where every request starts when the artifact has no usable signal.
    pub fallback: Fallback,
    /// The share of the requests for `auto` that is routed, in [0, 1]; the others go where their clients sent them.
    pub routed_share: f64,
}

/// An operating point: one of the artifact's own, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be \"calibrated\", \"economy\", \"balanced\", \"quality\" or a number between -1 and 1"
)]
pub enum Threshold {
    /// One of the artifact's operating points.
    Preset(Preset),
    /// The frontier is called where p_frontier − p_cheap reaches this, in [−1, 1].
    Value(f64),
}

/// The operating points that every artifact carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// What `rungs calibrate` set for the artifact; where it set nothing, `balanced`.
    Calibrated,
    /// Cheapest.
    Economy,
    /// In between.
    Balanced,
    /// Dearest.
    Quality,
}

/// A tier to fall back on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// The cheapest tier.
    Cheap,
    /// The last tier: no saving, no loss.
    #[default]
    Frontier,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self { threshold: Threshold::default(), fallback: Fallback::default(), routed_share: 1.0 }
    }
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Preset(Preset::Calibrated)
    }
}

impl PolicyConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("policy.routed_share", self.routed_share, 0.0, 1.0)?;
        match self.threshold {
            Threshold::Value(value) => in_range("policy.threshold", value, -1.0, 1.0),
            Threshold::Preset(_) => Ok(()),
        }
    }
}

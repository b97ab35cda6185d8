use serde::{Deserialize, Serialize};

use super::in_range;

/// Whether a conversation stays at the tier that answered it last while going would cost more than it brings.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StickinessConfig {
    /// Whether it is weighed at all.
    pub enabled: bool,
    /// Turns that are expected to follow.
    pub turns: u32,
    /// What a turn counts of the one before it, in (0, 1].
    pub discount: f64,
}

impl Default for StickinessConfig {
    fn default() -> Self {
        Self { enabled: true, turns: 2, discount: 0.9 }
    }
}

impl StickinessConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("stickiness.turns", f64::from(self.turns), 0.0, 100.0)?;
        in_range("stickiness.discount", self.discount, 0.01, 1.0)
    }
}

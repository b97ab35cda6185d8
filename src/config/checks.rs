use serde::{Deserialize, Serialize};

use super::in_range;

/// How the checks of all routes are run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChecksConfig {
    /// Commands and calls that may run at once.
    pub max_concurrent: u32,
    /// A check that errs in a larger share of its last runs is switched off.
    pub max_error_share: f64,
    /// How many of its last runs count.
    pub error_window: u32,
    /// How long it stays off before it is tried again, in seconds.
    pub cool_down_s: f64,
}

impl Default for ChecksConfig {
    fn default() -> Self {
        Self { max_concurrent: 8, max_error_share: 0.2, error_window: 50, cool_down_s: 300.0 }
    }
}

impl ChecksConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("checks.max_concurrent", f64::from(self.max_concurrent), 1.0, 1024.0)?;
        in_range("checks.max_error_share", self.max_error_share, 0.0, 1.0)?;
        in_range("checks.error_window", f64::from(self.error_window), 10.0, 10_000.0)?;
        in_range("checks.cool_down_s", self.cool_down_s, 0.001, 86_400.0)
    }
}

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which artifact scores requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// The folder that `rungs train --out` wrote; `None` uses the baseline in the binary.
    pub path: Option<PathBuf>,
}

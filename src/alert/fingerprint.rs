//! What an alert is known by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A hash of labels, in 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of these labels.
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>) -> Self {
        let mut hash = Sha256::new();
        for (name, value) in labels {
            for text in [name, value] {
                // The length in front keeps `ab` + `c` apart from `a` + `bc`.
                hash.update(text.len().to_le_bytes());
                hash.update(text);
            }
        }
        Self(hex::encode(&hash.finalize()[..8]))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

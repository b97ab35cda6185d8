use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// A level by its name. Clones name the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    pub(super) name: Arc<str>,
    /// What it loses a second, down to nothing.
    pub(super) leak: f64,
    /// How long it is kept after its last change; `None` for ever.
    pub(super) keep: Option<Duration>,
}

/// In bytes: indexes take no long texts, and clients choose parts of names.
const LONGEST: usize = 512;

impl Meter {
    /// A sum, forgotten so long after its last change.
    #[must_use]
    pub fn sum(name: &str, keep: Option<Duration>) -> Self {
        Self { name: fit(name), leak: 0.0, keep }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A bucket that loses so much a minute, and is full with as much.
    #[must_use]
    pub fn per_minute(name: &str, amount: f64) -> Self {
        // An empty bucket is the same as none.
        Self { name: fit(name), leak: amount / 60.0, keep: Some(Duration::from_secs(120)) }
    }
}

/// The name, or its hash where no database could index it.
fn fit(name: &str) -> Arc<str> {
    if name.len() <= LONGEST && !name.contains('\0') {
        return name.into();
    }
    hex::encode(Sha256::digest(name)).into()
}

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{lexical, structural};
use crate::chat::ChatRequest;

/// Names what a [`FeatureVector`](super::FeatureVector) holds; an artifact refuses to score any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Raised whenever the meaning of a feature changes.
    pub version: u32,
    /// SHA-256 over the version and the names, hexadecimal.
    pub hash: String,
    /// The lexical and structural features, in order. The part before the dot is the feature's group.
    pub names: Vec<String>,
}

/// Takes the features one by one; what takes their names and what takes their values run through the same code, so
/// that the two cannot fall out of step.
pub(super) trait Sink {
    /// Takes one feature; the value is finite.
    fn put(&mut self, name: &'static str, value: f32);
}

/// Keeps the values.
#[derive(Default)]
pub(super) struct Values(pub(super) Vec<f32>);

impl Sink for Values {
    fn put(&mut self, _: &'static str, value: f32) {
        self.0.push(value);
    }
}

#[derive(Default)]
struct Names(Vec<String>);

impl Sink for Names {
    fn put(&mut self, name: &'static str, _: f32) {
        self.0.push(name.to_owned());
    }
}

impl Schema {
    /// Raised whenever the meaning of a feature changes.
    pub const VERSION: u32 = 3;

    /// The schema of the features that this build extracts.
    #[must_use]
    pub fn current() -> Self {
        let mut names = Names::default();
        lexical::measure("", &mut names);
        structural::measure(&ChatRequest::from_prompt(""), 0, &mut names);
        Self::of(Self::VERSION, names.0)
    }

    fn of(version: u32, names: Vec<String>) -> Self {
        let mut hash = Sha256::new();
        hash.update(version.to_le_bytes());
        for name in &names {
            hash.update(name.as_bytes());
            hash.update([0]);
        }
        Self { version, hash: hex::encode(hash.finalize()), names }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_names_are_unique_and_have_a_group() {
        let schema = Schema::current();
        let unique: HashSet<&String> = schema.names.iter().collect();
        assert_eq!(unique.len(), schema.names.len());
        assert!(
            schema.names.iter().all(|name| name.split_once('.').is_some_and(|(g, n)| !g.is_empty() && !n.is_empty()))
        );
    }

    #[test]
    fn the_hash_covers_version_names_and_order() {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let hash = Schema::of(1, names(&["a.b", "c.d"])).hash;
        assert_eq!(hash, Schema::of(1, names(&["a.b", "c.d"])).hash);
        assert_ne!(hash, Schema::of(2, names(&["a.b", "c.d"])).hash);
        assert_ne!(hash, Schema::of(1, names(&["c.d", "a.b"])).hash);
        assert_ne!(hash, Schema::of(1, names(&["a.bc", ".d"])).hash);
    }
}

//! From a request to numbers: one extractor, used by training and serving alike (invariant 5).

pub mod embedding;

use serde::{Deserialize, Serialize};

/// What the heads see of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureVector {
    /// The sentence embedding, of unit length unless the text is empty.
    pub embedding: Vec<f32>,
    /// Lexical and structural features, in the order of [`Schema::names`]; all finite.
    pub lexical: Vec<f32>,
}

/// Names what a [`FeatureVector`] holds; an artifact refuses to score any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Raised whenever the meaning of a feature changes.
    pub version: u32,
    /// SHA-256 over the version and the names, hexadecimal.
    pub hash: String,
    /// The lexical and structural features, in order.
    pub names: Vec<String>,
}

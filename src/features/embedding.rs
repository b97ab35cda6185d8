//! Sentence embeddings behind one trait.

use serde::{Deserialize, Serialize};

/// Turns a text into a vector of fixed size.
pub trait Embedder: Send + Sync {
    /// The embedding of one text: [`EmbedderId::dimensions`] finite numbers of unit length, or all zero for a text
    /// without a known token.
    ///
    /// # Errors
    /// When the backend fails; the static table never does.
    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError>;

    /// Which embedder this is; an artifact fitted with another is refused.
    fn id(&self) -> &EmbedderId;

    /// Whether a call takes milliseconds, so that an async caller must move it off its worker thread.
    fn is_slow(&self) -> bool;
}

/// Names an embedder exactly enough that equal ids give equal vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderId {
    /// The backend: `static` or `fastembed`.
    pub backend: String,
    /// The model's name, such as `all-MiniLM-L6-v2`.
    pub model: String,
    /// Length of the vectors.
    pub dimensions: usize,
    /// SHA-256 over the files that determine the vectors, hexadecimal.
    pub fingerprint: String,
}

/// Why a text could not be embedded, or an embedder not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

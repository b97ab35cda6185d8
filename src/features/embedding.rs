//! Sentence embeddings behind one trait.

#[cfg(feature = "fastembed")]
pub mod fastembed;
mod static_table;
mod vocabulary;

use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(feature = "fastembed")]
pub use fastembed::MiniLm;
pub use static_table::StaticTable;
pub(crate) use vocabulary::vocabulary;

use crate::config::{Backend, EmbeddingConfig};

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

/// Opens the embedder that the configuration names.
///
/// # Errors
/// When a file is missing or not what it should be.
pub fn open(config: &EmbeddingConfig, data_dir: &Path) -> Result<Box<dyn Embedder>, EmbedError> {
    match (config.backend, &config.static_dir) {
        (Backend::Static, None) => Ok(Box::new(StaticTable::built_in()?)),
        (Backend::Static, Some(dir)) => Ok(Box::new(StaticTable::open(dir)?)),
        (Backend::Fastembed, _) => open_fastembed(config, data_dir),
    }
}

#[cfg(feature = "fastembed")]
fn open_fastembed(config: &EmbeddingConfig, data_dir: &Path) -> Result<Box<dyn Embedder>, EmbedError> {
    Ok(Box::new(MiniLm::open(config, data_dir)?))
}

#[cfg(not(feature = "fastembed"))]
fn open_fastembed(_: &EmbeddingConfig, _: &Path) -> Result<Box<dyn Embedder>, EmbedError> {
    Err(EmbedError("built without the `fastembed` feature: use embedding.backend = \"static\"".to_owned()))
}

/// Scales a vector to unit length; one without a direction stays zero.
fn normalise(vector: &mut [f32]) {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
}

//! The full encoder, all-MiniLM-L6-v2 through ONNX Runtime: better than the token table, milliseconds a query.
//!
//! The graph and the tokenizer are in the binary; the runtime's library and the weights are files that
//! `scripts/install-fastembed` brings.

mod files;
mod pool;
mod runtime;

use std::path::{Path, PathBuf};

use fastembed::{InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};

pub use files::Encoder;
use pool::Pool;
pub use runtime::environment;

use super::{EmbedError, Embedder, EmbedderId};
use crate::config::EmbeddingConfig;
use crate::features::subject::excerpt;

/// Longest text that is encoded, in bytes: about 300 tokens. Of a longer one the head and the tail are, because the
/// time grows with the length and the question often stands behind the document.
const WINDOW_BYTES: usize = 1_200;

/// What the encoder was built for; more tokens than this are cut off.
const MAX_TOKENS: usize = 512;

/// The full encoder.
pub struct MiniLm {
    pool: Pool<TextEmbedding>,
    id: EmbedderId,
}

impl MiniLm {
    /// Opens the encoder with the library and the weights that the configuration names, else those in
    /// `data_dir/fastembed`.
    ///
    /// # Errors
    /// When the library or the weights are missing or not the expected ones; the message names the command that
    /// installs them.
    pub fn open(config: &EmbeddingConfig, data_dir: &Path) -> Result<Self, EmbedError> {
        let dir = config.fastembed_dir.clone().unwrap_or_else(|| data_dir.join("fastembed"));
        environment(config.onnxruntime.as_deref(), &dir)?;
        let encoder = Encoder::read(&dir)?;
        let id = EmbedderId {
            backend: "fastembed".to_owned(),
            model: Encoder::NAME.to_owned(),
            dimensions: Encoder::DIMENSIONS,
            fingerprint: encoder.fingerprint(WINDOW_BYTES),
        };
        let first = instance(config.onnxruntime.as_deref(), &dir, encoder)?;
        let again: (Option<PathBuf>, PathBuf) = (config.onnxruntime.clone(), dir);
        let open = move || instance(again.0.as_deref(), &again.1, Encoder::read(&again.1)?);
        Ok(Self { pool: Pool::new(first, Box::new(open)), id })
    }
}

impl Embedder for MiniLm {
    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        if text.trim().is_empty() {
            return Ok(vec![0.0; self.id.dimensions]);
        }
        let text = excerpt(text.into(), WINDOW_BYTES);
        let mut vectors = self.pool.with(|model| {
            model.embed([text.as_ref()], Some(1)).map_err(|error| EmbedError(format!("fastembed: {error}")))
        })?;
        let mut vector = vectors.pop().unwrap_or_default();
        super::normalise(&mut vector);
        if vector.len() == self.id.dimensions && vector.iter().all(|x| x.is_finite()) {
            return Ok(vector);
        }
        Err(EmbedError(format!("fastembed: the encoder gave {} numbers, or some that are not finite", vector.len())))
    }

    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn is_slow(&self) -> bool {
        true
    }
}

/// One instance of the model, on one thread: requests run side by side instead.
fn instance(library: Option<&Path>, dir: &Path, encoder: Encoder) -> Result<TextEmbedding, EmbedError> {
    let options = InitOptionsUserDefined::new()
        .with_environment(environment(library, dir)?)
        .with_max_length(MAX_TOKENS)
        .with_intra_threads(1);
    let tokenizer = TokenizerFiles {
        tokenizer_file: Encoder::TOKENIZER.to_vec(),
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: br#"{"model_max_length":512,"pad_token":"[PAD]"}"#.to_vec(),
    };
    let model = UserDefinedEmbeddingModel::new(Encoder::GRAPH.to_vec(), tokenizer)
        .with_pooling(Pooling::Mean)
        .with_external_initializer(Encoder::WEIGHTS_FILE.to_owned(), encoder.into_weights());
    TextEmbedding::try_new_from_user_defined(model, options).map_err(|error| EmbedError(format!("fastembed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(config: &EmbeddingConfig) -> String {
        MiniLm::open(config, Path::new("/nowhere")).err().map(|error| error.0).unwrap()
    }

    #[test]
    fn a_missing_library_names_the_command_that_installs_it() {
        let config = EmbeddingConfig { onnxruntime: Some("/nowhere/libonnxruntime.so".into()), ..Default::default() };
        let error = open(&config);
        assert!(error.contains("/nowhere/libonnxruntime.so"), "{error}");
        assert!(error.contains("scripts/install-fastembed"), "{error}");
    }
}

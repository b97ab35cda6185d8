use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which sentence embedding the features use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingConfig {
    /// The backend.
    pub backend: Backend,
    /// A folder in model2vec's format; `None` uses the table in the binary.
    pub static_dir: Option<PathBuf>,
    /// The folder with the encoder's weights; `None` means `DATA_DIR/fastembed`.
    pub fastembed_dir: Option<PathBuf>,
    /// ONNX Runtime's shared library; `None` means `ORT_DYLIB_PATH`, then the weights' folder.
    pub onnxruntime: Option<PathBuf>,
}

/// An embedding backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The token table: no download, microseconds a query.
    #[default]
    Static,
    /// The full encoder through ONNX Runtime: better, milliseconds a query.
    Fastembed,
}

//! A table as a folder in model2vec's format.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView, serialize};

use super::{Recipe, Table};

/// The three files of a token table.
pub struct Folder {
    config: String,
    tokenizer: Vec<u8>,
    table: Vec<u8>,
}

impl Folder {
    /// The files of a table that was distilled from the encoder `model`, whose tokenizer it keeps.
    ///
    /// # Errors
    /// When the tensors cannot be serialised.
    pub fn of(table: &Table, recipe: Recipe, model: &str, tokenizer: &[u8]) -> Result<Self, String> {
        let config = serde_json::json!({
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "tokenizer_name": model,
            "hidden_dim": table.dimensions,
            "apply_pca": table.dimensions,
            "sif_coefficient": recipe.sif,
            "pooling": "mean",
            "normalize": true,
        });
        let rows: Vec<u8> = table.rows.iter().map(|x| x.cast_unsigned()).collect();
        let scales: Vec<u8> = table.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let view =
            |kind, shape: Vec<usize>, data| TensorView::new(kind, shape, data).map_err(|error| error.to_string());
        let tensors = BTreeMap::from([
            ("embeddings", view(Dtype::I8, vec![table.scales.len(), table.dimensions], &rows)?),
            ("weights", view(Dtype::F32, vec![table.scales.len()], &scales)?),
        ]);
        let bytes = serialize(tensors, None).map_err(|error| error.to_string())?;
        Ok(Self { config: format!("{config:#}\n"), tokenizer: tokenizer.to_vec(), table: bytes })
    }

    /// Writes the files, making the folder where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("config.json"), &self.config)?;
        std::fs::write(dir.join("tokenizer.json"), &self.tokenizer)?;
        std::fs::write(dir.join("model.safetensors"), &self.table)
    }

    /// Size of the files together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.config.len() + self.tokenizer.len() + self.table.len()
    }
}

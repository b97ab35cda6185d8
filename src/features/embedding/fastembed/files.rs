//! The encoder's files: graph and tokenizer in the binary, weights on disk.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::EmbedError;
use super::runtime::missing;

/// The graph names byte ranges of exactly this file of weights; any other would be read as noise.
const WEIGHTS_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";

/// all-MiniLM-L6-v2 with its weights in memory.
pub struct Encoder {
    weights: Vec<u8>,
}

impl Encoder {
    /// The model's name.
    pub const NAME: &str = "all-MiniLM-L6-v2";
    /// Length of its vectors.
    pub const DIMENSIONS: usize = 384;
    /// The ONNX graph; its initialisers lie in [`Self::WEIGHTS_FILE`]. `scripts/make-minilm-graph` wrote it.
    pub const GRAPH: &[u8] = include_bytes!("../../../../models/minilm/model.onnx");
    /// The WordPiece tokenizer, without padding and truncation.
    pub const TOKENIZER: &[u8] = include_bytes!("../../../../models/minilm/tokenizer.json");
    /// The file of weights that the graph refers to.
    pub const WEIGHTS_FILE: &str = "model.safetensors";

    /// Reads the weights (90 MB) from a folder.
    ///
    /// # Errors
    /// When the file is missing or has another checksum.
    pub fn read(dir: &Path) -> Result<Self, EmbedError> {
        let path = dir.join(Self::WEIGHTS_FILE);
        let weights = std::fs::read(&path)
            .map_err(|error| missing(&format!("the encoder's weights are not at {}: {error}", path.display())))?;
        let found = hex::encode(Sha256::digest(&weights));
        if found != WEIGHTS_SHA256 {
            return Err(missing(&format!(
                "{} is not the expected file: its SHA-256 is {found}, not {WEIGHTS_SHA256}",
                path.display()
            )));
        }
        Ok(Self { weights })
    }

    /// The content of the file of weights.
    #[must_use]
    pub fn into_weights(self) -> Vec<u8> {
        self.weights
    }

    /// SHA-256 over what determines the vectors: graph, tokenizer, weights and the window that is encoded.
    pub(super) fn fingerprint(&self, window_bytes: usize) -> String {
        let mut hash = Sha256::new();
        for part in [Self::GRAPH, Self::TOKENIZER, WEIGHTS_SHA256.as_bytes(), &window_bytes.to_le_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_weights_are_refused_and_missing_ones_name_the_command() {
        let dir = tempfile::tempdir().unwrap();
        let error = |dir: &Path| Encoder::read(dir).err().map(|error| error.0).unwrap();
        assert!(error(dir.path()).contains("scripts/install-fastembed"), "{}", error(dir.path()));
        std::fs::write(dir.path().join(Encoder::WEIGHTS_FILE), "truncated").unwrap();
        assert!(error(dir.path()).contains("SHA-256"), "{}", error(dir.path()));
    }
}

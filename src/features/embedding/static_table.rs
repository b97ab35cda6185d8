//! The token table: the mean of weighted token vectors, microseconds a query.

use std::path::Path;

use model2vec_rs::model::StaticModel;
use safetensors::SafeTensors;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{EmbedError, Embedder, EmbedderId};
use crate::features::subject::ends;

/// What is embedded at once, in bytes. The backend stops at 512 tokens; a longer text is the mean of its first and its
/// last window, so that a question behind a long document is seen.
const WINDOW_BYTES: usize = 2_000;

/// A token table in model2vec's folder format.
pub struct StaticTable {
    model: StaticModel,
    id: EmbedderId,
}

impl StaticTable {
    /// The table in the binary (`models/static`).
    ///
    /// # Errors
    /// When the files that were built in are not a table.
    pub fn built_in() -> Result<Self, EmbedError> {
        Self::from_files(&Files {
            config: include_bytes!("../../../models/static/config.json"),
            tokenizer: include_bytes!("../../../models/static/tokenizer.json"),
            table: include_bytes!("../../../models/static/model.safetensors"),
        })
        .map_err(|reason| EmbedError(format!("the built-in token table: {reason}")))
    }

    /// A table from a folder with `config.json`, `tokenizer.json` and `model.safetensors`.
    ///
    /// # Errors
    /// When a file is missing or malformed, or the table does not have a row for every token.
    pub fn open(dir: &Path) -> Result<Self, EmbedError> {
        let fail = |reason: String| EmbedError(format!("embedding.static_dir {}: {reason}", dir.display()));
        let read = |name: &str| std::fs::read(dir.join(name)).map_err(|error| fail(format!("{name}: {error}")));
        let (config, tokenizer, table) = (read("config.json")?, read("tokenizer.json")?, read("model.safetensors")?);
        Self::from_files(&Files { config: &config, tokenizer: &tokenizer, table: &table }).map_err(fail)
    }

    fn from_files(files: &Files<'_>) -> Result<Self, String> {
        files.check()?;
        let model = StaticModel::from_bytes(files.tokenizer, files.table, files.config, Some(true))
            .map_err(|error| format!("{error:#}"))?;
        let id = EmbedderId {
            backend: "static".to_owned(),
            model: files.model_name(),
            dimensions: model.dim(),
            fingerprint: files.fingerprint(),
        };
        Ok(Self { model, id })
    }
}

impl Embedder for StaticTable {
    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        if text.len() <= WINDOW_BYTES {
            return Ok(self.model.encode_single(text));
        }
        let (head, tail) = ends(text, WINDOW_BYTES.min(text.len() / 2));
        let mut sum = self.model.encode_single(head);
        for (sum, part) in sum.iter_mut().zip(self.model.encode_single(tail)) {
            *sum += part;
        }
        super::normalise(&mut sum);
        Ok(sum)
    }

    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn is_slow(&self) -> bool {
        false
    }
}

/// The three files of a table.
struct Files<'a> {
    config: &'a [u8],
    tokenizer: &'a [u8],
    table: &'a [u8],
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    tokenizer_name: Option<String>,
}

impl Files<'_> {
    /// Refuses a table that the backend would read past its end: it trusts token ids to be rows.
    fn check(&self) -> Result<(), String> {
        let tensors = SafeTensors::deserialize(self.table).map_err(|error| format!("model.safetensors: {error}"))?;
        if tensors.tensor("mapping").is_ok() {
            return Err("model.safetensors: a table with a `mapping` tensor is not supported".to_owned());
        }
        let table = tensors.tensor("embeddings").map_err(|error| format!("model.safetensors: embeddings: {error}"))?;
        let &[rows, _] = table.shape() else { return Err("model.safetensors: embeddings must be a matrix".to_owned()) };
        let tokens = super::vocabulary(self.tokenizer)?.len();
        if tokens > rows {
            return Err(format!("model.safetensors has {rows} rows, but tokenizer.json {tokens} tokens"));
        }
        Ok(())
    }

    fn model_name(&self) -> String {
        let config: Option<Config> = serde_json::from_slice(self.config).ok();
        config.and_then(|config| config.tokenizer_name).unwrap_or_else(|| "unnamed".to_owned())
    }

    /// SHA-256 over the files, each behind its length.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for file in [self.config, self.tokenizer, self.table] {
            hash.update((file.len() as u64).to_le_bytes());
            hash.update(file);
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_of_one_subject_are_closer_than_texts_of_two() {
        let table = StaticTable::built_in().unwrap();
        let [court, judge, enzyme] =
            ["The court dismissed the appeal.", "A judge ruled on the lawsuit.", "The enzyme binds the protein."]
                .map(|text| table.embed(text).unwrap());
        assert!(cosine(&court, &judge) > cosine(&court, &enzyme) + 0.2);
        assert!(table.embed("").unwrap().iter().all(|x| *x == 0.0));
    }

    #[test]
    fn a_question_behind_a_long_document_is_seen() {
        let table = StaticTable::built_in().unwrap();
        let document = "The river flows through the valley. ".repeat(300);
        let question = "Which integral diverges? Prove it with the comparison test. ".repeat(30);
        let [alone, behind, without] =
            [&question, &format!("{document}{question}"), &document].map(|text| table.embed(text).unwrap());
        assert!(cosine(&alone, &behind) > cosine(&alone, &without) + 0.3);
    }

    #[test]
    fn the_folder_in_the_repository_is_the_table_in_the_binary() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static");
        assert_eq!(StaticTable::open(&dir).unwrap().id(), StaticTable::built_in().unwrap().id());
    }

    #[test]
    fn a_folder_that_is_no_table_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let error = || StaticTable::open(dir.path()).err().map(|error| error.0).unwrap();
        assert!(error().contains("config.json"), "{}", error());
        let write = |name: &str, content: &[u8]| std::fs::write(dir.path().join(name), content).unwrap();
        write("config.json", b"{}");
        write("model.safetensors", b"no tensors");
        write("tokenizer.json", br#"{"model":{"vocab":{"a":0,"b":1,"c":2}}}"#);
        assert!(error().contains("model.safetensors"), "{}", error());
        let rows = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 1], &[0; 8]).unwrap();
        write("model.safetensors", &safetensors::serialize([("embeddings", rows)], None).unwrap());
        assert!(error().contains("2 rows, but tokenizer.json 3 tokens"), "{}", error());
        write("tokenizer.json", br#"{"model":{"vocab":{"a":0,"b":7}}}"#);
        assert!(error().contains("the id 7 of `b`"), "{}", error());
    }
}

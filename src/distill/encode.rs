//! Every token of the vocabulary through the full encoder.

use std::path::Path;

use ort::session::Session;
use ort::value::Tensor;

use crate::config::EmbeddingConfig;
use crate::features::embedding::EmbedError;
use crate::features::embedding::fastembed::{Encoder, environment};

/// Tokens that are encoded at once.
const BATCH: usize = 64;

/// The encoder's vector of each token alone, between `[CLS]` and `[SEP]`, averaged over the three places: a row of
/// [`Encoder::DIMENSIONS`] numbers for each id. `progress` is told how many tokens are done.
///
/// # Errors
/// When the encoder is not installed, or fails.
pub fn encode_vocabulary(
    config: &EmbeddingConfig,
    data_dir: &Path,
    vocabulary: &[String],
    progress: impl Fn(usize),
) -> Result<Vec<f32>, EmbedError> {
    let mut session = open(config, data_dir)?;
    let id_of = |token: &str| {
        let id = vocabulary.iter().position(|found| found == token);
        id.ok_or_else(|| EmbedError(format!("the vocabulary has no {token}")))
    };
    let (first, last) = (id_of("[CLS]")? as i64, id_of("[SEP]")? as i64);
    let mut vectors = Vec::with_capacity(vocabulary.len() * Encoder::DIMENSIONS);
    for start in (0..vocabulary.len()).step_by(BATCH) {
        let end = vocabulary.len().min(start + BATCH);
        let ids: Vec<i64> = (start..end).flat_map(|id| [first, id as i64, last]).collect();
        let states = run(&mut session, ids).map_err(|error| EmbedError(format!("the encoder: {error}")))?;
        for token in states.chunks_exact(3 * Encoder::DIMENSIONS) {
            let (a, rest) = token.split_at(Encoder::DIMENSIONS);
            let (b, c) = rest.split_at(Encoder::DIMENSIONS);
            vectors.extend(a.iter().zip(b).zip(c).map(|((a, b), c)| (a + b + c) / 3.0));
        }
        progress(end);
    }
    Ok(vectors)
}

fn open(config: &EmbeddingConfig, data_dir: &Path) -> Result<Session, EmbedError> {
    let dir = config.fastembed_dir.clone().unwrap_or_else(|| data_dir.join("fastembed"));
    let environment = environment(config.onnxruntime.as_deref(), &dir)?;
    let weights = Encoder::read(&dir)?.into_weights();
    let fail = |error: String| EmbedError(format!("the encoder: {error}"));
    Session::builder(&environment)
        .map_err(|error| fail(error.to_string()))?
        // Sums in another order would give other last digits.
        .with_intra_threads(1)
        .map_err(|error| fail(error.to_string()))?
        .with_external_initializer_file_in_memory(Encoder::WEIGHTS_FILE, weights.into())
        .map_err(|error| fail(error.to_string()))?
        .commit_from_memory(Encoder::GRAPH)
        .map_err(|error| fail(error.to_string()))
}

/// The last hidden states of sequences of three tokens.
fn run(session: &mut Session, ids: Vec<i64>) -> ort::Result<Vec<f32>> {
    let shape = [ids.len() / 3, 3];
    let mask = Tensor::from_array((shape, vec![1_i64; ids.len()]))?;
    let ids = Tensor::from_array((shape, ids))?;
    let outputs = session.run(ort::inputs!["input_ids" => ids, "attention_mask" => mask])?;
    Ok(outputs["last_hidden_state"].try_extract_tensor::<f32>()?.1.to_vec())
}

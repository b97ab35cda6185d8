//! The vocabulary of a `tokenizer.json`.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Tokenizer<'a> {
    #[serde(borrow)]
    model: Model<'a>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow)]
    vocab: &'a RawValue,
}

/// The tokens, by id.
///
/// # Errors
/// When the file has no vocabulary, or one whose ids are not 0, 1, 2, ….
pub(crate) fn vocabulary(tokenizer: &[u8]) -> Result<Vec<String>, String> {
    let fail = |error: serde_json::Error| format!("tokenizer.json: model.vocab: {error}");
    let file: Tokenizer = serde_json::from_slice(tokenizer).map_err(fail)?;
    let ids: HashMap<String, usize> = serde_json::from_str(file.model.vocab.get()).map_err(fail)?;
    let mut tokens = vec![String::new(); ids.len()];
    for (token, id) in ids {
        match tokens.get_mut(id) {
            Some(place) if place.is_empty() => *place = token,
            _ => return Err(format!("tokenizer.json: model.vocab: the id {id} of `{token}` recurs or leaves a gap")),
        }
    }
    Ok(tokens)
}

//! A JSON object in the upstream's own words, with the few edits that a gateway has to make.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

type Fields = IndexMap<String, Box<RawValue>>;

/// The text of a JSON object. An edit rewrites the fields that it touches; all others keep their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(Bytes);

impl Document {
    /// Wraps text that is known to be a JSON object; an edit of anything else changes nothing.
    pub(super) fn new(text: Bytes) -> Self {
        Self(text)
    }

    /// The JSON text.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// With a top-level field set.
    #[must_use]
    pub fn with(self, field: &str, value: &Value) -> Self {
        self.edit(|fields| {
            // A `Value` always serialises.
            let raw = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
            fields.insert(field.to_owned(), raw);
        })
    }

    /// Without a top-level field.
    #[must_use]
    pub fn without(self, field: &str) -> Self {
        self.edit(|fields| {
            fields.shift_remove(field);
        })
    }

    /// With one field of every choice removed.
    #[must_use]
    pub fn without_in_choices(self, field: &str) -> Self {
        self.edit(|fields| {
            let Some(choices) = fields.get("choices") else { return };
            let Ok(mut choices) = serde_json::from_str::<Vec<Fields>>(choices.get()) else { return };
            for choice in &mut choices {
                choice.shift_remove(field);
            }
            if let Ok(raw) = to_raw_value(&choices) {
                fields.insert("choices".to_owned(), raw);
            }
        })
    }

    fn edit(self, change: impl FnOnce(&mut Fields)) -> Self {
        let Ok(mut fields) = serde_json::from_slice::<Fields>(&self.0) else { return self };
        change(&mut fields);
        serde_json::to_vec(&fields).map_or(self, |text| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_leaves_every_other_byte_alone() {
        let text = r#"{"id":"x","big":12345678901234567890123,"choices":[{"index":0,"logprobs":{"content":[]},"v":1.10}],"usage":null}"#;
        let document = Document::new(text.into());
        let edited = document.without("usage").without_in_choices("logprobs").with("n", &1.into());
        assert_eq!(
            edited.bytes(),
            r#"{"id":"x","big":12345678901234567890123,"choices":[{"index":0,"v":1.10}],"n":1}"#
        );
    }
}

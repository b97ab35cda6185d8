//! The body that a request came in, where that was another dialect's.

use axum::http::HeaderValue;
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::request::{InvalidRequest, raw};
use crate::dialect::Dialect;

/// A request in its client's own words.
#[derive(Debug, Clone)]
pub struct Native {
    pub(super) dialect: Dialect,
    fields: IndexMap<String, Box<RawValue>>,
    pub(super) lost: Vec<String>,
    beta: Option<HeaderValue>,
}

/// Fields that mean the same in every dialect: what the router changes of them, it changes here too.
const SHARED: [&str; 2] = ["stream", "temperature"];

impl Native {
    /// Keeps a body; `lost` names what of it has no translation. What speaks to the router is taken out of `metadata`.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn new(dialect: Dialect, body: &[u8], lost: Vec<String>) -> Result<Self, InvalidRequest> {
        let fields: IndexMap<String, Box<RawValue>> = serde_json::from_slice(body).map_err(|error| InvalidRequest {
            message: format!("the request body is not a JSON object: {error}"),
            param: None,
        })?;
        Ok(Self { dialect, fields, lost, beta: None }.without_ours())
    }

    /// With the features that the client asks for in `anthropic-beta`.
    #[must_use]
    pub fn with_beta(self, beta: Option<&HeaderValue>) -> Self {
        Self { beta: beta.cloned(), ..self }
    }

    /// The features that the client asks for in `anthropic-beta`.
    #[must_use]
    pub fn beta(&self) -> Option<&HeaderValue> {
        self.beta.as_ref()
    }

    /// With one field set.
    #[must_use]
    pub fn with(mut self, field: &str, value: &Value) -> Self {
        self.fields.insert(field.to_owned(), raw(value));
        self
    }

    /// The JSON body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        // Strings and raw values always serialise.
        serde_json::to_vec(&self.fields).unwrap_or_default().into()
    }

    pub(super) fn follow(&mut self, field: &str, value: Option<&Value>) {
        match value {
            _ if !SHARED.contains(&field) => {}
            Some(value) => drop(self.fields.insert(field.to_owned(), raw(value))),
            None => drop(self.fields.shift_remove(field)),
        }
    }

    fn without_ours(mut self) -> Self {
        let metadata = self.fields.get("metadata").map(|metadata| serde_json::from_str(metadata.get()));
        let Some(Ok(Value::Object(mut metadata))) = metadata else { return self };
        let before = metadata.len();
        metadata.retain(|name, _| !name.starts_with("x-rungs-"));
        match metadata.len() {
            same if same == before => self,
            0 => {
                self.fields.shift_remove("metadata");
                self
            }
            _ => self.with("metadata", &metadata.into()),
        }
    }
}

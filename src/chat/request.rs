//! The chat-completions request, read where the router needs it and carried untouched where it does not.

use axum::http::HeaderValue;
use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::message::Message;
use super::native::Native;
use crate::dialect::Dialect;

/// A request in OpenAI's chat-completions shape.
///
/// The top-level fields are kept as the client wrote them (invariant 6 of `docs/architecture.md`:
/// unknown request fields pass through untouched); only `messages` is also parsed, because the router reads it.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    fields: IndexMap<String, Box<RawValue>>,
    messages: Vec<Message>,
    native: Option<Box<Native>>,
}

/// Why a body is not a chat request: what is wrong, and at which field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidRequest {
    /// What is wrong and what would be right, for the person who sent it.
    pub message: String,
    /// The field at fault, such as `messages[2].role`.
    pub param: Option<String>,
}

impl InvalidRequest {
    /// An error about one field.
    pub fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()) }
    }
}

impl ChatRequest {
    /// Reads a request body.
    ///
    /// # Errors
    /// When the body is not a JSON object, `messages` is missing, empty or malformed, or a field that the
    /// router reads (`model`, `stream`, `n`, …) has another type than OpenAI documents.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let fields: IndexMap<String, Box<RawValue>> = serde_json::from_slice(body).map_err(|error| InvalidRequest {
            message: format!("the request body is not a JSON object: {error}"),
            param: None,
        })?;
        let messages = fields
            .get("messages")
            .ok_or_else(|| InvalidRequest::at("messages", "`messages` is required: send at least one message"))?;
        let messages = Message::parse_all(messages)?;
        let request = Self { fields, messages, native: None };
        request.check_types()?;
        Ok(request)
    }

    /// A request that came in another dialect, translated.
    ///
    /// # Errors
    /// As for [`ChatRequest::parse`].
    pub fn translated(body: &Value, native: Native) -> Result<Self, InvalidRequest> {
        Ok(Self { native: Some(Box::new(native)), ..Self::parse(body.to_string().as_bytes())? })
    }

    /// The request in its client's own words, where these are of this dialect and not OpenAI's.
    #[must_use]
    pub fn native(&self, dialect: Dialect) -> Option<&Native> {
        self.native.as_deref().filter(|native| native.dialect == dialect)
    }

    /// With the features that an Anthropic client asks for in `anthropic-beta`.
    #[must_use]
    pub fn with_beta(mut self, beta: Option<&HeaderValue>) -> Self {
        self.native = self.native.map(|native| Box::new(native.with_beta(beta)));
        self
    }

    /// Whether it came in another dialect than OpenAI's chat completions.
    #[must_use]
    pub fn is_translated(&self) -> bool {
        self.native.is_some()
    }

    /// What of the client's own words has no translation.
    #[must_use]
    pub fn lost(&self) -> &[String] {
        self.native.as_deref().map_or(&[], |native| &native.lost)
    }

    /// The names of the top-level fields.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// A request of one user message, as labelled queries with a bare `prompt` have it.
    #[must_use]
    pub fn from_prompt(prompt: &str) -> Self {
        Self {
            fields: IndexMap::from([(
                "messages".to_owned(),
                raw(&serde_json::json!([{"role": "user", "content": prompt}])),
            )]),
            messages: vec![Message::user(prompt)],
            native: None,
        }
    }

    /// The conversation, oldest message first; never empty.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The model the client asked for; `auto` when it named none.
    #[must_use]
    pub fn model(&self) -> String {
        self.get("model").unwrap_or_else(|| "auto".to_owned())
    }

    /// Whether the client asked for server-sent events.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.get("stream").unwrap_or(false)
    }

    /// The tools the model may call; empty when there are none.
    #[must_use]
    pub fn tools(&self) -> Vec<Value> {
        self.get("tools").unwrap_or_default()
    }

    /// A field as the type that the caller expects, or `None` where it is absent, null or of another type.
    #[must_use]
    pub fn get<T: for<'a> Deserialize<'a>>(&self, field: &str) -> Option<T> {
        serde_json::from_str(self.fields.get(field)?.get()).ok()
    }

    /// The request with one top-level field set; all others stay as the client wrote them.
    #[must_use]
    pub fn with(mut self, field: &str, value: &Value) -> Self {
        self.fields.insert(field.to_owned(), raw(value));
        self.native.iter_mut().for_each(|native| native.follow(field, Some(value)));
        self
    }

    /// The request without one top-level field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.fields.shift_remove(field);
        self.native.iter_mut().for_each(|native| native.follow(field, None));
        self
    }

    /// The JSON body to send upstream.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        // Strings and raw values always serialise.
        serde_json::to_vec(&self.fields).unwrap_or_default().into()
    }

    fn check_types(&self) -> Result<(), InvalidRequest> {
        self.check::<String>("model", "a string")?;
        self.check::<bool>("stream", "true or false")?;
        self.check::<bool>("logprobs", "true or false")?;
        self.check::<u32>("n", "a whole number")?;
        self.check::<u32>("top_logprobs", "a whole number")?;
        self.check::<Vec<Value>>("tools", "a list")?;
        self.check::<serde_json::Map<String, Value>>("response_format", "an object")?;
        self.check::<serde_json::Map<String, Value>>("stream_options", "an object")?;
        self.check::<serde_json::Map<String, Value>>("metadata", "an object")
    }

    fn check<T: for<'a> Deserialize<'a>>(&self, field: &str, expected: &str) -> Result<(), InvalidRequest> {
        match self.fields.get(field) {
            Some(value) if serde_json::from_str::<Option<T>>(value.get()).is_err() => {
                Err(InvalidRequest::at(field, format!("`{field}` must be {expected}")))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn raw(value: &Value) -> Box<RawValue> {
    // A `Value` always serialises, and its text is always valid JSON.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_pass_through_byte_for_byte() {
        let body = br#"{"messages":[{"role":"user","content":"hi","x":1}],"seed":12345678901234567890123,"t":1.10}"#;
        let request = ChatRequest::parse(body).unwrap();
        assert_eq!(request.to_body(), &body[..]);
        let sent = request.with("model", &"small".into());
        assert!(String::from_utf8_lossy(&sent.to_body()).contains(r#""seed":12345678901234567890123,"t":1.10"#));
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let error = ChatRequest::parse(br#"{"messages":[{"role":"user","content":"hi"}],"stream":"yes"}"#).unwrap_err();
        assert_eq!(error, InvalidRequest::at("stream", "`stream` must be true or false"));
    }

    #[test]
    fn messages_are_required_and_not_empty() {
        assert_eq!(ChatRequest::parse(b"{}").unwrap_err().param.as_deref(), Some("messages"));
        assert_eq!(ChatRequest::parse(br#"{"messages":[]}"#).unwrap_err().param.as_deref(), Some("messages"));
        assert_eq!(ChatRequest::parse(b"[1]").unwrap_err().param, None);
        assert!(ChatRequest::parse(b"\"\xff\"").is_err());
    }
}

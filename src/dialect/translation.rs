//! A request of another dialect on its way into the router's own.

use serde_json::{Map, Value};

use super::Dialect;
use crate::chat::{ChatRequest, InvalidRequest, Native};

/// What has been translated so far, and what could not be.
#[derive(Default)]
pub(super) struct Translation {
    /// The messages of the conversation.
    pub(super) messages: Vec<Value>,
    fields: Map<String, Value>,
    lost: Vec<String>,
}

impl Translation {
    /// The fields of a request's body.
    pub(super) fn fields(body: &[u8]) -> Result<Map<String, Value>, InvalidRequest> {
        serde_json::from_slice(body).map_err(|error| InvalidRequest {
            message: format!("the request body is not a JSON object: {error}"),
            param: None,
        })
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Something of the request that only a tier of its own dialect will see.
    pub(super) fn loses(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.lost.contains(&what) {
            self.lost.push(what);
        }
    }

    /// The request; `body` is what a tier of its own dialect is sent.
    pub(super) fn end(mut self, dialect: Dialect, body: &[u8]) -> Result<ChatRequest, InvalidRequest> {
        self.fields.insert("messages".to_owned(), self.messages.into());
        let native = Native::new(dialect, body, self.lost)?;
        ChatRequest::translated(&self.fields.into(), native)
    }
}

//! What of a request and its answer is stored: both, their hashes, or neither; always without what is to be taken out.

use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::checks::{command, http};
use crate::config::{Config, Content, OnFailure, RedactionConfig, Replacement};
use crate::decisions::{ContentHashes, DecisionRecord, receipt};

/// Brings records into the form in which they may be stored. One serves all requests.
pub(super) struct Privacy {
    redaction: RedactionConfig,
    client: Result<reqwest::Client, String>,
    hash_key: Option<SecretString>,
}

/// The most that a program or an endpoint may give back.
const LONGEST: u64 = 64 << 20;

impl Privacy {
    pub(super) fn new(config: &Config) -> Self {
        Self { redaction: config.redaction.clone(), client: http::client(), hash_key: config.log.hash_key() }
    }

    /// Takes out of a record what is not to be stored. Nothing of what cannot be redacted is kept, unless so configured.
    pub(super) async fn apply(&self, record: &mut DecisionRecord, mut content: Content) {
        if content == Content::None {
            (record.request, record.answer) = (None, None);
        }
        if content != Content::Full {
            each_error(record, |error| *error = without_quotes(error));
        }
        self.replace(record);
        let has_content = record.request.is_some() || record.answer.is_some() || !record.metadata.is_empty();
        if self.is_asked()
            && has_content
            && let Err(error) = self.ask(record).await
        {
            tracing::warn!(decision = record.id, error, "a record's content could not be redacted");
            record.redaction_error = Some(error);
            match self.redaction.on_failure {
                OnFailure::Keep => {}
                OnFailure::Hash => (content, record.metadata) = (Content::Hashed, Map::new()),
                OnFailure::Drop => (record.request, record.answer, record.metadata) = (None, None, Map::new()),
            }
        }
        if content == Content::Hashed {
            let (request, answer) = (record.request.take(), record.answer.take().map(Value::from));
            let hash = |value: Option<Value>| value.map(|value| receipt::keyed_digest(&value, self.key()));
            record.content_sha256 = Some(ContentHashes { request: hash(request), answer: hash(answer) });
        }
    }

    fn key(&self) -> Option<&[u8]> {
        self.hash_key.as_ref().map(|key| key.expose_secret().as_bytes())
    }

    fn is_asked(&self) -> bool {
        self.redaction.command.is_some() || self.redaction.url.is_some()
    }

    fn replace(&self, record: &mut DecisionRecord) {
        let patterns = &self.redaction.patterns;
        if patterns.is_empty() {
            return;
        }
        record.request.iter_mut().for_each(|request| replace_in(request, patterns));
        record.answer.iter_mut().for_each(|answer| replace(answer, patterns));
        record.metadata.values_mut().for_each(|value| replace_in(value, patterns));
        each_error(record, |error| replace(error, patterns));
    }

    /// Has the program or the endpoint say what is stored.
    async fn ask(&self, record: &mut DecisionRecord) -> Result<(), String> {
        let asked = json!({
            "request": record.request, "answer": record.answer, "metadata": record.metadata, "route": record.route,
        });
        let limit = Duration::from_secs_f64(self.redaction.timeout_s);
        let answered = timeout(limit, self.call(asked.to_string().into())).await;
        let answered = answered.map_err(|_| format!("redaction took longer than {} s", limit.as_secs_f64()))?;
        let answered = answered.map_err(|error| format!("redaction {error}"))?;
        let stored: Stored = serde_json::from_slice(&answered).map_err(|error| {
            // What it quotes may be just what was to be taken out.
            format!(
                "redaction gave back something else than an object (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        (record.request, record.answer, record.metadata) = (stored.request, stored.answer, stored.metadata);
        Ok(())
    }

    async fn call(&self, input: Bytes) -> Result<Vec<u8>, String> {
        if let Some(url) = &self.redaction.url {
            return http::post(self.client.as_ref()?, url, input, LONGEST as usize).await;
        }
        let program = self.redaction.command.as_deref().unwrap_or_default();
        let (status, output) = command::ask(program, &self.redaction.env, input, LONGEST).await?;
        if status.success() { Ok(output) } else { Err(format!("ended with {status}")) }
    }
}

/// What is stored in place of what was asked and answered; what is left out is not stored.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    request: Option<Value>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

fn replace_in(value: &mut Value, patterns: &[Replacement]) {
    match value {
        Value::String(text) => replace(text, patterns),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_in(item, patterns)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_in(field, patterns)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace(text: &mut String, patterns: &[Replacement]) {
    for Replacement { pattern, replace } in patterns {
        if let Some(replaced) = pattern.replaced(text, replace) {
            *text = replaced;
        }
    }
}

fn each_error(record: &mut DecisionRecord, mut change: impl FnMut(&mut String)) {
    record.error.iter_mut().for_each(&mut change);
    for attempt in &mut record.attempts {
        attempt.error.iter_mut().for_each(&mut change);
        attempt.failed_calls.iter_mut().for_each(|call| change(&mut call.error));
    }
}

/// An error without what an upstream said, which may quote the request.
fn without_quotes(error: &str) -> String {
    error.split_once(": ").map_or(error, |(what, _)| what).to_owned()
}

#[cfg(test)]
mod tests;

//! Anthropic's Message Batches: <https://docs.anthropic.com/en/api/creating-message-batches>.

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BatchCall, BatchState, Found, LARGEST, billed, in_path, lines, parse, text};
use crate::chat::Answer;
use crate::config::TierConfig;
use crate::dialect::anthropic::ask;
use crate::upstream::anthropic::{MAX_TOKENS, VERSION, whole};
use crate::upstream::error::UpstreamError;
use crate::upstream::transport::body::MAX_BYTES;
use crate::upstream::transport::{Content, Transport};

/// Batches of one model of an API that speaks Anthropic's dialect.
#[derive(Debug, Clone)]
pub struct AnthropicBatches {
    transport: Transport,
    model: String,
    max_tokens: u64,
}

impl AnthropicBatches {
    pub(super) fn new(tier: &TierConfig) -> Result<Self, String> {
        let transport = Transport::new(tier, "", &[VERSION])?;
        Ok(Self { transport, model: tier.model.clone(), max_tokens: tier.max_output_tokens.unwrap_or(MAX_TOKENS) })
    }

    pub(super) async fn submit(&self, calls: &[BatchCall]) -> Result<String, UpstreamError> {
        let requests = calls.iter().map(|call| {
            let body = ask(&call.request.clone().without("stream"), &self.model, self.max_tokens);
            let body = body.map_err(UpstreamError::Unfit)?;
            Ok(json!({"custom_id": call.id, "params": parse(&body)?}))
        });
        let requests = requests.collect::<Result<Vec<_>, UpstreamError>>()?;
        let body = Content::Json(json!({"requests": requests}).to_string().into());
        text(&parse(&self.transport.fetch(Method::POST, "/messages/batches", Some(body), MAX_BYTES).await?)?, "id")
    }

    /// A batch has no name that we could give it: it is known by the calls that it has answered.
    pub(super) async fn find(&self, calls: &[String], known: &[String]) -> Result<Found, UpstreamError> {
        let path = "/messages/batches?limit=100";
        let listed = parse(&self.transport.fetch(Method::GET, path, None, MAX_BYTES).await?)?;
        let mut found = Found::Unknown;
        for batch in listed["data"].as_array().into_iter().flatten() {
            let id = text(batch, "id")?;
            if known.contains(&id) {
                continue;
            }
            match self.state(batch, &id).await? {
                BatchState::Ended(answers) if answers.iter().any(|(id, _)| calls.contains(id)) => {
                    return Ok(Found::Known(id));
                }
                BatchState::Running => found = Found::Later,
                BatchState::Ended(_) | BatchState::Failed(_) => {}
            }
        }
        Ok(found)
    }

    pub(super) async fn poll(&self, id: &str) -> Result<BatchState, UpstreamError> {
        let path = format!("/messages/batches/{}", in_path(id)?);
        let batch = parse(&self.transport.fetch(Method::GET, &path, None, MAX_BYTES).await?)?;
        self.state(&batch, id).await
    }

    async fn state(&self, batch: &Value, id: &str) -> Result<BatchState, UpstreamError> {
        if text(batch, "processing_status")? != "ended" {
            return Ok(BatchState::Running);
        }
        let path = format!("/messages/batches/{}/results", in_path(id)?);
        let results = self.transport.fetch(Method::GET, &path, None, LARGEST).await?;
        Ok(BatchState::Ended(lines(&results).filter_map(|line| answer(&line)).collect()))
    }
}

fn answer(line: &Value) -> Option<(String, Result<Box<Answer>, String>)> {
    let id = line["custom_id"].as_str()?.to_owned();
    let result = &line["result"];
    if result["type"] != "succeeded" {
        let error = &result["error"];
        let error = if error["error"].is_object() { &error["error"] } else { error };
        let kind = result["type"].as_str().unwrap_or("unknown");
        return Some((id, Err(format!("{kind}: {}", UpstreamError::Reported(error.clone())))));
    }
    let answer = whole(Bytes::from(result["message"].to_string())).map(|message| Box::new(billed(message.answer)));
    Some((id, answer.map_err(|error| error.to_string())))
}

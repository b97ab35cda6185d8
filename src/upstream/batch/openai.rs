//! OpenAI's Batch API: <https://platform.openai.com/docs/api-reference/batch>.

use bytes::Bytes;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{BatchCall, BatchState, Found, LARGEST, billed, in_path, lines, parse, text};
use crate::chat::Answer;
use crate::config::TierConfig;
use crate::upstream::Completion;
use crate::upstream::error::UpstreamError;
use crate::upstream::transport::body::MAX_BYTES;
use crate::upstream::transport::{Content, Transport};

/// Batches of one model of an API that speaks OpenAI's dialect.
#[derive(Debug, Clone)]
pub struct OpenAiBatches {
    transport: Transport,
    model: String,
}

/// What a batch calls.
const ENDPOINT: &str = "/v1/chat/completions";

/// The field of a batch's metadata that holds our key.
const KEY: &str = "rungs_batch";

impl OpenAiBatches {
    pub(super) fn new(tier: &TierConfig) -> Result<Self, String> {
        Ok(Self { transport: Transport::new(tier, "", &[])?, model: tier.model.clone() })
    }

    pub(super) async fn submit(&self, key: &str, calls: &[BatchCall]) -> Result<String, UpstreamError> {
        let lines: Vec<String> = calls.iter().map(|call| self.line(call).to_string()).collect();
        let file = Part::bytes((lines.join("\n") + "\n").into_bytes()).file_name(format!("{key}.jsonl"));
        let form = Form::new().text("purpose", "batch").part("file", file);
        let uploaded = self.transport.fetch(Method::POST, "/files", Some(Content::Form(form)), MAX_BYTES).await?;
        let batch = json!({
            "input_file_id": text(&parse(&uploaded)?, "id")?,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {KEY: key},
        });
        let body = Content::Json(batch.to_string().into());
        text(&parse(&self.transport.fetch(Method::POST, "/batches", Some(body), MAX_BYTES).await?)?, "id")
    }

    pub(super) async fn find(&self, key: &str) -> Result<Found, UpstreamError> {
        let listed = parse(&self.transport.fetch(Method::GET, "/batches?limit=100", None, MAX_BYTES).await?)?;
        let ours = listed["data"].as_array().into_iter().flatten().find(|batch| batch["metadata"][KEY] == key);
        ours.map_or(Ok(Found::Unknown), |batch| text(batch, "id").map(Found::Known))
    }

    pub(super) async fn poll(&self, id: &str) -> Result<BatchState, UpstreamError> {
        let path = format!("/batches/{}", in_path(id)?);
        let batch = parse(&self.transport.fetch(Method::GET, &path, None, MAX_BYTES).await?)?;
        match text(&batch, "status")?.as_str() {
            // What was answered until a batch expired or was cancelled is in its file.
            "completed" | "expired" | "cancelled" => {}
            "failed" => return Ok(BatchState::Failed(batch["errors"].to_string())),
            _ => return Ok(BatchState::Running),
        }
        let mut answers = Vec::new();
        for field in ["output_file_id", "error_file_id"] {
            if let Some(file) = batch[field].as_str() {
                let path = format!("/files/{}/content", in_path(file)?);
                let content = self.transport.fetch(Method::GET, &path, None, LARGEST).await?;
                answers.extend(lines(&content).filter_map(|line| answer(&line)));
            }
        }
        Ok(BatchState::Ended(answers))
    }

    fn line(&self, call: &BatchCall) -> Value {
        let request = call.request.clone().without("stream").without("stream_options");
        let body = request.with("model", &self.model.as_str().into()).to_body();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        json!({"custom_id": call.id, "method": "POST", "url": ENDPOINT, "body": body})
    }
}

fn answer(line: &Value) -> Option<(String, Result<Box<Answer>, String>)> {
    let id = line["custom_id"].as_str()?.to_owned();
    let response = &line["response"];
    let is_success = response["status_code"].as_u64() == Some(200);
    if !is_success {
        let error = if line["error"].is_null() { &response["body"]["error"] } else { &line["error"] };
        return Some((id, Err(UpstreamError::Reported(error.clone()).to_string())));
    }
    let completion = Completion::parse(Bytes::from(response["body"].to_string()));
    let answer = completion.map(|completion| Box::new(billed(completion.answer)));
    Some((id, answer.map_err(|error| error.to_string())))
}

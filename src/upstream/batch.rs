//! Many calls handed in at once, for half the price and within a day: OpenAI's batches and Anthropic's message batches.

mod anthropic;
mod openai;

use bytes::Bytes;
use serde_json::Value;

use self::anthropic::AnthropicBatches;
use self::openai::OpenAiBatches;
use super::error::UpstreamError;
use crate::chat::{Answer, ChatRequest};
use crate::config::TierConfig;
use crate::dialect::Dialect;

/// The batches of one tier's provider.
#[derive(Debug, Clone)]
pub enum Batches {
    /// OpenAI's: a file of requests, and one of answers.
    OpenAi(OpenAiBatches),
    /// Anthropic's: requests in the call itself.
    Anthropic(AnthropicBatches),
}

/// A call of a batch; its id has up to 64 letters, digits, `-` and `_`.
#[derive(Debug, Clone)]
pub struct BatchCall {
    /// What its answer will be found by.
    pub id: String,
    /// What is asked.
    pub request: ChatRequest,
}

/// How a batch does.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchState {
    /// It is worked on.
    Running,
    /// It has ended: the answers by their calls' ids, in no order. A call that is not among them was not answered.
    Ended(Vec<(String, Result<Box<Answer>, String>)>),
    /// It was refused or has failed as a whole, with the reason.
    Failed(String),
}

/// Whether the provider knows a batch that was handed in before a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// By this id.
    Known(String),
    /// It never came there.
    Unknown,
    /// That cannot be told yet.
    Later,
}

/// The longest file of answers.
const LARGEST: usize = 512 << 20;

impl Batches {
    /// Prepares calls of a tier's provider; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be read or the address is not a URL; the message names the tier.
    pub fn new(tier: &TierConfig) -> Result<Self, String> {
        match tier.kind {
            Dialect::OpenAi | Dialect::Responses => OpenAiBatches::new(tier).map(Self::OpenAi),
            Dialect::Anthropic => AnthropicBatches::new(tier).map(Self::Anthropic),
        }
    }

    /// Hands in a batch, under a key of ours; gives the provider's id of it.
    ///
    /// # Errors
    /// When the provider cannot be reached or refuses it. After a connection that broke it may be there all the same:
    /// [`Batches::find`] tells.
    pub async fn submit(&self, key: &str, calls: &[BatchCall]) -> Result<String, UpstreamError> {
        match self {
            Self::OpenAi(batches) => batches.submit(key, calls).await,
            Self::Anthropic(batches) => batches.submit(calls).await,
        }
    }

    /// Looks for a batch that was perhaps handed in, by its key or by its calls.
    ///
    /// # Errors
    /// When the provider cannot be reached.
    pub async fn find(&self, key: &str, calls: &[String], known: &[String]) -> Result<Found, UpstreamError> {
        match self {
            Self::OpenAi(batches) => batches.find(key).await,
            Self::Anthropic(batches) => batches.find(calls, known).await,
        }
    }

    /// How a batch does.
    ///
    /// # Errors
    /// When the provider cannot be reached, or answers with anything but a batch.
    pub async fn poll(&self, id: &str) -> Result<BatchState, UpstreamError> {
        match self {
            Self::OpenAi(batches) => batches.poll(id).await,
            Self::Anthropic(batches) => batches.poll(id).await,
        }
    }
}

fn parse(body: &Bytes) -> Result<Value, UpstreamError> {
    serde_json::from_slice(body).map_err(|error| UpstreamError::Malformed(format!("not JSON: {error}")))
}

fn text(value: &Value, field: &str) -> Result<String, UpstreamError> {
    let text = value.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| UpstreamError::Malformed(format!("a batch without `{field}`")))
}

/// The values of JSON lines; a line that is none is left out.
fn lines(body: &Bytes) -> impl Iterator<Item = Value> {
    body.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// An answer at batch rates.
fn billed(mut answer: Answer) -> Answer {
    if let Some(usage) = &mut answer.usage {
        usage.batch = true;
    }
    answer
}

/// Ids of a provider become a part of a path: anything but an id is refused.
fn in_path(id: &str) -> Result<&str, UpstreamError> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && !id.is_empty() { Ok(id) } else { Err(UpstreamError::Malformed("a batch's id is not one".to_owned())) }
}

//! The decision record: what was asked, what was decided and why, what each attempt cost and said.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checked::CheckResult;
use super::early::Early;
use super::observed::Observed;
use super::receipt::Receipt;
use crate::chat::Usage;
use crate::difficulty::Acceptability;
use crate::judge::Sampling;
use crate::policy::Cause;

/// Everything the router knows of one request once it has ended. Costs are USD, durations milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// UUIDv7: ids sort by time.
    pub id: String,
    /// When the request arrived.
    pub at: Timestamp,
    /// The named use of the product, from `x-rungs-route`.
    pub route: Option<String>,
    /// The agent run that the call belongs to, from `x-rungs-task`.
    pub task: Option<String>,
    /// Who pays, from `x-rungs-tenant`.
    pub tenant: Option<String>,
    /// A hash that all requests of one conversation share; `None` in records from before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The client's key, by its name; `None` where none was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What the client put into the request's `metadata`, but for what speaks to the router.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The client's `traceparent`, where it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The `model` field of the request as sent.
    pub requested_model: String,
    /// Why the plan started where it did.
    pub cause: Cause,
    /// The artifact that scored the request; `None` when none did.
    pub model_version: Option<String>,
    /// Acceptability per tier; empty when the request was not scored.
    pub p: IndexMap<String, Acceptability>,
    /// What would have been done with the request, which went where its client sent it; `None` for one that was routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    /// p_frontier − p_cheap.
    pub score: Option<f64>,
    /// The threshold that the score was compared with.
    pub threshold: Option<f64>,
    /// Distance from the training data, where the artifact tells.
    pub novelty: Option<f64>,
    /// The tiers that the plan allowed, in order.
    pub rungs: Vec<String>,
    /// Probability with which the policy chose the start tier.
    pub propensity: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// The tier whose answer was served.
    pub tier: Option<String>,
    /// The model that the upstream says it used for the served answer.
    pub model: Option<String>,
    /// Climbs from one tier to a higher one.
    pub escalations: u32,
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// Whether the answer came from a stand-in, not from a model.
    pub stand_in: bool,
    /// Tokens of all attempts together; attempts of unknown usage count nothing.
    pub usage: Usage,
    /// Cost of all attempts together; `None` when any attempt that reached a model has no known cost.
    pub cost_usd: Option<f64>,
    /// What one call of the highest tier would have cost that takes as many tokens as the call whose answer was served, with the
    /// same part of the prompt in its cache; `None` where nothing was served, or its tokens or the price are unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontier_usd: Option<f64>,
    /// What all attempts together would have cost more without the providers' caches: negative where writing to a cache cost
    /// more than reading saved. `None` where tokens or prices are unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_saved_usd: Option<f64>,
    /// From arrival to the last byte of the answer being ready.
    pub latency_ms: f64,
    /// From arrival to the first byte of the answer being ready.
    pub ttft_ms: Option<f64>,
    /// The same without the cascade: from arrival to the first token of the first attempt; `None` where that did not stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_uncascaded_ms: Option<f64>,
    /// The router's own part before the first call: features, score, plan.
    pub decide_ms: f64,
    /// Hashes that stand for request and answer, where only those are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<ContentHashes>,
    /// Why request and answer could not be redacted; what became of them is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction_error: Option<String>,
    /// The budget that is spent, for which the request went to the cheapest tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The limit that kept the request from its next call; an answer that had not passed is then served all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Whether every tier above failed, and an answer that had not passed was served for want of a better one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fell_back: bool,
    /// With which probability it is judged, and whether it is; `None` where it cannot be, or nobody is there to judge it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// What went wrong, without secrets; `None` for a served request.
    pub error: Option<String>,
    /// Fingerprint of the configuration in force.
    pub config: String,
    /// Its place in the chain of records; `None` until it is stored, and in records from before there were receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The request body, where content is stored.
    pub request: Option<Value>,
    /// The served answer's text, where content is stored.
    pub answer: Option<String>,
    /// Every call made, in the order in which it was started.
    pub attempts: Vec<Attempt>,
}

/// What stands for a request and its answer: SHA-256 over their canonical JSON (RFC 8785), with a key its HMAC, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHashes {
    /// Of the request body; `None` where there was none.
    pub request: Option<String>,
    /// Of the answer's text; `None` where there was none.
    pub answer: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A whole answer was handed to the client.
    Served,
    /// The client got an error, before or after the first byte.
    Failed,
    /// The client went away.
    Cancelled,
}

/// A limit of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// The most calls that it may make.
    Calls,
    /// The most USD that it may cost.
    Cost,
}

/// One call to one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The tier called.
    pub tier: String,
    /// What the call was for.
    pub purpose: Purpose,
    /// What became of it.
    pub status: AttemptStatus,
    /// Why the answer did not pass; `None` for one that did. One that did not is served where a limit forbids the next
    /// call, or every tier above failed.
    pub reason: Option<EscalationReason>,
    /// What the checks measured.
    pub signals: Signals,
    /// What the user's own checks said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// Tokens; `None` when the upstream did not say. Of a sample that was given up, those of its prompt: the least that it
    /// took.
    pub usage: Option<Usage>,
    /// Whether `usage` is an estimate, because the call was given up before the upstream told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub usage_estimated: bool,
    /// Cost in USD; `None` when tokens or prices are unknown.
    pub cost_usd: Option<f64>,
    /// From the request's arrival to the start of this call.
    pub started_ms: f64,
    /// From the start of the call to its end.
    pub latency_ms: f64,
    /// What was decided of it before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<Early>,
    /// The provider's finish reason.
    pub finish_reason: Option<String>,
    /// The model that the upstream says it used.
    pub model: Option<String>,
    /// What went wrong, without secrets.
    pub error: Option<String>,
    /// The endpoint of the tier that was called last; `None` in records from before there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Calls within this attempt that failed, the last one included where the attempt did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_calls: Vec<CallFailure>,
    /// Calls of other endpoints that were given up because this one answered first; their prompts are in the cost, and no more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hedged: u32,
}

/// A call that failed within an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallFailure {
    /// The endpoint called.
    pub endpoint: String,
    /// What went wrong, without secrets.
    pub error: String,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
}

/// What a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To be served, if it passes.
    Answer,
    /// To be compared with the other samples.
    Sample,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// Its answer was served.
    Accepted,
    /// Its answer failed a check, or another sample was served.
    Rejected,
    /// The upstream failed.
    Failed,
    /// It was given up: the client left, or the answer was no longer needed.
    Cancelled,
}

/// Why an answer was not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// The mean token log-probability was under the threshold.
    LowLogprob,
    /// The answer says that it does not know.
    Unsure,
    /// The model refused.
    Refusal,
    /// The answer is empty.
    Empty,
    /// The answer was cut at the token limit.
    Truncated,
    /// The samples disagree.
    Disagreement,
    /// The tiers above are expected to be better by more than they cost, now that the answer was seen.
    ExpectedGain,
    /// The answer is not the JSON that `response_format` demands.
    Schema,
    /// A check that the user brought failed.
    Check,
    /// A tool that was not declared is called, or one with arguments that its declaration forbids.
    ToolArguments,
    /// The upstream refused, hung, broke or answered with an error.
    UpstreamFailure,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl EscalationReason {
    /// Its name, as records write it.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
    }

    /// Whether this is a guess at how good the answer is, not something seen in it: a check knows better.
    #[must_use]
    pub fn is_predicted(self) -> bool {
        matches!(self, Self::LowLogprob | Self::Unsure | Self::Disagreement | Self::ExpectedGain)
    }
}

/// What the checks measured of an answer; a signal that was not there is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// Mean token log-probability, natural logarithm.
    pub mean_logprob: Option<f64>,
    /// Share of the samples that agree with the most common answer, in (0, 1].
    pub agreement: Option<f64>,
    /// Whether the answer has the form that the request demands; `None` where it demands none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// What the artifact expects now that the answer was seen; `None` where it has not learned from such answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<Posterior>,
}

/// Probabilities after an answer was seen, each in [0, 1], and the price of climbing from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// That the answer is acceptable.
    pub own: f64,
    /// That the answer of the highest tier left would be.
    pub above: f64,
    /// λ·c of calling that tier: the gain that it has to bring.
    pub price: f64,
}

impl Posterior {
    /// Whether the climb is worth its price.
    #[must_use]
    pub fn climbs(self) -> bool {
        self.above - self.own > self.price
    }
}

/// Whether an answer has the form that the request demands, by `response_format` or the declarations of its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// It has.
    Valid,
    /// It has not.
    Invalid,
    /// The schema in the request cannot be used: it is not one, refers to another document, or takes too long.
    Unchecked,
}

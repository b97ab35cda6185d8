//! What a span says: the GenAI semantic conventions of OpenTelemetry (`gen_ai.*`), and `rungs.*` for what they have no word for.
//! Nothing of what was asked or answered is in it.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::Serialize;

use crate::decisions::{Attempt, DecisionRecord, Outcome};

/// A request as its client sees it.
pub(super) fn request(record: &DecisionRecord) -> Vec<KeyValue> {
    let mut said = Said(vec![KeyValue::new("gen_ai.operation.name", "chat")]);
    said.add("gen_ai.request.model", Some(record.requested_model.clone()));
    said.add("gen_ai.response.model", record.model.clone());
    said.add("gen_ai.conversation.id", record.conversation.clone());
    said.tokens(Some(record.usage));
    said.add("error.type", (record.outcome == Outcome::Failed).then_some("request_failed"));
    said.add("rungs.decision.id", Some(record.id.clone()));
    said.add("rungs.tier", record.tier.clone());
    said.add("rungs.route", record.route.clone());
    said.add("rungs.task", record.task.clone());
    said.add("rungs.tenant", record.tenant.clone());
    said.add("rungs.escalations", Some(i64::from(record.escalations)));
    said.add("rungs.cost_usd", record.cost_usd);
    said.add("rungs.outcome", word(&record.outcome));
    said.0
}

/// How it was routed.
pub(super) fn decision(record: &DecisionRecord) -> Vec<KeyValue> {
    let mut said = Said(Vec::new());
    said.add("rungs.cause", word(&record.cause));
    said.add("rungs.model_version", record.model_version.clone());
    said.add("rungs.score", record.score);
    said.add("rungs.threshold", record.threshold);
    said.add("rungs.novelty", record.novelty);
    said.add("rungs.rungs", Some(strings(&record.rungs)));
    said.0
}

/// A call of a tier.
pub(super) fn call(attempt: &Attempt) -> Vec<KeyValue> {
    let mut said = Said(vec![KeyValue::new("gen_ai.operation.name", "chat")]);
    said.add("gen_ai.response.model", attempt.model.clone());
    said.tokens(attempt.usage);
    said.add(
        "gen_ai.response.finish_reasons",
        attempt.finish_reason.as_ref().map(|r| strings(std::slice::from_ref(r))),
    );
    said.add("server.address", attempt.endpoint.clone());
    said.add("error.type", attempt.error.as_ref().map(|_| "upstream_failure"));
    said.add("rungs.tier", Some(attempt.tier.clone()));
    said.add("rungs.purpose", word(&attempt.purpose));
    said.add("rungs.status", word(&attempt.status));
    said.add("rungs.reason", word(&attempt.reason));
    said.add("rungs.cost_usd", attempt.cost_usd);
    said.add("rungs.mean_logprob", attempt.signals.mean_logprob);
    said.0
}

struct Said(Vec<KeyValue>);

impl Said {
    fn add(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| KeyValue::new(name, value)));
    }

    /// Tokens read from a cache are a part of those of the input.
    fn tokens(&mut self, usage: Option<crate::chat::Usage>) {
        let Some(usage) = usage else { return };
        for (name, tokens) in [
            ("gen_ai.usage.input_tokens", usage.input_tokens),
            ("gen_ai.usage.output_tokens", usage.output_tokens),
            ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
        ] {
            self.add(name, Some(i64::try_from(tokens).unwrap_or(i64::MAX)));
        }
    }
}

fn strings(words: &[String]) -> Value {
    Value::Array(Array::String(words.iter().map(|word| StringValue::from(word.clone())).collect()))
}

/// The name that an enum has in JSON.
fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

//! The `x-rungs-*` headers, in and out.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::auth::Caller;
use super::conversation;
use super::error::ApiError;
use crate::budgets::Account;
use crate::cascade::Facts;
use crate::chat::ChatRequest;

pub(super) const DECISION_ID: HeaderName = HeaderName::from_static("x-rungs-decision-id");
const TIER: HeaderName = HeaderName::from_static("x-rungs-tier");
const MODEL: HeaderName = HeaderName::from_static("x-rungs-model");
const DIFFICULTY: HeaderName = HeaderName::from_static("x-rungs-difficulty");
const ESCALATIONS: HeaderName = HeaderName::from_static("x-rungs-escalations");
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-rungs-model-version");
const COST_USD: HeaderName = HeaderName::from_static("x-rungs-cost-usd");
const TASK_COST_USD: HeaderName = HeaderName::from_static("x-rungs-task-cost-usd");
const STAND_IN: HeaderName = HeaderName::from_static("x-rungs-stand-in");
const CERTIFICATE: HeaderName = HeaderName::from_static("x-rungs-certificate");
const UNPASSED: HeaderName = HeaderName::from_static("x-rungs-unpassed");

const PREFIX: &str = "x-rungs-";

/// What the client says of a request beside the request itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// The named use of the product.
    pub(super) route: Option<String>,
    /// The agent run.
    pub(super) task: Option<String>,
    /// Who pays.
    pub(super) tenant: Option<String>,
    /// The client's key, by its name.
    pub(super) key: Option<String>,
    /// What the client says to itself.
    pub(super) metadata: Map<String, Value>,
    /// The highest tier allowed.
    pub(super) max_tier: Option<String>,
    /// The most that the request may cost, as the client wrote it.
    max_cost: Option<String>,
    /// How likely an acceptable answer has to be, as the client wrote it.
    min_quality: Option<String>,
    /// The tiers that may be called for this client; empty for all.
    pub(super) tiers: Vec<String>,
    /// The client's span.
    pub(super) trace: Option<String>,
    /// The key of the conversation that the request belongs to.
    pub(super) conversation: Option<String>,
    /// Neither the request nor the answer is to be stored.
    pub(super) no_content: bool,
    /// A budget is spent that moves the request to the cheapest tier.
    pub(super) over_budget: bool,
}

impl Context {
    /// Reads the headers and, where a header is not there, the request's `metadata` of the same name.
    pub(super) fn read(headers: &HeaderMap, request: &ChatRequest) -> Self {
        let metadata: Map<String, Value> = request.get("metadata").unwrap_or_default();
        let value = |name: &str| {
            let name = format!("{PREFIX}{name}");
            let header = headers.get(&name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let value = header.or_else(|| metadata.get(&name)?.as_str().map(str::to_owned))?;
            Some(value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let mut own = metadata.clone();
        own.retain(|name, _| !name.starts_with(PREFIX));
        Self {
            metadata: if fits(&own) { own } else { Map::new() },
            key: None,
            route: value("route"),
            task: value("task"),
            tenant: value("tenant"),
            max_tier: value("max-tier"),
            max_cost: value("max-cost-usd"),
            min_quality: value("min-quality"),
            tiers: Vec::new(),
            trace: headers
                .get("traceparent")
                .and_then(|value| value.to_str().ok())
                .filter(|value| value.len() == 55)
                .map(str::to_owned),
            conversation: None,
            no_content: value("no-log").is_some(),
            over_budget: false,
        }
    }

    /// What the client's key says of it outranks what it says itself.
    ///
    /// # Errors
    /// 403 where the key may not name the route.
    pub(super) fn of(self, caller: Option<&Caller>) -> Result<Self, ApiError> {
        let Some(Caller(client)) = caller else { return Ok(self) };
        client.may_use(self.route.as_deref())?;
        let key = client.key.clone();
        Ok(Self { tenant: key.tenant.or(self.tenant), key: Some(key.name), tiers: key.tiers, ..self })
    }

    /// On whose account it goes.
    pub(super) fn account(&self) -> Account {
        Account { task: self.task.clone(), key: self.key.clone(), tenant: self.tenant.clone() }
    }

    /// The same with the conversation that the request belongs to.
    pub(super) fn in_conversation(self, headers: &HeaderMap, request: &ChatRequest) -> Self {
        Self { conversation: conversation::key(headers, request, self.tenant.as_deref()), ..self }
    }

    /// The same where a budget is spent: for the cheapest tier.
    pub(super) fn over_budget(self, cheapest: Option<&str>) -> Self {
        Self { max_tier: cheapest.map(str::to_owned), over_budget: true, ..self }
    }

    /// The most USD that the request may cost.
    ///
    /// # Errors
    /// When the client wrote something else.
    pub(super) fn max_cost_usd(&self) -> Result<Option<f64>, ApiError> {
        let Some(text) = &self.max_cost else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(cost) if cost.is_finite() && cost >= 0.0 => Ok(Some(cost)),
            _ => {
                Err(ApiError::invalid(format!("x-rungs-max-cost-usd: `{text}` is not an amount of USD, such as 0.01")))
            }
        }
    }
}

impl Context {
    /// How likely an acceptable answer has to be, in [0, 1].
    ///
    /// # Errors
    /// When the client wrote something else.
    pub(super) fn min_quality(&self) -> Result<Option<f64>, ApiError> {
        let Some(text) = &self.min_quality else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(quality) if (0.0..=1.0).contains(&quality) => Ok(Some(quality)),
            _ => Err(ApiError::invalid(format!("x-rungs-min-quality: `{text}` is not a number between 0 and 1"))),
        }
    }
}

/// Whether metadata is small enough to be kept with every record.
fn fits(metadata: &Map<String, Value>) -> bool {
    const MOST: usize = 16 << 10;
    metadata.is_empty() || serde_json::to_vec(metadata).is_ok_and(|json| json.len() <= MOST)
}

/// The request without the `metadata` keys that speak to the router; the others go on to the upstream.
pub(crate) fn without_ours(request: ChatRequest) -> ChatRequest {
    let Some(mut metadata) = request.get::<Map<String, Value>>("metadata") else { return request };
    let before = metadata.len();
    metadata.retain(|name, _| !name.starts_with(PREFIX));
    match metadata.len() {
        same if same == before => request,
        0 => request.without("metadata"),
        _ => request.with("metadata", &metadata.into()),
    }
}

/// The headers of an answer. A stream's cost is not known when its headers leave.
pub(super) fn answer(facts: &Facts, difficulty: Option<f64>, model_version: &str, with_cost: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        // A value that no header can carry is left out.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    };
    set(DECISION_ID, &facts.id);
    set(TIER, &facts.tier);
    set(MODEL, &facts.model);
    set(ESCALATIONS, &facts.escalations.to_string());
    set(MODEL_VERSION, model_version);
    if let Some(difficulty) = difficulty {
        set(DIFFICULTY, &format!("{difficulty:.4}"));
    }
    if let Some(cost) = facts.cost_usd.filter(|_| with_cost) {
        set(COST_USD, &format!("{cost:.9}"));
    }
    if let Some(cost) = facts.task_cost_usd {
        set(TASK_COST_USD, &format!("{cost:.9}"));
    }
    if facts.stand_in {
        set(STAND_IN, "true");
    }
    if let Some(why) = facts.unpassed {
        set(UNPASSED, why.name());
    }
    headers
}

/// Whether the artifact's certificate covers the request: `holds` or `void`; nothing where it has none.
pub(super) fn certify(holds: Option<bool>, headers: &mut HeaderMap) {
    if let Some(holds) = holds {
        headers.insert(CERTIFICATE, HeaderValue::from_static(if holds { "holds" } else { "void" }));
    }
}

/// The headers of a stream that has nothing to say yet: who answers is not known when they leave.
pub(super) fn pending(id: &str, difficulty: Option<f64>, model_version: &str) -> HeaderMap {
    let fields = [
        (DECISION_ID, Some(id.to_owned())),
        (MODEL_VERSION, Some(model_version.to_owned())),
        (DIFFICULTY, difficulty.map(|difficulty| format!("{difficulty:.4}"))),
    ];
    let valid =
        |(name, value): (HeaderName, Option<String>)| Some((name, HeaderValue::from_bytes(value?.as_bytes()).ok()?));
    fields.into_iter().filter_map(valid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cascade::Unpassed;

    fn request(metadata: &str) -> ChatRequest {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}],"metadata":{metadata}}}"#);
        ChatRequest::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn headers_outrank_metadata() {
        let request = request(r#"{"x-rungs-route":"triage","x-rungs-tenant":"acme","team":"a","x-rungs-task":7}"#);
        let mut headers = HeaderMap::new();
        headers.insert("x-rungs-route", HeaderValue::from_static(" legal "));
        headers.insert("x-rungs-no-log", HeaderValue::from_static("content"));
        let context = Context::read(&headers, &request);
        assert_eq!((context.route.as_deref(), context.tenant.as_deref()), (Some("legal"), Some("acme")));
        assert_eq!((context.task, context.no_content), (None, true));
        assert_eq!(Value::from(context.metadata).to_string(), r#"{"team":"a"}"#);
        assert!(!Context::read(&HeaderMap::new(), &request).no_content);
    }

    #[test]
    fn a_cost_is_an_amount() {
        let cost = |text: &str| {
            let request = request(&format!(r#"{{"x-rungs-max-cost-usd":"{text}"}}"#));
            Context::read(&HeaderMap::new(), &request).max_cost_usd().ok()
        };
        assert_eq!([cost("0.01"), cost("0"), cost("")], [Some(Some(0.01)), Some(Some(0.0)), Some(None)]);
        assert_eq!([cost("-1"), cost("NaN"), cost("inf"), cost("a lot")], [None; 4]);
    }

    #[test]
    fn only_our_keys_are_taken_out_of_the_metadata() {
        let kept = without_ours(request(r#"{"x-rungs-route":"triage","team":"a"}"#));
        assert_eq!(kept.get::<Value>("metadata").unwrap().to_string(), r#"{"team":"a"}"#);
        assert!(without_ours(request(r#"{"x-rungs-route":"triage"}"#)).get::<Value>("metadata").is_none());
        let untouched = request(r#"{ "team" : "a" }"#);
        assert_eq!(without_ours(untouched.clone()).to_body(), untouched.to_body());
    }

    #[test]
    fn an_unknown_cost_is_not_told_as_nothing() {
        let facts = |cost_usd| Facts {
            id: "d".into(),
            tier: "größer".into(),
            model: "a\nb".into(),
            escalations: 0,
            cost_usd,
            task_cost_usd: None,
            stand_in: true,
            unpassed: Some(Unpassed::UpstreamFailure),
        };
        let known = answer(&facts(Some(0.000_012)), Some(0.25), "v1", true);
        assert_eq!(known["x-rungs-cost-usd"], "0.000012000");
        assert_eq!(
            (&known["x-rungs-difficulty"], &known["x-rungs-stand-in"]),
            (&"0.2500".parse().unwrap(), &"true".parse().unwrap())
        );
        assert_eq!(known["x-rungs-unpassed"], "upstream_failure");
        assert!(!known.contains_key("x-rungs-model") && known.contains_key("x-rungs-tier"));
        assert!(!answer(&facts(None), None, "v1", true).contains_key("x-rungs-cost-usd"));
    }
}

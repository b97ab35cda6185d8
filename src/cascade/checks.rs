//! The checks that the user brings, run on an answer before it is served (`docs/checks.md`).

mod budget;
pub(super) mod command;
pub(super) mod http;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::budget::Budget;
use super::schemas::Schemas;
use crate::chat::{Answer, ChatRequest};
use crate::config::{CheckConfig, ChecksConfig, RouteConfig};
use crate::decisions::{CheckResult, CheckVerdict, EscalationReason};

/// The route whose checks hold for requests of a route that has none of its own, and for those without a route.
pub(super) const ANY: &str = "default";

/// The checks of every route.
#[derive(Debug)]
pub(super) struct Checks {
    routes: IndexMap<String, Vec<Check>>,
    /// Programs and calls that may run at once.
    places: Semaphore,
    client: Result<reqwest::Client, String>,
}

#[derive(Debug)]
struct Check {
    config: CheckConfig,
    budget: Mutex<Budget>,
}

/// What the checks of a route came to.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What each one said, in the order of the configuration.
    pub(super) results: Vec<CheckResult>,
    /// Whether one that vouches passed.
    vouched: bool,
}

/// How a check does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckState {
    /// The route that it belongs to.
    pub route: String,
    /// Its name.
    pub name: String,
    /// Whether it runs; one that erred too often is off for a while.
    pub on: bool,
    /// Share of its last runs that erred, in [0, 1].
    pub error_share: f64,
}

/// What a check said when it ran as it should.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Said {
    verdict: CheckVerdict,
    score: Option<f64>,
}

/// What an answer is checked with beside itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) route: Option<&'a str>,
    pub(super) tier: &'a str,
    pub(super) request: &'a ChatRequest,
    pub(super) answer: &'a Answer,
}

impl Checks {
    pub(super) fn new(config: &ChecksConfig, routes: &IndexMap<String, RouteConfig>) -> Self {
        let check = |check: &CheckConfig| Check { config: check.clone(), budget: Mutex::new(Budget::new(config)) };
        let checks = |(name, route): (&String, &RouteConfig)| (name.clone(), route.checks.iter().map(check).collect());
        Self {
            routes: routes.iter().map(checks).collect(),
            places: Semaphore::new(config.max_concurrent as usize),
            client: http::client(),
        }
    }

    /// Runs the checks of the answer's route beside each other.
    pub(super) async fn run(&self, subject: Subject<'_>, schemas: &Schemas) -> Checked {
        let checks = self.of(subject.route);
        if checks.is_empty() {
            return Checked::default();
        }
        let input = input(subject);
        let results = join_all(checks.iter().map(|check| self.judge(check, subject, input.clone(), schemas))).await;
        let vouching = checks.iter().zip(&results).filter(|(check, _)| check.config.vouches);
        let vouched = vouching.map(|(_, result)| result.verdict).any(|verdict| verdict == CheckVerdict::Pass);
        Checked { results, vouched }
    }

    /// Whether a route's answers are checked, and whether one of the checks can vouch for an answer.
    pub(super) fn of_route(&self, route: Option<&str>) -> (bool, bool) {
        let checks = self.of(route);
        (!checks.is_empty(), checks.iter().any(|check| check.config.vouches))
    }

    fn of(&self, route: Option<&str>) -> &[Check] {
        let named = route.and_then(|route| self.routes.get(route));
        named.or_else(|| self.routes.get(ANY)).map_or(&[], Vec::as_slice)
    }

    /// How every check does, route by route.
    pub(super) fn states(&self) -> Vec<CheckState> {
        let state = |(route, check): (&String, &Check)| {
            let budget = check.budget();
            let (route, name) = (route.clone(), check.config.name.clone());
            CheckState { route, name, on: budget.is_on(), error_share: budget.error_share() }
        };
        let checks = self.routes.iter().flat_map(|(route, checks)| checks.iter().map(move |check| (route, check)));
        checks.map(state).collect()
    }

    async fn judge(&self, check: &Check, subject: Subject<'_>, input: Bytes, schemas: &Schemas) -> CheckResult {
        let start = Instant::now();
        let said = if check.budget().permits(start) {
            let limit = check.config.timeout_s;
            let said = timeout(Duration::from_secs_f64(limit), self.ask(&check.config, subject, input, schemas)).await;
            let said = said.unwrap_or_else(|_| Err(format!("took longer than {limit} s")));
            let said = said.and_then(|said| check.config.weigh(said));
            check.count(subject.route, said.as_ref().err());
            said
        } else {
            Err("is switched off: it erred too often".to_owned())
        };
        let (verdict, score) = said.as_ref().map_or((CheckVerdict::Abstain, None), |said| (said.verdict, said.score));
        let took_ms = start.elapsed().as_secs_f64() * 1e3;
        CheckResult { name: check.config.name.clone(), verdict, score, error: said.err(), took_ms }
    }

    async fn ask(
        &self,
        check: &CheckConfig,
        subject: Subject<'_>,
        input: Bytes,
        schemas: &Schemas,
    ) -> Result<Said, String> {
        if let Some(command) = &check.command {
            let _place = self.places.acquire().await.map_err(|error| error.to_string())?;
            return command::run(command, &check.env, input).await;
        }
        if let Some(url) = &check.url {
            let _place = self.places.acquire().await.map_err(|error| error.to_string())?;
            return http::run(self.client.as_ref()?, url, input).await;
        }
        let text = &subject.answer.text;
        if !subject.answer.tool_calls.is_empty() {
            return Ok(Said { verdict: CheckVerdict::Abstain, score: None });
        }
        if let Some(pattern) = &check.must_match {
            return Ok(said(pattern.is_match(text)));
        }
        if let Some(pattern) = &check.must_not_match {
            return Ok(said(!pattern.is_match(text)));
        }
        match (&check.schema, serde_json::from_str(text)) {
            (Some(_), Err(_)) => Ok(said(false)),
            (Some(schema), Ok(value)) => {
                let fulfils = schemas.fulfils(schema.text(), value).await;
                fulfils.map(said).ok_or_else(|| "the schema cannot be used, or takes too long".to_owned())
            }
            (None, _) => Err("says nothing".to_owned()),
        }
    }
}

impl Checked {
    /// What the checks make of a reason to escalate: a failure is one, whatever was predicted; a pass that vouches takes
    /// a predicted one away.
    pub(super) fn outrank(&self, reason: Option<EscalationReason>) -> Option<EscalationReason> {
        if self.results.iter().any(|result| result.verdict == CheckVerdict::Fail) {
            return Some(EscalationReason::Check);
        }
        reason.filter(|reason| !(self.vouched && reason.is_predicted()))
    }
}

impl Check {
    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, route: Option<&str>, error: Option<&String>) {
        let mut budget = self.budget();
        let share = budget.error_share();
        match budget.count(error.is_some(), Instant::now()) {
            Some(true) => tracing::info!(route, check = self.config.name, "the check works again and is on"),
            Some(false) => {
                tracing::warn!(
                    route,
                    check = self.config.name,
                    error,
                    share,
                    "the check errs too often and is off for a while"
                );
            }
            None => {}
        }
    }
}

impl CheckConfig {
    /// Holds a pass against the least score.
    fn weigh(&self, said: Said) -> Result<Said, String> {
        match (said.verdict, self.min_score, said.score) {
            (CheckVerdict::Pass, Some(_), None) => Err("gave no score in [0, 1], which min_score needs".to_owned()),
            (CheckVerdict::Pass, Some(least), Some(score)) if score < least => {
                Ok(Said { verdict: CheckVerdict::Fail, ..said })
            }
            _ => Ok(said),
        }
    }
}

fn said(good: bool) -> Said {
    Said { verdict: if good { CheckVerdict::Pass } else { CheckVerdict::Fail }, score: None }
}

/// What commands and endpoints are given; the request as the client wrote it.
#[derive(Serialize)]
struct Input<'a> {
    request: Option<&'a RawValue>,
    answer: Value,
    tier: &'a str,
    route: Option<&'a str>,
}

fn input(subject: Subject<'_>) -> Bytes {
    let Subject { route, tier, request, answer } = subject;
    let request = request.to_body();
    let calls = answer.tool_calls.iter();
    let calls: Vec<_> =
        calls.map(|call| json!({"id": call.id, "name": call.name, "arguments": call.arguments})).collect();
    let answer = json!({
        "text": answer.text,
        "tool_calls": calls,
        "finish_reason": answer.finish_reason,
        "model": answer.model,
    });
    let input = Input { request: serde_json::from_slice(&request).ok(), answer, tier, route };
    // Text, numbers and raw values always serialise.
    serde_json::to_vec(&input).unwrap_or_default().into()
}

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{JsonSchema, Pattern, TierConfig, in_range};

/// Which answers are judged, and by whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JudgeConfig {
    /// The model that judges; `None` means that only routes with checks of their own are judged.
    pub tier: Option<TierConfig>,
    /// Share of the requests that the monitor draws.
    pub monitor_rate: f64,
    /// The largest share that is drawn to learn from: that of requests whose outcome is most uncertain.
    pub learn_rate: f64,
    /// What draws, orders and names answers: routers with the same seed draw the same requests.
    pub seed: String,
    /// The most that judging may cost, as a share of what the requests cost.
    pub max_spend_share: f64,
    /// Days over which both are summed up.
    pub spend_days: f64,
    /// Share of the comparisons that are made in both orders.
    pub both_orders: f64,
    /// All are, where more of those change with the order.
    pub max_flip_rate: f64,
    /// Whether the judge may be a model that serves a tier, too.
    pub allow_arm: bool,
    /// Whether a request of the learning stream that the highest tier answered is put to the cheapest one as well.
    pub counterfactual: bool,
    /// Jobs that `rungs serve` works on at once; 0 leaves them to `rungs judge run`.
    pub workers: u32,
    /// Calls of the judge and for answers to compare with, per minute and process.
    pub requests_per_minute: u32,
    /// Tries after which a job is put aside.
    pub max_attempts: u32,
    /// The pause after a failed try, in seconds; it doubles each time.
    pub retry_pause_s: f64,
    /// Seconds after which the job of a worker that gives no sign of life is taken over.
    pub lease_s: f64,
    /// Whether the judge is asked through its provider's batch endpoint.
    pub batch: bool,
    /// Seconds that calls are gathered before they are handed in as one batch.
    pub batch_wait_s: f64,
    /// Seconds from one look at a batch to the next.
    pub batch_poll_s: f64,
    /// The prompt that compares two answers, in place of the built-in one.
    pub pairwise_prompt: Option<PathBuf>,
    /// The prompt that judges an answer by itself.
    pub rubric_prompt: Option<PathBuf>,
}

/// How the answers of a route are judged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteJudge {
    /// The route's own `judge.monitor_rate`.
    pub monitor_rate: Option<f64>,
    /// The route's own `judge.learn_rate`.
    pub learn_rate: Option<f64>,
    /// The route's own `judge.pairwise_prompt`.
    pub pairwise_prompt: Option<PathBuf>,
    /// The route's own `judge.rubric_prompt`.
    pub rubric_prompt: Option<PathBuf>,
    /// In place of the judge: the answer has to come to the same as the highest tier's.
    pub same: Option<Sameness>,
    /// In place of the judge: what the answer has to match somewhere.
    pub must_match: Option<Pattern>,
    /// In place of the judge: the JSON schema, as JSON text, that it has to fulfil.
    pub schema: Option<JsonSchema>,
}

/// In what two answers have to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sameness {
    /// In the number that they come to.
    Number,
    /// In the letter of a multiple choice.
    Choice,
    /// In the JSON value, whatever the order of its keys and the spelling of its numbers.
    Json,
    /// In every character but the spaces around them.
    Exact,
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self {
            tier: None,
            monitor_rate: 0.01,
            learn_rate: 0.04,
            seed: "rungs".to_owned(),
            max_spend_share: 0.03,
            spend_days: 30.0,
            both_orders: 0.1,
            max_flip_rate: 0.05,
            allow_arm: false,
            counterfactual: true,
            workers: 2,
            requests_per_minute: 60,
            max_attempts: 8,
            retry_pause_s: 30.0,
            lease_s: 120.0,
            batch: false,
            batch_wait_s: 900.0,
            batch_poll_s: 60.0,
            pairwise_prompt: None,
            rubric_prompt: None,
        }
    }
}

impl JudgeConfig {
    /// How long a job stays with a worker that gives no sign of life.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs_f64(self.lease_s)
    }

    pub(super) fn check(&self, tiers: &[TierConfig]) -> Result<(), String> {
        for (key, value, low, high) in [
            ("monitor_rate", self.monitor_rate, 0.0, 1.0),
            ("learn_rate", self.learn_rate, 0.0, 1.0),
            ("max_spend_share", self.max_spend_share, 0.0, 1e6),
            ("spend_days", self.spend_days, 1e-3, 3650.0),
            ("both_orders", self.both_orders, 0.0, 1.0),
            ("max_flip_rate", self.max_flip_rate, 0.0, 1.0),
            ("workers", f64::from(self.workers), 0.0, 256.0),
            ("requests_per_minute", f64::from(self.requests_per_minute), 1.0, 1e6),
            ("max_attempts", f64::from(self.max_attempts), 1.0, 100.0),
            ("retry_pause_s", self.retry_pause_s, 0.0, 86_400.0),
            ("lease_s", self.lease_s, 0.1, 86_400.0),
            ("batch_poll_s", self.batch_poll_s, 0.001, 86_400.0),
            ("batch_wait_s", self.batch_wait_s, 0.0, 86_400.0),
        ] {
            in_range(&format!("judge.{key}"), value, low, high)?;
        }
        let Some(judge) = &self.tier else {
            return if self.batch { Err("judge.batch: there is no judge.tier to ask".to_owned()) } else { Ok(()) };
        };
        judge.places().try_for_each(|place| place.check())?;
        if tiers.iter().any(|tier| tier.name == judge.name) {
            return Err(format!(
                "judge.tier.name = \"{}\": a tier has that name; the judge is a tier of its own",
                judge.name
            ));
        }
        let arm =
            tiers.iter().find(|tier| tier.places().any(|place| judge.places().any(|own| own.model == place.model)));
        match arm.filter(|_| !self.allow_arm) {
            Some(arm) => Err(format!(
                "judge.tier.model = \"{}\" also serves the tier `{}`, and models prefer their own answers: name another, or set judge.allow_arm = true",
                judge.model, arm.name
            )),
            None => Ok(()),
        }
    }
}

impl RouteJudge {
    /// Whether a program judges, not a model.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.same.is_some() || self.is_free()
    }

    /// Whether judging calls no model at all.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.must_match.is_some() || self.schema.is_some()
    }

    pub(super) fn check(&self, key: &str) -> Result<(), String> {
        in_range(&format!("{key}.monitor_rate"), self.monitor_rate.unwrap_or(0.0), 0.0, 1.0)?;
        in_range(&format!("{key}.learn_rate"), self.learn_rate.unwrap_or(0.0), 0.0, 1.0)?;
        let ways = [self.same.is_some(), self.must_match.is_some(), self.schema.is_some()];
        if ways.into_iter().filter(|given| *given).count() > 1 {
            return Err(format!("{key}: give one of same, must_match and schema"));
        }
        Ok(())
    }
}

//! Which requests are judged. Chance decides by a keyed hash of the decision's id, so that the same request is drawn or
//! not drawn whoever asks, and each stream has a salt of its own.

mod budget;

use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use self::budget::Budget;
use super::hash::{Salt, uniform};
use crate::config::{Config, JudgeConfig, TierConfig};
use crate::decisions::{AttemptStatus, DecisionRecord, Outcome};

/// How a request was drawn, as its record keeps it. Probabilities are in (0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// With which probability the monitor draws the request.
    pub monitor: f64,
    /// With which it is drawn to learn from.
    pub learn: f64,
    /// With which either does: 1 − (1 − monitor)(1 − learn).
    pub propensity: f64,
    /// By which share the spend cap had lowered both; 1 where it had not.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub capped: f64,
    /// The streams that drew it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Stream>,
    /// With which probability the request is put to another tier afterwards, and that answer judged, too: `learn` for what was
    /// only observed and would have begun elsewhere, which is put to that tier, and for what the highest tier answered, which is
    /// put to the cheapest; 0 for all else.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub counterfactual: f64,
    /// Whether it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
}

/// What a request is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// To watch quality: every request alike.
    Monitor,
    /// To learn from: requests whose outcome is hard to tell more often.
    Learn,
}

/// Draws requests.
#[derive(Debug)]
pub struct Sampler {
    seed: String,
    rates: Rates,
    routes: IndexMap<String, Rates>,
    /// The tier whose requests are put to the cheapest one as well; `None` where nothing is put to another tier.
    frontier: Option<String>,
    budget: Mutex<Budget>,
}

#[derive(Debug, Clone, Copy)]
struct Rates {
    monitor: f64,
    learn: f64,
    /// Whether judging such a request calls no model.
    free: bool,
    /// Whether there is anybody to judge it.
    judged: bool,
}

/// The part of the learning rate that depends on the prediction.
const UNCERTAIN: f64 = 0.7;

impl Sampler {
    /// Draws by the configuration, over the tiers in force.
    #[must_use]
    pub fn new(config: &Config, frontier: Option<&TierConfig>) -> Self {
        let judge = &config.judge;
        let rates = |name: Option<&str>| {
            let route = name.and_then(|name| config.routes.get(name)).map(|route| &route.judge);
            let checked = route.is_some_and(|route| route.is_checked());
            Rates {
                monitor: route.and_then(|route| route.monitor_rate).unwrap_or(judge.monitor_rate),
                learn: route.and_then(|route| route.learn_rate).unwrap_or(judge.learn_rate),
                free: route.is_some_and(|route| route.is_free()),
                judged: checked || judge.tier.is_some(),
            }
        };
        Self {
            seed: judge.seed.clone(),
            rates: rates(config.routes.contains_key("default").then_some("default")),
            routes: config.routes.keys().map(|name| (name.clone(), rates(Some(name)))).collect(),
            frontier: frontier.filter(|_| judge.counterfactual).map(|tier| tier.name.clone()),
            budget: Mutex::new(Budget::new(judge, frontier)),
        }
    }

    /// How a request is drawn, once it has been answered; `None` for one that cannot be judged: it failed, a stand-in
    /// answered, the answer is no text or is not stored, or nobody is there to judge it.
    ///
    /// The cap looks at what is known of the request and at earlier ones, never at a verdict, so that the probability that
    /// is written down is the one that it was drawn with.
    pub fn draw(&self, record: &DecisionRecord) -> Option<Sampling> {
        let rates = *record.route.as_ref().and_then(|route| self.routes.get(route)).unwrap_or(&self.rates);
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if !rates.judged || !can_be_judged(record) {
            budget.spent(record);
            return None;
        }
        let (monitor, learn) = (rates.monitor, rates.learn * uncertainty(predicted(record)));
        let capped = if rates.free {
            budget.spent(record);
            1.0
        } else {
            budget.share(record, union(monitor, learn))
        };
        let (monitor, learn) = (monitor * capped, learn * capped);
        let streams = [(Stream::Monitor, Salt::Monitor, monitor), (Stream::Learn, Salt::Learn, learn)];
        let drawn = streams.into_iter().filter(|(_, salt, rate)| uniform(&self.seed, *salt, &record.id) < *rate);
        let drawn: Vec<Stream> = drawn.map(|(stream, ..)| stream).collect();
        let counterfactual = if !rates.free && self.has_other(record) { learn } else { 0.0 };
        let shadow = drawn.contains(&Stream::Learn) && counterfactual > 0.0;
        let propensity = union(monitor, learn);
        (propensity > 0.0).then_some(Sampling { monitor, learn, propensity, capped, drawn, counterfactual, shadow })
    }

    /// Whether there is another tier whose answer is of interest.
    fn has_other(&self, record: &DecisionRecord) -> bool {
        self.frontier.is_some() && (record.elsewhere().is_some() || self.frontier == record.tier)
    }

    /// Counts an earlier record, so that the cap does not begin anew with each start.
    pub fn recall(&self, record: &DecisionRecord) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.spent(record);
        if let Some(sampling) = &record.sampling {
            budget.judged(record, sampling.propensity);
        }
    }
}

/// What was predicted of the served answer; one half where the request was not scored.
#[must_use]
pub fn predicted(record: &DecisionRecord) -> f64 {
    record.tier.as_ref().and_then(|tier| record.p.get(tier)).map_or(0.5, |p| p.get())
}

/// What the learning rate is multiplied with: proportional to √(p(1 − p)), mixed with a constant; 1 at p = ½.
fn uncertainty(p: f64) -> f64 {
    UNCERTAIN * 2.0 * (p * (1.0 - p)).max(0.0).sqrt() + (1.0 - UNCERTAIN)
}

fn union(a: f64, b: f64) -> f64 {
    1.0 - (1.0 - a) * (1.0 - b)
}

fn can_be_judged(record: &DecisionRecord) -> bool {
    let said = record.answer.as_ref().is_some_and(|answer| !answer.trim().is_empty());
    let asked = record.request.as_ref().is_some_and(|request| request["messages"].is_array());
    let served = record.attempts.iter().rev().find(|attempt| attempt.status == AttemptStatus::Accepted);
    // A call of a tool is an answer whose text is not all of it.
    let called = served.is_some_and(|attempt| {
        matches!(attempt.finish_reason.as_deref(), Some("tool_calls" | "function_call" | "tool_use"))
    });
    record.outcome == Outcome::Served && !record.stand_in && asked && said && !called
}

fn whole() -> f64 {
    1.0
}

fn is_whole(share: &f64) -> bool {
    *share >= 1.0
}

fn is_nothing(probability: &f64) -> bool {
    *probability <= 0.0
}

#[cfg(test)]
mod tests;

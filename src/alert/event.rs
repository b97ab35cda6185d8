//! What can be told: one variant for each alert name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::scope::Scope;

/// Something that an operator has to know. Its labels say what it is and stay the same while it lasts; all else may be told
/// again with newer numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "alertname")]
pub enum Event {
    /// Judged answers fail more often than they did.
    QualityDrift(Drift),
    /// The judge no longer agrees with the people who labelled the anchor set as it did.
    JudgeDrift(Drift),
    /// Answers are acceptable less often than is predicted of them.
    CalibrationDrift(Drift),
    /// Other requests come than those that the monitors learned from.
    InputDrift(Drift),
    /// More requests climb than may, or than pays.
    EscalationRateHigh(Drift),
    /// Requests cost more or less than in the same hour of the week before.
    CostDrift(Drift),
    /// Requests take longer or shorter than in the same hour of the week before.
    LatencyDrift(Drift),
    /// A budget is used up.
    BudgetExceeded(Budget),
    /// Calls of an endpoint fail.
    UpstreamDown(Drift),
    /// Decision records wait for the database.
    DecisionLogLagging(Lag),
    /// A challenger has become the champion.
    ModelPromoted(Change),
    /// A challenger was refused by the gate.
    ModelRejected(Change),
}

/// A figure that has moved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Which requests it speaks of.
    pub scope: Scope,
    /// The figure, in words: `judged failures`.
    pub figure: String,
    /// What it was.
    pub from: f64,
    /// What it is.
    pub to: f64,
    /// A 95% confidence sequence for `to`, where there is one.
    pub interval: Option<[f64; 2]>,
    /// Samples that `to` is of.
    pub samples: u64,
    /// When it began, as far as can be told.
    pub since: Timestamp,
    /// What is at fault, as far as can be told.
    pub cause: Option<Cause>,
    /// What it may have done by now.
    pub damage: Option<Damage>,
    /// Decisions that show it.
    pub examples: Vec<String>,
    /// The artifact in force, where it matters.
    #[serde(default)]
    pub model_version: Option<String>,
}

/// What a fall of judged quality comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The models or the router: the same requests are answered worse.
    System,
    /// The requests: others come, which were expected to be answered worse.
    Inputs,
    /// The judge: it judges the same answers otherwise.
    Judge,
}

/// An estimate of what a drift has done since it began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Requests that are affected: those in excess of the normal, not all of them.
    pub requests: f64,
    /// What those were paid for, or what was paid more, in USD.
    pub usd: Option<f64>,
}

/// Money that has run out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The budget's name.
    pub budget: String,
    /// Whose requests it is for.
    pub scope: Scope,
    /// What may be spent in the period, in USD.
    pub limit_usd: f64,
    /// What was, in USD.
    pub spent_usd: f64,
    /// Tokens that were spent, and that may be, where the budget counts those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<[f64; 2]>,
    /// The period, in words: `day`, `2026-11`.
    pub period: String,
    /// When the limit was reached.
    pub since: Timestamp,
}

/// Records that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// How many.
    pub pending: u64,
    /// How many are lost.
    pub lost: u64,
    /// Since when.
    pub since: Timestamp,
    /// What the database says, without secrets.
    pub error: Option<String>,
}

/// A decision about a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The challenger.
    pub version: String,
    /// The champion that it was held against.
    pub champion: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub since: Timestamp,
}

/// The names that `labels.alertname` may have.
pub const NAMES: [&str; 12] = [
    "QualityDrift",
    "JudgeDrift",
    "CalibrationDrift",
    "InputDrift",
    "EscalationRateHigh",
    "CostDrift",
    "LatencyDrift",
    "BudgetExceeded",
    "UpstreamDown",
    "DecisionLogLagging",
    "ModelPromoted",
    "ModelRejected",
];

impl Event {
    /// The alert's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::QualityDrift(_) => "QualityDrift",
            Self::JudgeDrift(_) => "JudgeDrift",
            Self::CalibrationDrift(_) => "CalibrationDrift",
            Self::InputDrift(_) => "InputDrift",
            Self::EscalationRateHigh(_) => "EscalationRateHigh",
            Self::CostDrift(_) => "CostDrift",
            Self::LatencyDrift(_) => "LatencyDrift",
            Self::BudgetExceeded(_) => "BudgetExceeded",
            Self::UpstreamDown(_) => "UpstreamDown",
            Self::DecisionLogLagging(_) => "DecisionLogLagging",
            Self::ModelPromoted(_) => "ModelPromoted",
            Self::ModelRejected(_) => "ModelRejected",
        }
    }

    /// Name, severity and scope: what tells this alert from all others.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.scope().labels();
        labels.insert("alertname".to_owned(), self.name().to_owned());
        labels.insert("severity".to_owned(), self.severity().to_owned());
        let more = match self {
            Self::BudgetExceeded(budget) => Some(("budget", &budget.budget)),
            Self::ModelPromoted(change) | Self::ModelRejected(change) => Some(("version", &change.version)),
            _ => None,
        };
        labels.extend(more.map(|(name, value)| (name.to_owned(), value.clone())));
        labels
    }

    /// The hash of the labels: two events with the same one are the same alert.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels())
    }

    /// Which requests it speaks of.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::BudgetExceeded(budget) => budget.scope.clone(),
            _ => self.drift().map(|drift| drift.scope.clone()).unwrap_or_default(),
        }
    }

    /// The figure that has moved, where one has.
    #[must_use]
    pub fn drift(&self) -> Option<&Drift> {
        match self {
            Self::QualityDrift(drift)
            | Self::JudgeDrift(drift)
            | Self::CalibrationDrift(drift)
            | Self::InputDrift(drift)
            | Self::EscalationRateHigh(drift)
            | Self::CostDrift(drift)
            | Self::LatencyDrift(drift)
            | Self::UpstreamDown(drift) => Some(drift),
            _ => None,
        }
    }

    /// When what it tells of began.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        match self {
            Self::BudgetExceeded(budget) => budget.since,
            Self::DecisionLogLagging(lag) => lag.since,
            Self::ModelPromoted(change) | Self::ModelRejected(change) => change.since,
            _ => self.drift().map_or(Timestamp::UNIX_EPOCH, |drift| drift.since),
        }
    }

    /// Whether it tells of a moment, not of something that lasts and ends.
    #[must_use]
    pub fn is_momentary(&self) -> bool {
        matches!(self, Self::ModelPromoted(_) | Self::ModelRejected(_))
    }

    /// Whether what a certificate promises may no longer hold: it takes for granted that requests, and how they are
    /// answered, stay as they were.
    #[must_use]
    pub fn voids_certificate(&self) -> bool {
        matches!(self, Self::QualityDrift(_) | Self::CalibrationDrift(_) | Self::InputDrift(_))
    }

    /// `critical`, `warning` or `info`.
    #[must_use]
    pub fn severity(&self) -> &'static str {
        match self {
            Self::QualityDrift(_) | Self::UpstreamDown(_) | Self::BudgetExceeded(_) | Self::DecisionLogLagging(_) => {
                "critical"
            }
            Self::ModelPromoted(_) => "info",
            _ => "warning",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_alert_has_the_same_fingerprint_whatever_its_numbers() {
        let drift = |route: &str, to| Drift {
            scope: Scope { route: Some(route.to_owned()), ..Scope::default() },
            to,
            ..Drift::default()
        };
        let of = |route, to| Event::QualityDrift(drift(route, to)).fingerprint();
        assert_eq!(of("a", 0.2), of("a", 0.3));
        assert_ne!(of("a", 0.2), of("b", 0.2));
        assert_ne!(of("a", 0.2), Event::InputDrift(drift("a", 0.2)).fingerprint());
    }

    #[test]
    fn events_survive_being_stored_under_their_names() {
        let event = Event::ModelRejected(Change { version: "v2".to_owned(), ..Change::default() });
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["alertname"], "ModelRejected");
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        assert!(NAMES.contains(&event.name()));
    }
}

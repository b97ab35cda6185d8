//! What a judge says of an answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sampler::{Stream, predicted};
use crate::decisions::{DecisionRecord, Feedback};

/// One judgement of one answer. An answer that was judged in both orders has two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// UUIDv7.
    pub id: String,
    /// The record that it speaks of; of an anchor, the anchor's id.
    pub decision_id: String,
    /// When it was given.
    pub at: Timestamp,
    /// The request's route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The tenant who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The tier whose answer was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The model that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The artifact that scored the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// How it was judged.
    pub kind: Kind,
    /// Which answer was judged.
    pub subject: Subject,
    /// How acceptable the answer is, in [0, 1]: 1 is correct, or a win or a tie against the other answer.
    pub score: f64,
    /// What had been predicted of it; `None` where the request was not scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
    /// The tier of the answer that it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Which of the two was preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// In which order the judge saw the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Whether the answer was judged before in the other order: who counts answers counts only the first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second: bool,
    /// Characters of the judged answer and of the other, as the judge saw them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<[u64; 2]>,
    /// The model that judged, as its upstream calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
    /// The version of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The probability with which the request was drawn; `None` where somebody chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
    /// The streams that drew it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Stream>,
    /// What judging cost, the other answer included where it was bought for it; `None` where a price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Why, in the judge's words, bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Verdict {
    /// A verdict on the served answer of a record, with all that the record knows; the rest is the judge's to fill in.
    #[must_use]
    pub fn of(record: &DecisionRecord, kind: Kind, score: f64) -> Self {
        let sampling = record.sampling.as_ref();
        Self {
            id: Uuid::now_v7().to_string(),
            decision_id: record.id.clone(),
            at: Timestamp::now(),
            route: record.route.clone(),
            tenant: record.tenant.clone(),
            tier: record.tier.clone(),
            model: record.model.clone(),
            model_version: record.model_version.clone(),
            kind,
            subject: Subject::Served,
            score,
            predicted: (!record.p.is_empty()).then(|| predicted(record)),
            against: None,
            preference: None,
            order: None,
            second: false,
            lengths: None,
            judge: None,
            prompt: None,
            propensity: sampling.map(|sampling| sampling.propensity),
            drawn: sampling.map(|sampling| sampling.drawn.clone()).unwrap_or_default(),
            cost_usd: None,
            reason: None,
        }
    }

    /// What somebody said of an answer, who chose it: it has no probability.
    #[must_use]
    pub fn of_feedback(record: &DecisionRecord, feedback: &Feedback) -> Self {
        Self {
            id: feedback.id.clone(),
            at: feedback.at,
            propensity: None,
            drawn: Vec::new(),
            ..Self::of(record, Kind::Feedback, feedback.score)
        }
    }
}

/// How an answer was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Against another answer.
    Pairwise,
    /// By itself.
    Rubric,
    /// By a program: equality with the other answer, a regular expression, a schema.
    Check,
    /// By a person or an application, who chose what to judge.
    Feedback,
    /// An anchor that people have judged, judged again to see how good the judge is.
    Anchor,
}

/// Which of the answers to a request was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The one that the client got.
    Served,
    /// One that nobody got: of the cheapest tier, to a request that the highest one answered; of the tier where routing would
    /// have begun, to one that was only observed.
    Shadow,
    /// The first of an anchor.
    Anchor,
}

/// In which order the judge saw two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The judged answer came first.
    First,
    /// It came last.
    Last,
}

/// Which of two answers is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The judged one.
    Win,
    /// Neither.
    Tie,
    /// The other.
    Loss,
}

impl Preference {
    /// 1 for a win or a tie.
    #[must_use]
    pub fn score(self) -> f64 {
        if self == Self::Loss { 0.0 } else { 1.0 }
    }
}

impl Order {
    /// The other one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::First => Self::Last,
            Self::Last => Self::First,
        }
    }

    /// Its name in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

impl Subject {
    /// Its name in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Shadow => "shadow",
            Self::Anchor => "anchor",
        }
    }
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pairwise => "pairwise",
            Self::Rubric => "rubric",
            Self::Check => "check",
            Self::Feedback => "feedback",
            Self::Anchor => "anchor",
        }
    }
}

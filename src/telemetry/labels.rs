//! The labels of each metric.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::decisions::Outcome;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) route: String,
    /// Empty where none answered.
    pub(super) tier: String,
    pub(super) outcome: End,
}

/// A request's end, as records write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct End(Outcome);

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        Self(outcome)
    }
}

impl EncodeLabelValue for End {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self.0 {
            Outcome::Served => "served",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Tokens {
    pub(super) tier: String,
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Cost {
    pub(super) tier: String,
    pub(super) route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Moved {
    pub(super) reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Failed {
    pub(super) tier: String,
    pub(super) endpoint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct At {
    pub(super) tier: String,
    pub(super) endpoint: String,
}

//! Alerts that nobody is to be told of for a while.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Keeps alerts quiet that have all of these labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// UUIDv7.
    pub id: String,
    /// Labels and the values that they must have; at least one.
    pub labels: BTreeMap<String, String>,
    /// Until when.
    pub ends_at: Timestamp,
    /// Why, for whoever finds it.
    pub comment: Option<String>,
}

impl Silence {
    /// Whether an alert with these labels is kept quiet at this time.
    #[must_use]
    pub fn covers(&self, labels: &BTreeMap<String, String>, now: Timestamp) -> bool {
        now < self.ends_at && self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_to_fit_and_time_to_be_left() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let ends_at = "2026-11-01T12:00:00Z".parse().unwrap();
        let wanted = labels(&[("alertname", "CostDrift"), ("route", "a")]);
        let silence = Silence { id: "1".to_owned(), labels: wanted, ends_at, comment: None };
        let before = "2026-11-01T11:59:59Z".parse().unwrap();
        let alert = labels(&[("alertname", "CostDrift"), ("route", "a"), ("severity", "warning")]);
        assert!(silence.covers(&alert, before) && !silence.covers(&alert, ends_at));
        assert!(!silence.covers(&labels(&[("alertname", "CostDrift")]), before));
    }
}

//! Which alerts are told together, and in which words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::life::{Alert, Status};
use super::silence::Silence;
use crate::config::AlertsConfig;

/// What receivers are told at once: the alerts of a group, in no receiver's format yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The labels that the group shares by `alerts.group_by`.
    pub group: BTreeMap<String, String>,
    /// The alerts, oldest first.
    pub alerts: Vec<Entry>,
    /// Alerts of the group that were left out: it has too many.
    pub truncated: usize,
    /// Where people find the router; empty where it was not said.
    pub public_url: String,
}

/// One alert as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The alert's id.
    pub id: String,
    /// Firing or resolved.
    pub status: Status,
    /// What tells it from others.
    pub labels: BTreeMap<String, String>,
    /// What is said of it.
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
    /// The hash of the labels.
    pub fingerprint: String,
    /// How often it was told before.
    pub times: u32,
}

/// Alerts that one message holds at most.
const MOST_ALERTS: usize = 50;

impl Message {
    /// Firing while one of its alerts is.
    #[must_use]
    pub fn status(&self) -> Status {
        let firing = self.alerts.iter().any(|alert| alert.status == Status::Firing);
        if firing { Status::Firing } else { Status::Resolved }
    }
}

impl Entry {
    /// An alert as it is now.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id.clone(),
            status: alert.status,
            labels: alert.event.labels(),
            annotations: alert.event.annotations(),
            starts_at: alert.event.since().min(alert.starts_at),
            ends_at: alert.ends_at,
            fingerprint: alert.fingerprint.to_string(),
            times: alert.told.map_or(0, |told| told.times),
        }
    }
}

/// The messages that are due, and the alerts in them, which count as told. A group is told of whole as soon as one of its
/// alerts is due: those that fire, and those whose end is news.
pub fn due(alerts: &mut [Alert], silences: &[Silence], config: &AlertsConfig, now: Timestamp) -> Vec<Message> {
    let mut groups: BTreeMap<BTreeMap<String, String>, Vec<&mut Alert>> = BTreeMap::new();
    for alert in alerts {
        let labels = alert.event.labels();
        if silences.iter().any(|silence| silence.covers(&labels, now)) {
            continue;
        }
        let group = labels.into_iter().filter(|(name, _)| config.group_by.contains(name)).collect();
        groups.entry(group).or_default().push(alert);
    }
    let is_due = |alerts: &[&mut Alert]| alerts.iter().any(|alert| alert.is_due(config, now));
    groups
        .into_iter()
        .filter(|(_, alerts)| is_due(alerts))
        .map(|(group, alerts)| tell(group, alerts, config, now))
        .collect()
}

fn tell(group: BTreeMap<String, String>, alerts: Vec<&mut Alert>, config: &AlertsConfig, now: Timestamp) -> Message {
    let mut entries = Vec::new();
    let mut truncated = 0;
    for alert in alerts {
        let ended = alert.told.is_some_and(|told| told.status == Status::Firing) && alert.status == Status::Resolved;
        let fires = alert.status == Status::Firing && (alert.told.is_some() || alert.is_due(config, now));
        if !fires && !ended {
            continue;
        }
        if entries.len() < MOST_ALERTS {
            entries.push(Entry::of(alert));
        } else {
            truncated += 1;
        }
        *alert = alert.clone().tell(now);
    }
    Message { group, alerts: entries, truncated, public_url: config.public_url.clone().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::alert::event::Drift;
    use crate::alert::life::take_in;
    use crate::alert::{Event, Scope, Signal};

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + second.seconds()
    }

    fn alert(route: &str, second: i64) -> Alert {
        let scope = Scope { route: Some(route.to_owned()), ..Scope::default() };
        let event = Event::CostDrift(Drift { scope, ..Drift::default() });
        let config = AlertsConfig::default();
        take_in(Signal::Fire(event), None, &config, at(second)).unwrap().pass(&config, at(second))
    }

    #[test]
    fn a_group_is_told_together_and_grows_by_what_is_new() {
        let config = AlertsConfig::default();
        let mut alerts = vec![alert("a", 0), alert("b", 20)];
        assert_eq!(due(&mut alerts, &[], &config, at(29)), []);
        let messages = due(&mut alerts, &[], &config, at(50));
        assert_eq!((messages.len(), messages[0].alerts.len(), messages[0].status()), (1, 2, Status::Firing));
        assert_eq!(messages[0].group["alertname"], "CostDrift");
        alerts.push(alert("c", 100));
        assert_eq!(due(&mut alerts, &[], &config, at(129)), []);
        assert_eq!(due(&mut alerts, &[], &config, at(130))[0].alerts.len(), 3);
    }

    #[test]
    fn what_is_silenced_is_told_when_the_silence_is_over() {
        let config = AlertsConfig::default();
        let labels = [("route".to_owned(), "a".to_owned())].into();
        let silences = [Silence { id: "1".to_owned(), labels, ends_at: at(1_000), comment: None }];
        let mut alerts = vec![alert("a", 0)];
        assert_eq!(due(&mut alerts, &silences, &config, at(999)), []);
        assert_eq!(due(&mut alerts, &silences, &config, at(1_000)).len(), 1);
    }

    #[test]
    fn a_flood_is_cut() {
        let mut alerts: Vec<Alert> = (0..60).map(|i| alert(&i.to_string(), 0)).collect();
        let messages = due(&mut alerts, &[], &AlertsConfig::default(), at(60));
        assert_eq!((messages[0].alerts.len(), messages[0].truncated), (MOST_ALERTS, 10));
    }
}

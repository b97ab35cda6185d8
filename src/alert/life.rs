//! The life of an alert: pending, firing, resolved; and when somebody is to be told.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, Fingerprint, Signal};
use crate::config::AlertsConfig;

/// One alert from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// UUIDv7: ids sort by time.
    pub id: String,
    /// The hash of its labels.
    pub fingerprint: Fingerprint,
    /// Where it is in its life.
    pub status: Status,
    /// What it tells of, with the newest numbers.
    pub event: Event,
    /// When it was first noticed.
    pub starts_at: Timestamp,
    /// When it was certain; `None` where it was not, and was none if it is over.
    #[serde(default)]
    pub fired_at: Option<Timestamp>,
    /// When it ended; `None` while it lasts.
    pub ends_at: Option<Timestamp>,
    /// Who has seen to it; `None` while nobody has.
    pub acknowledged: Option<Acknowledgement>,
    /// What receivers were told last.
    pub told: Option<Told>,
    /// Until then it is not told again: it came back soon after its end.
    pub quiet_until: Option<Timestamp>,
    /// Whether it is only suspected: it does not fire by waiting.
    suspected: bool,
    /// When its status last changed.
    changed_at: Timestamp,
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Noticed, and not yet for certain or long enough.
    Pending,
    /// It is so.
    Firing,
    /// It is over.
    Resolved,
}

/// Somebody has seen to an alert: it is not told again while it lasts, and its monitor begins anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// When.
    pub at: Timestamp,
    /// What they say.
    pub comment: Option<String>,
}

/// What receivers were told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The last time.
    pub at: Timestamp,
    /// As what.
    pub status: Status,
    /// How often.
    pub times: u32,
}

impl Status {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Takes a signal into the newest alert of its fingerprint; gives the alert where it has changed or is new.
#[must_use]
pub fn take_in(signal: Signal, newest: Option<Alert>, config: &AlertsConfig, now: Timestamp) -> Option<Alert> {
    match signal {
        Signal::Fire(event) => Some(Alert::notice(event, false, newest, config, now)),
        Signal::Suspect(event) => Some(Alert::notice(event, true, newest, config, now)),
        Signal::Resolve(_) => newest.filter(Alert::is_open).map(|alert| alert.end(now)),
        Signal::Acknowledge { comment, .. } => {
            let acknowledged = Some(Acknowledgement { at: now, comment });
            newest.map(|alert| Alert { acknowledged, ..alert })
        }
    }
}

impl Alert {
    fn notice(event: Event, suspected: bool, newest: Option<Self>, config: &AlertsConfig, now: Timestamp) -> Self {
        match newest {
            // What is certain stays so.
            Some(open) if open.is_open() => Self { event, suspected: suspected && open.suspected, ..open },
            ended => {
                let quiet_until = ended.and_then(|ended| later(ended.ends_at?, config.cool_down_s));
                Self {
                    id: Uuid::now_v7().to_string(),
                    fingerprint: event.fingerprint(),
                    status: Status::Pending,
                    event,
                    starts_at: now,
                    fired_at: None,
                    ends_at: None,
                    acknowledged: None,
                    told: None,
                    quiet_until: quiet_until.filter(|until| *until > now),
                    suspected,
                    changed_at: now,
                }
            }
        }
    }

    /// An alert that fires from this time on.
    #[must_use]
    pub fn firing(event: Event, now: Timestamp) -> Self {
        let pending = Self::notice(event, false, None, &AlertsConfig::default(), now);
        Self { status: Status::Firing, fired_at: Some(now), ..pending }
    }

    /// What time alone does: a condition that has held long enough fires; an alert that tells of a moment is over.
    #[must_use]
    pub fn pass(self, config: &AlertsConfig, now: Timestamp) -> Self {
        let held = !self.suspected && has_passed(self.starts_at, config.pending_s, now);
        match self.status {
            Status::Pending if held => Self { status: Status::Firing, fired_at: Some(now), changed_at: now, ..self },
            Status::Firing if self.event.is_momentary() && has_passed(self.changed_at, config.group_s + 60.0, now) => {
                let told = self.told.map(|told| Told { status: Status::Resolved, ..told });
                Self { told, ..self.end(now) }
            }
            _ => self,
        }
    }

    pub(super) fn end(self, now: Timestamp) -> Self {
        Self { status: Status::Resolved, ends_at: Some(now), changed_at: now, ..self }
    }

    /// Whether it lasts.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status != Status::Resolved
    }

    /// Whether receivers have to be told: of its beginning, of its end if they know of its beginning, or once more.
    #[must_use]
    pub fn is_due(&self, config: &AlertsConfig, now: Timestamp) -> bool {
        let waited = has_passed(self.changed_at, config.group_s, now);
        let quiet = self.quiet_until.is_some_and(|until| until > now);
        match (self.status, self.told) {
            (Status::Pending, _) | (Status::Resolved, None) => false,
            (Status::Firing, None) => waited && !quiet && self.acknowledged.is_none(),
            (Status::Resolved, Some(told)) => waited && told.status == Status::Firing,
            (Status::Firing, Some(told)) => self.acknowledged.is_none() && has_passed(told.at, config.repeat_s, now),
        }
    }

    /// Receivers were told now.
    #[must_use]
    pub fn tell(self, now: Timestamp) -> Self {
        let times = self.told.map_or(0, |told| told.times) + 1;
        Self { told: Some(Told { at: now, status: self.status, times }), ..self }
    }
}

fn later(at: Timestamp, seconds: f64) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(Duration::try_from_secs_f64(seconds).ok()?).ok()?).ok()
}

fn has_passed(since: Timestamp, seconds: f64, now: Timestamp) -> bool {
    later(since, seconds).is_some_and(|then| then <= now)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::alert::event::{Change, Drift};

    fn config() -> AlertsConfig {
        AlertsConfig { pending_s: 10.0, group_s: 30.0, repeat_s: 100.0, cool_down_s: 1_000.0, ..Default::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + second.seconds()
    }

    fn drift() -> Event {
        Event::QualityDrift(Drift::default())
    }

    fn take(signal: Signal, newest: Option<Alert>, second: i64) -> Option<Alert> {
        take_in(signal, newest, &config(), at(second)).map(|alert| alert.pass(&config(), at(second)))
    }

    fn pass(alert: Alert, second: i64) -> Alert {
        alert.pass(&config(), at(second))
    }

    fn firing() -> Alert {
        pass(take(Signal::Fire(drift()), None, 0).unwrap(), 10)
    }

    fn due(alert: &Alert, second: i64) -> bool {
        alert.is_due(&config(), at(second))
    }

    #[test]
    fn it_is_pending_then_firing_then_resolved_and_told_of_both() {
        let pending = take(Signal::Fire(drift()), None, 0).unwrap();
        assert_eq!((pending.status, pass(pending.clone(), 9).status), (Status::Pending, Status::Pending));
        let firing = pass(pending, 10);
        assert!(firing.status == Status::Firing && !due(&firing, 39) && due(&firing, 40));
        let told = firing.tell(at(40));
        assert!(!due(&told, 139) && due(&told, 140), "it is repeated");
        let ended = take(Signal::Resolve(told.fingerprint.clone()), Some(told), 50).unwrap();
        assert!(ended.ends_at == Some(at(50)) && !due(&ended, 79) && due(&ended, 80));
        assert!(!due(&ended.tell(at(80)), 10_000));
    }

    #[test]
    fn what_ends_before_it_was_told_is_not_told() {
        let ended = take(Signal::Resolve(drift().fingerprint()), Some(firing()), 20).unwrap();
        assert!(ended.fired_at.is_some());
        assert!(!due(&ended, 10_000));
        assert_eq!(take(Signal::Resolve(drift().fingerprint()), Some(ended), 30), None, "once");
        assert_eq!(take(Signal::Resolve(drift().fingerprint()), None, 30), None);
    }

    #[test]
    fn an_acknowledged_alert_is_not_repeated_but_its_end_is_told() {
        let told = firing().tell(at(40));
        let signal = Signal::Acknowledge { alert: told.id.clone(), comment: Some("on it".to_owned()) };
        let acknowledged = take(signal, Some(told), 60).unwrap();
        assert!(!due(&acknowledged, 10_000));
        let ended = take(Signal::Resolve(acknowledged.fingerprint.clone()), Some(acknowledged), 70).unwrap();
        assert!(due(&ended, 100));
    }

    #[test]
    fn one_that_comes_back_soon_is_told_after_the_cool_down() {
        let ended = take(Signal::Resolve(drift().fingerprint()), Some(firing().tell(at(40))), 50).unwrap();
        let again = pass(take(Signal::Fire(drift()), Some(ended.clone()), 60).unwrap(), 70);
        assert!(again.id != ended.id && again.status == Status::Firing);
        assert!(!due(&again, 1_049) && due(&again, 1_050));
        let much_later = pass(take(Signal::Fire(drift()), Some(ended), 2_000).unwrap(), 2_010);
        assert!(due(&much_later, 2_040));
    }

    #[test]
    fn a_suspicion_waits_for_certainty() {
        let suspected = pass(take(Signal::Suspect(drift()), None, 0).unwrap(), 10_000);
        assert_eq!(suspected.status, Status::Pending);
        assert_eq!(take(Signal::Fire(drift()), Some(suspected), 10_001).unwrap().status, Status::Firing);
        assert_eq!(take(Signal::Suspect(drift()), Some(firing()), 30).unwrap().status, Status::Firing);
    }

    #[test]
    fn a_moment_is_told_once() {
        let promoted = Event::ModelPromoted(Change::default());
        let firing = pass(take(Signal::Fire(promoted), None, 0).unwrap(), 10);
        let over = pass(firing.tell(at(40)), 200);
        assert!(over.status == Status::Resolved && !due(&over, 10_000));
    }
}

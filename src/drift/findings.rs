//! From what monitors find to what is told.

use super::key::{Family, Key};
use super::rate::Moved;
use crate::alert::event::{Cause, Damage, Drift};
use crate::alert::{Event, Fingerprint, Scope};

/// What is known of a finding beside its numbers.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What may be at fault.
    pub cause: Option<Cause>,
    /// What it may have done.
    pub damage: Option<Damage>,
    /// Decisions that show it.
    pub examples: Vec<String>,
    /// The artifact in force.
    pub model_version: Option<String>,
}

/// The alert that a monitor's finding is.
#[must_use]
pub fn event(key: &Key, moved: &Moved, context: Context) -> Event {
    let Context { cause, damage, examples, model_version } = context;
    let bounded = !matches!(key.family, Family::Inputs | Family::Cost | Family::Latency);
    let drift = Drift {
        scope: told_scope(key),
        figure: figure(key.family).to_owned(),
        from: moved.from,
        to: moved.to,
        interval: bounded.then_some(moved.interval),
        samples: moved.samples,
        since: moved.since,
        cause,
        damage,
        examples,
        model_version,
    };
    match key.family {
        Family::Quality => Event::QualityDrift(drift),
        Family::Calibration => Event::CalibrationDrift(drift),
        Family::Judge => Event::JudgeDrift(drift),
        Family::Inputs | Family::Novelty => Event::InputDrift(drift),
        Family::Escalation | Family::Economics => Event::EscalationRateHigh(drift),
        Family::Cost => Event::CostDrift(drift),
        Family::Latency => Event::LatencyDrift(drift),
        Family::Upstream => Event::UpstreamDown(drift),
    }
}

/// What a monitor's alert is known by.
#[must_use]
pub fn fingerprint(key: &Key) -> Fingerprint {
    event(key, &Moved::default(), Context::default()).fingerprint()
}

/// The monitor that an alert comes from; `None` for one of no monitor's.
#[must_use]
pub fn key(event: &Event) -> Option<Key> {
    let mut scope = event.drift()?.scope.clone();
    let family = match event {
        Event::QualityDrift(_) => Family::Quality,
        Event::CalibrationDrift(_) => Family::Calibration,
        Event::JudgeDrift(_) => Family::Judge,
        Event::InputDrift(_) if scope.line.as_deref() == Some(NOVELTY) => Family::Novelty,
        Event::InputDrift(_) => Family::Inputs,
        Event::EscalationRateHigh(_) if scope.line.as_deref() == Some(ECONOMIC) => Family::Economics,
        Event::EscalationRateHigh(_) => Family::Escalation,
        Event::CostDrift(_) => Family::Cost,
        Event::LatencyDrift(_) => Family::Latency,
        Event::UpstreamDown(_) => Family::Upstream,
        _ => return None,
    };
    if !matches!(family, Family::Cost | Family::Latency) {
        scope.line = None;
    }
    Some(Key { family, scope })
}

const NOVELTY: &str = "novelty";
const ECONOMIC: &str = "economic";
const ALLOWED: &str = "allowed";

/// The monitor's scope, and what tells two monitors apart that are told under one name.
fn told_scope(key: &Key) -> Scope {
    let line = match key.family {
        Family::Novelty => Some(NOVELTY.to_owned()),
        Family::Economics => Some(ECONOMIC.to_owned()),
        Family::Escalation => Some(ALLOWED.to_owned()),
        _ => key.scope.line.clone(),
    };
    Scope { line, ..key.scope.clone() }
}

fn figure(family: Family) -> &'static str {
    match family {
        Family::Quality => "judged failures",
        Family::Calibration => "predicted less judged acceptance",
        Family::Judge => "the judge's disagreement with people on the anchor set",
        Family::Inputs => "PSI of the scores",
        Family::Novelty => "novel requests",
        Family::Escalation => "escalation rate, against what is allowed,",
        Family::Economics => "escalation rate, against the line from which it does not pay,",
        Family::Cost => "cost of a request",
        Family::Latency => "time of a request",
        Family::Upstream => "failed calls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_monitor_is_told_under_a_name_that_leads_back_to_it() {
        let scope = Scope { route: Some("a".to_owned()), ..Scope::default() };
        let mut fingerprints = std::collections::BTreeSet::new();
        for family in [
            Family::Quality,
            Family::Calibration,
            Family::Judge,
            Family::Inputs,
            Family::Novelty,
            Family::Escalation,
            Family::Economics,
            Family::Upstream,
        ] {
            for scope in [Scope::default(), scope.clone()] {
                let of = Key { family, scope };
                assert_eq!(key(&event(&of, &Moved::default(), Context::default())), Some(of.clone()));
                assert!(fingerprints.insert(fingerprint(&of)), "{of}");
            }
        }
    }
}

//! What each monitor is doing, and what it can find at the rate at which it is told something.

use serde::{Deserialize, Serialize};

use super::hours::Direction;
use super::key::{Family, Key};
use super::monitors::Monitors;
use super::rate::{Null, Rate};
use super::reach::{self, Reach};
use crate::alert::Scope;

/// One monitor, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it watches.
    pub monitor: Family,
    /// Whose.
    pub scope: Scope,
    /// `learning`, `watching` or `alarmed`.
    pub phase: String,
    /// Samples so far.
    pub samples: u64,
    /// Samples that it learns from; `None` where it needs none.
    pub learns: Option<u64>,
    /// What is normal, once it is known.
    pub normal: Option<f64>,
    /// What is tolerated.
    pub tolerated: Option<f64>,
    /// The statistic against its limit, in [0, 1).
    pub evidence: f64,
    /// What it counts: `answer`, `anchor`, `request`, `call`, `window of 500 requests` or `hour`.
    pub unit: String,
    /// The least mean number of units between two false alarms.
    pub run_length: f64,
    /// Units a day lately, where that is known.
    pub per_day: Option<f64>,
    /// How long rises take to be found, in units; empty while it learns, and where it is not simulated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<Reach>,
}

/// Rises that are told of.
const RISES: [f64; 3] = [0.05, 0.1, 0.2];

impl Monitors {
    /// All monitors. `per_day` tells how many units of a family come a day; what was simulated in `known` is not simulated again.
    #[must_use]
    pub fn status(&self, per_day: impl Fn(&Key) -> Option<f64>, known: &[Status]) -> Vec<Status> {
        let mut all = Vec::new();
        for (key, rate) in self.rates.iter() {
            let status = of_rate(key, rate, unit(key.family));
            all.push(Status { reach: simulated(key, rate, known), ..status });
        }
        for (key, economics) in self.economics.iter() {
            all.extend(economics.rate().map(|rate| of_rate(key, rate, unit(key.family))));
        }
        for (key, hours) in self.hours.iter() {
            for (direction, line) in [(Direction::Up, "up"), (Direction::Down, "down")] {
                let scope = Scope { line: Some(line.to_owned()), ..key.scope.clone() };
                all.push(of_rate(&Key { family: key.family, scope }, hours.rate(direction), unit(key.family)));
            }
        }
        for (key, inputs) in self.inputs.iter() {
            let (samples, learns) = inputs.learned();
            let status = of_rate(key, inputs.windows(), format!("window of {} requests", inputs.window()));
            let phase = if samples < learns { "learning".to_owned() } else { status.phase };
            all.push(Status { phase, learns: Some(learns), normal: inputs.last_psi(), ..status });
        }
        for (key, calibrated) in self.calibrated.iter() {
            let (samples, learns) = calibrated.samples();
            all.push(Status {
                monitor: key.family,
                scope: key.scope.clone(),
                phase: phase(calibrated.normal().is_some(), calibrated.is_alarmed()),
                samples,
                learns: Some(learns),
                normal: calibrated.normal(),
                tolerated: calibrated.normal().map(|normal| normal + self.config.tolerance),
                evidence: calibrated.evidence(),
                unit: unit(key.family),
                run_length: calibrated.run_length(),
                per_day: None,
                reach: Vec::new(),
            });
        }
        for status in &mut all {
            status.per_day = per_day(&Key { family: status.monitor, scope: status.scope.clone() });
        }
        all
    }
}

fn of_rate(key: &Key, rate: &Rate, unit: String) -> Status {
    let learns = match rate.limits().null {
        Null::Learned { samples, .. } => Some(samples),
        Null::Fixed(_) => None,
    };
    Status {
        monitor: key.family,
        scope: key.scope.clone(),
        phase: phase(rate.normal().is_some(), rate.is_alarmed()),
        samples: rate.samples(),
        learns,
        normal: rate.normal(),
        tolerated: rate.tolerated(),
        evidence: rate.evidence(),
        unit,
        run_length: rate.limits().run_length,
        per_day: None,
        reach: Vec::new(),
    }
}

/// What is told of quality and of the judge, simulated once the normal rate is known.
fn simulated(key: &Key, rate: &Rate, known: &[Status]) -> Vec<Reach> {
    let Some((normal, rise)) = rate.normal().zip(rate.detector()) else { return Vec::new() };
    if !matches!(key.family, Family::Quality | Family::Judge) {
        return Vec::new();
    }
    let same = |status: &&Status| {
        status.monitor == key.family
            && status.scope == key.scope
            && status.normal == Some(normal)
            && !status.reach.is_empty()
    };
    match known.iter().find(same) {
        Some(status) => status.reach.clone(),
        None => RISES.iter().filter_map(|by| reach::of(rise, normal, *by)).collect(),
    }
}

fn phase(knows: bool, alarmed: bool) -> String {
    if alarmed {
        "alarmed"
    } else if knows {
        "watching"
    } else {
        "learning"
    }
    .to_owned()
}

fn unit(family: Family) -> String {
    match family {
        Family::Quality | Family::Calibration => "answer",
        Family::Judge => "anchor",
        Family::Upstream => "call",
        Family::Cost | Family::Latency => "hour",
        Family::Inputs | Family::Novelty | Family::Escalation | Family::Economics => "request",
    }
    .to_owned()
}

//! All monitors together: each sample goes to those that it concerns, and what they find has a cause.

mod notes;
mod told;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::notes::Notes;
use self::told::{directed, plain};
use super::attribution;
use super::calibrated::Calibrated;
use super::economics::Economics;
use super::hours::Hours;
use super::inputs::{Inputs, Settings};
use super::key::{Family, Key};
use super::levels::{Level, Levels};
use super::rate::{Change, Limits, Moved, Null, Rate};
use super::sample::{Anchored, Judged, Served};
use crate::alert::Scope;
use crate::alert::event::Cause;
use crate::config::DriftConfig;

/// Every monitor, with what it has seen.
#[derive(Debug, Clone)]
pub struct Monitors {
    pub(super) config: DriftConfig,
    pub(super) rates: Levels<Rate>,
    pub(super) calibrated: Levels<Calibrated>,
    pub(super) inputs: Levels<Inputs>,
    pub(super) economics: Levels<Economics>,
    pub(super) hours: Levels<Hours>,
    pub(super) notes: Notes,
}

/// What a sample brought to light.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// An alarm, with its cause where it has one.
    Raised(Key, Moved, Option<Cause>),
    /// An alarm whose cause is not certain yet.
    Suspected(Key, Moved),
    /// An alarm is over, or was none.
    Cleared(Key),
}

/// How long an alarm of quality waits for anchors to be scored again.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// The novelty that one request in twenty of the artifact's own training data has.
const NOVEL: f64 = 0.95;

/// Rates of climbing that are bet on.
const CLIMBING: [f64; 4] = [0.05, 0.1, 0.2, 0.4];

/// Rates of failing calls that are bet on: an outage fails most of them.
const FAILING: [f64; 3] = [0.3, 0.6, 0.95];

impl Monitors {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(config: DriftConfig) -> Self {
        Self {
            config,
            rates: Levels::default(),
            calibrated: Levels::default(),
            inputs: Levels::default(),
            economics: Levels::default(),
            hours: Levels::default(),
            notes: Notes::default(),
        }
    }

    /// Takes an answer that was judged.
    pub fn judged(&mut self, judged: &Judged) -> Vec<Finding> {
        let failure = 1.0 - judged.score;
        if failure >= 0.5 {
            self.notes.remember(judged);
        }
        let mut found = self.calibration(judged);
        if judged.is_uniform {
            let foreseen = judged.predicted.map(|p| 1.0 - p);
            let names = (judged.route.as_deref(), judged.tier.as_deref(), judged.tenant.as_deref());
            for level in Family::Quality.levels() {
                let change = self.rate(Family::Quality, level, names, failure, foreseen, judged.at);
                found.extend(change.map(|(key, change)| self.quality(key, change, judged.at)));
            }
        }
        found.extend(self.settle(judged.at));
        found
    }

    fn calibration(&mut self, judged: &Judged) -> Vec<Finding> {
        let Some(predicted) = judged.predicted else { return Vec::new() };
        let Monitors { config, calibrated, .. } = self;
        let key = Key::of_all(Family::Calibration);
        let run_length = Family::Calibration.run_length(Level::All, 1, config);
        let make = |_| Calibrated::new(config.baseline, config.tolerance, run_length);
        let (key, monitor) = calibrated.of(key, make);
        monitor.observe(predicted, judged.score, judged.at).map(|change| plain(key, change)).into_iter().collect()
    }

    /// Takes an anchor that the judge has scored again.
    pub fn anchored(&mut self, anchored: &Anchored) -> Vec<Finding> {
        self.notes.anchors.add(anchored.at, anchored.disagreement);
        let change = self.rate(Family::Judge, Level::All, (None, None, None), anchored.disagreement, None, anchored.at);
        let mut found: Vec<Finding> = change.map(|(key, change)| plain(key, change)).into_iter().collect();
        found.extend(self.settle(anchored.at));
        found
    }

    /// Takes a request that has ended.
    pub fn served(&mut self, served: &Served) -> Vec<Finding> {
        let mut found = self.input(served);
        found.extend(self.escalation(served));
        found.extend(self.hourly(Family::Cost, served.cost_usd, served));
        found.extend(self.hourly(Family::Latency, served.latency_ms, served));
        for (tier, endpoint, failed) in &served.calls {
            let scope = Scope { tier: Some(tier.clone()), endpoint: endpoint.clone(), ..Scope::default() };
            let limits = self.limits(Family::Upstream, Level::Tier);
            let (key, rate) = self.rates.of(Key { family: Family::Upstream, scope }, |_| Rate::new(limits));
            found.extend(rate.observe(f64::from(*failed), served.ended).map(|change| plain(key, change)));
        }
        found
    }

    fn input(&mut self, served: &Served) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(score) = served.score {
            for level in Family::Inputs.levels() {
                let Some(key) = level.key(Family::Inputs, served.route.as_deref(), None, served.tenant.as_deref())
                else {
                    continue;
                };
                let Monitors { config, inputs, .. } = self;
                let window = config.input_window;
                let run_length = Family::Inputs.run_length(level, 1, config) / window as f64;
                let settings =
                    Settings { reference: config.input_reference, window, min_psi: config.min_psi, run_length };
                let (key, monitor) = inputs.of(key, |_| Inputs::new(settings));
                found.extend(monitor.observe(score, served.at).map(|change| plain(key, change)));
            }
        }
        if let Some(novelty) = served.novelty {
            let is_novel = f64::from(novelty >= NOVEL);
            let change = self.rate(Family::Novelty, Level::All, (None, None, None), is_novel, None, served.at);
            found.extend(change.map(|(key, change)| plain(key, change)));
        }
        found
    }

    fn escalation(&mut self, served: &Served) -> Vec<Finding> {
        let Some(climbed) = served.climbed else { return Vec::new() };
        let route = (served.route.as_deref(), None, None);
        let mut found = Vec::new();
        for level in Family::Escalation.levels() {
            let change = self.rate(Family::Escalation, level, route, f64::from(climbed), None, served.at);
            found.extend(change.map(|(key, change)| plain(key, change)));
        }
        let Some(prices) = served.below_and_above else { return found };
        for level in Family::Economics.levels() {
            let Some(key) = level.key(Family::Economics, route.0, None, None) else { continue };
            let run_length = Family::Economics.run_length(level, 1, &self.config);
            let (key, monitor) = self.economics.of(key, |_| Economics::new(run_length));
            found.extend(monitor.observe(climbed, prices, served.at).map(|change| plain(key, change)));
        }
        found
    }

    fn hourly(&mut self, family: Family, figure: Option<f64>, served: &Served) -> Vec<Finding> {
        let Some(figure) = figure else { return Vec::new() };
        let mut found = Vec::new();
        for level in family.levels() {
            let Some(key) = level.key(family, served.route.as_deref(), served.tier.as_deref(), None) else { continue };
            let Monitors { config, hours, .. } = self;
            let make = |place| Hours::new(config.max_hourly_change, family.run_length(level, place, config));
            let (key, monitor) = hours.of(key, make);
            let told = monitor.observe(figure, served.ended);
            found.extend(told.into_iter().map(|(direction, change)| plain(directed(&key, direction), change)));
        }
        found
    }

    /// Feeds the rate of this family and level, where the request has a name of that level.
    fn rate(
        &mut self,
        family: Family,
        level: Level,
        (route, tier, tenant): (Option<&str>, Option<&str>, Option<&str>),
        failure: f64,
        foreseen: Option<f64>,
        at: Timestamp,
    ) -> Option<(Key, Change)> {
        let key = level.key(family, route, tier, tenant)?;
        let limits = self.limits(family, level);
        let (key, rate) = self.rates.of(key, |_| Rate::new(limits));
        rate.observe_foreseen(failure, foreseen, at).map(|change| (key, change))
    }

    fn limits(&self, family: Family, level: Level) -> Limits {
        let DriftConfig { baseline, tolerance, max_escalation_rate, max_failure_rate, .. } = self.config;
        let run_length = family.run_length(level, 1, &self.config);
        let above = |null: f64, rates: &[f64]| rates.iter().map(|above| null + above).collect();
        match family {
            Family::Escalation => {
                let (null, rates) = (Null::Fixed(max_escalation_rate), above(max_escalation_rate, &CLIMBING));
                Limits { null, run_length, rates }
            }
            Family::Upstream => Limits { null: Null::Fixed(max_failure_rate), run_length, rates: FAILING.to_vec() },
            // A hundred people's labels are all that there may be.
            Family::Judge => {
                Limits { null: Null::Learned { samples: 100, tolerance: 0.05 }, run_length, rates: Vec::new() }
            }
            _ => Limits { null: Null::Learned { samples: baseline, tolerance }, run_length, rates: Vec::new() },
        }
    }

    /// An alarm of quality is told with its cause, as soon as that is certain.
    fn quality(&mut self, key: Key, change: Change, now: Timestamp) -> Finding {
        match change {
            Change::Cleared => {
                self.notes.suspected.retain(|(suspected, ..)| *suspected != key);
                Finding::Cleared(key)
            }
            Change::Raised(moved) if self.notes.anchors.have_to_be_asked(moved.since) => {
                self.notes.suspected.push((key.clone(), moved.clone(), now));
                Finding::Suspected(key, moved)
            }
            Change::Raised(moved) => self.attributed(key, moved),
        }
    }

    fn attributed(&self, key: Key, moved: Moved) -> Finding {
        let normal = self.rates.get(&Key::of_all(Family::Judge)).and_then(Rate::normal);
        let cause = attribution::cause(&moved, &self.notes.anchors, normal);
        if cause == Cause::Judge {
            // The system has not changed, as far as anybody can tell now: it is the judge that has to be told of.
            let anchors = self.notes.anchors.moved(moved.since, normal.unwrap_or_default());
            return Finding::Raised(Key::of_all(Family::Judge), anchors, Some(cause));
        }
        Finding::Raised(key, moved, Some(cause))
    }

    /// Alarms whose cause is certain by now, or has been waited for long enough.
    fn settle(&mut self, now: Timestamp) -> Vec<Finding> {
        let waits = |moved: &Moved, begun: &Timestamp| {
            self.notes.anchors.have_to_be_asked(moved.since) && now.duration_since(*begun) < PATIENCE
        };
        let (waiting, certain): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.notes.suspected).into_iter().partition(|(_, moved, begun)| waits(moved, begun));
        self.notes.suspected = waiting;
        let told = certain.into_iter().flat_map(|(key, moved, _)| match self.attributed(key.clone(), moved) {
            Finding::Raised(other, moved, cause) if other != key => {
                vec![Finding::Cleared(key), Finding::Raised(other, moved, cause)]
            }
            finding => vec![finding],
        });
        told.collect()
    }

    /// Decisions that failed since then, newest first, where any are known.
    #[must_use]
    pub fn examples(&self, scope: &Scope, since: Timestamp) -> Vec<String> {
        self.notes.examples(scope, since)
    }

    /// Somebody has seen to an alarm: its monitor begins anew.
    pub fn acknowledge(&mut self, key: &Key) {
        let mut key = key.clone();
        if matches!(key.family, Family::Cost | Family::Latency) {
            key.scope.line = None;
        }
        self.rates.get_mut(&key).into_iter().for_each(Rate::acknowledge);
        self.calibrated.get_mut(&key).into_iter().for_each(Calibrated::acknowledge);
        self.inputs.get_mut(&key).into_iter().for_each(Inputs::acknowledge);
        self.economics.get_mut(&key).into_iter().for_each(Economics::acknowledge);
        self.hours.get_mut(&key).into_iter().for_each(Hours::acknowledge);
    }

    /// Another artifact serves. How often answers failed before it is held against it at once; what speaks of its own predictions
    /// and scores is learned anew.
    pub fn forget_the_artifact(&mut self) {
        self.rates.each(|key, rate| match key.family {
            Family::Quality => rate.succeed(),
            Family::Calibration | Family::Inputs | Family::Novelty => *rate = Rate::new(rate.limits().clone()),
            _ => {}
        });
        self.calibrated.each(|_, calibrated| *calibrated = calibrated.anew());
        self.inputs.each(|_, inputs| inputs.acknowledge());
        self.notes.suspected.clear();
    }
}

#[cfg(test)]
mod tests;

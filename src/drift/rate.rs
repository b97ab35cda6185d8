//! A monitored rate: learns what is normal, raises an alarm when it rises, and clears it when it is back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Bernoulli, DriftDetector, interval};

/// What is watched for, and how carefully.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Where the tolerated rate comes from.
    pub null: Null,
    /// The least mean number of samples between two false alarms.
    pub run_length: f64,
    /// Rates that are bet on; empty for 4 to 20 points above the tolerated one.
    pub rates: Vec<f64>,
}

/// The rate that is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Null {
    /// This one.
    Fixed(f64),
    /// The mean of the first so many samples, and this much above it.
    Learned {
        /// Samples to learn from.
        samples: u64,
        /// What is tolerated above their mean.
        tolerance: f64,
    },
}

/// One rate, from its first sample on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    limits: Limits,
    samples: u64,
    learned: Sums,
    watch: Option<Watch>,
    /// Whether what is normal is learned anew beside what is watched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    relearns: bool,
}

/// Failures and what was foreseen of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    samples: u64,
    failures: f64,
    /// Samples of which something was foreseen, and the sum of that.
    foreseen: (u64, f64),
}

/// What is known once the normal rate is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Watch {
    normal: f64,
    rise: Bernoulli,
    /// The likeliest stretch since a change, by cumulative sums.
    height: f64,
    since: Option<Timestamp>,
    sums: Sums,
    /// The mean of what was foreseen while the normal rate was learned.
    foreseen: Option<f64>,
    /// Present while an alarm stands.
    recovery: Option<Bernoulli>,
}

/// A rate that has changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// What was normal, in [0, 1].
    pub from: f64,
    /// What it is since the change, in [0, 1].
    pub to: f64,
    /// A 95% confidence sequence for `to`.
    pub interval: [f64; 2],
    /// Samples since the change.
    pub samples: u64,
    /// When it began, as far as can be told.
    pub since: Timestamp,
    /// By how much it was foreseen to rise for the requests that came, where anything was foreseen.
    pub foreseen_rise: Option<f64>,
}

/// What a sample did.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An alarm.
    Raised(Moved),
    /// The alarm is over.
    Cleared,
}

/// Mean samples until an alarm is cleared by mistake.
const CLEARED_BY_MISTAKE: f64 = 2_000.0;

impl Rate {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let watch = match limits.null {
            Null::Fixed(null) => Some(Watch::new(null, null, &limits)),
            Null::Learned { .. } => None,
        };
        Self { limits, samples: 0, learned: Sums::default(), watch, relearns: false }
    }

    /// Takes a sample in [0, 1], 1 for a failure, of this time.
    pub fn observe(&mut self, failure: f64, at: Timestamp) -> Option<Change> {
        self.observe_foreseen(failure, None, at)
    }

    /// The same for a sample that was foreseen to fail with this probability.
    pub fn observe_foreseen(&mut self, failure: f64, foreseen: Option<f64>, at: Timestamp) -> Option<Change> {
        if !failure.is_finite() {
            return None;
        }
        let failure = failure.clamp(0.0, 1.0);
        self.samples += 1;
        let change = self.watch.as_mut().and_then(|watch| watch.observe(failure, foreseen, at));
        if self.watch.is_none() || self.relearns {
            self.learn(failure, foreseen);
        }
        change
    }

    /// Takes a sample of what is normal. What is normal by the end of it is not learned while an alarm stands.
    fn learn(&mut self, failure: f64, foreseen: Option<f64>) {
        self.learned.add(failure, foreseen);
        let Null::Learned { samples, tolerance } = self.limits.null else { return };
        if self.learned.samples < samples {
            return;
        }
        self.relearns = false;
        if !self.is_alarmed() {
            let normal = self.learned.mean();
            let watch = Watch::new(normal, normal + tolerance, &self.limits);
            self.watch = Some(Watch { foreseen: self.learned.mean_foreseen(), ..watch });
        }
    }

    /// Another artifact decides from here on. What was normal before is held against it until it has samples enough to tell what
    /// is normal for itself: one that does worse is an alarm, not a new normal. An alarm that stands ends when all is as before.
    pub fn succeed(&mut self) {
        self.samples = 0;
        self.learned = Sums::default();
        let Some(watch) = &mut self.watch else { return };
        self.relearns = matches!(self.limits.null, Null::Learned { .. });
        // Another artifact foresees other things of the same requests.
        watch.foreseen = None;
        if watch.recovery.is_none() {
            watch.begin_anew();
        }
    }

    /// The normal rate; `None` while it is learned.
    #[must_use]
    pub fn normal(&self) -> Option<f64> {
        self.watch.as_ref().map(|watch| watch.normal)
    }

    /// The rate that is tolerated; `None` while the normal one is learned.
    #[must_use]
    pub fn tolerated(&self) -> Option<f64> {
        self.watch.as_ref().map(|watch| watch.rise.null())
    }

    /// What detects a rise; `None` while the normal rate is learned.
    #[must_use]
    pub fn detector(&self) -> Option<&Bernoulli> {
        self.watch.as_ref().map(|watch| &watch.rise)
    }

    /// Samples seen.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// What is watched for.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether an alarm stands.
    #[must_use]
    pub fn is_alarmed(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.recovery.is_some())
    }

    /// The statistic against its limit: an alarm where it reaches 1.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        self.watch.as_ref().map_or(0.0, |watch| watch.rise.evidence())
    }

    /// Ends an alarm that somebody has seen to: what speaks for a change is collected anew.
    pub fn acknowledge(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.begin_anew();
        }
    }
}

impl Watch {
    fn new(normal: f64, null: f64, limits: &Limits) -> Self {
        let rise = match limits.rates.as_slice() {
            [] => Bernoulli::new(null, limits.run_length),
            rates => Bernoulli::against(null, limits.run_length, rates.iter().copied()),
        };
        Self { normal, rise, height: 0.0, since: None, sums: Sums::default(), foreseen: None, recovery: None }
    }

    fn observe(&mut self, failure: f64, foreseen: Option<f64>, at: Timestamp) -> Option<Change> {
        if let Some(recovery) = &mut self.recovery {
            return recovery.observe(1.0 - failure).then(|| {
                self.begin_anew();
                Change::Cleared
            });
        }
        self.follow(failure, foreseen, at);
        if !self.rise.observe(failure) {
            return None;
        }
        let moved = self.moved(at);
        // What has to be refuted is that half of the rise is still there, by what is sure of it: an alarm that comes early
        // comes after a worse stretch than there will be.
        let sure = moved.interval[0].max(self.rise.null() + 0.02).min(1.0);
        self.recovery = Some(Bernoulli::new(1.0 - f64::midpoint(self.rise.null(), sure), CLEARED_BY_MISTAKE));
        Some(Change::Raised(moved))
    }

    /// Page's cumulative sum against the middle of the usual alternatives: where it was last at 0, the change began.
    fn follow(&mut self, failure: f64, foreseen: Option<f64>, at: Timestamp) {
        let null = self.rise.null();
        let rate = (null + 0.1).min(f64::midpoint(1.0, null));
        let gain = failure * (rate / null).ln() + (1.0 - failure) * ((1.0 - rate) / (1.0 - null)).ln();
        self.height += gain;
        if self.height <= 0.0 {
            (self.height, self.since, self.sums) = (0.0, None, Sums::default());
            return;
        }
        self.since = self.since.or(Some(at));
        self.sums.add(failure, foreseen);
    }

    fn moved(&self, at: Timestamp) -> Moved {
        let Sums { samples, failures, .. } = self.sums;
        Moved {
            from: self.normal,
            to: self.sums.mean(),
            interval: interval::rate(failures, samples as f64, 0.05),
            samples,
            since: self.since.unwrap_or(at),
            foreseen_rise: self.sums.mean_foreseen().zip(self.foreseen).map(|(now, before)| now - before),
        }
    }

    fn begin_anew(&mut self) {
        self.rise.reset();
        self.recovery = None;
        (self.height, self.since, self.sums) = (0.0, None, Sums::default());
    }
}

impl Sums {
    fn add(&mut self, failure: f64, foreseen: Option<f64>) {
        self.samples += 1;
        self.failures += failure;
        if let Some(foreseen) = foreseen.filter(|foreseen| foreseen.is_finite()) {
            self.foreseen.0 += 1;
            self.foreseen.1 += foreseen;
        }
    }

    fn mean(&self) -> f64 {
        self.failures / self.samples.max(1) as f64
    }

    fn mean_foreseen(&self) -> Option<f64> {
        (self.foreseen.0 > 0).then(|| self.foreseen.1 / self.foreseen.0 as f64)
    }
}

#[cfg(test)]
mod tests;

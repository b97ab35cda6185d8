//! Whether predictions of acceptance still hold: learns by how much they are off, and watches that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rate::{Change, Moved};
use super::{DriftDetector, Residual, interval};

/// The residuals p̂ − y of one stream, from its first sample on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    learns: u64,
    tolerance: f64,
    run_length: f64,
    samples: u64,
    sum: f64,
    watch: Option<Watch>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Watch {
    normal: f64,
    rise: Residual,
    /// Present while an alarm stands.
    recovery: Option<Residual>,
    /// The likeliest stretch since a change: height of its cumulative sum, beginning, samples, sum of residuals.
    height: f64,
    since: Option<Timestamp>,
    samples: u64,
    sum: f64,
}

/// Mean samples until an alarm is cleared by mistake.
const CLEARED_BY_MISTAKE: f64 = 2_000.0;

/// The rise that the stretch since a change is sought by.
const SOUGHT: f64 = 0.1;

impl Calibrated {
    /// Learns the usual residual of the first `learns` samples, and watches for one that is more than `tolerance` above it.
    #[must_use]
    pub fn new(learns: u64, tolerance: f64, run_length: f64) -> Self {
        Self { learns, tolerance, run_length, samples: 0, sum: 0.0, watch: None }
    }

    /// The same without what was seen.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.learns, self.tolerance, self.run_length)
    }

    /// Takes what was predicted and what became of it, both in [0, 1].
    pub fn observe(&mut self, predicted: f64, outcome: f64, at: Timestamp) -> Option<Change> {
        if !predicted.is_finite() || !outcome.is_finite() {
            return None;
        }
        self.samples += 1;
        if let Some(watch) = &mut self.watch {
            return watch.observe(predicted, outcome, self.tolerance, at);
        }
        self.sum += predicted - outcome;
        if self.samples >= self.learns {
            let normal = self.sum / self.samples as f64;
            let rise = Residual::new(normal + self.tolerance, self.run_length);
            self.watch = Some(Watch { normal, rise, recovery: None, height: 0.0, since: None, samples: 0, sum: 0.0 });
        }
        None
    }

    /// By how much predictions are usually too hopeful; `None` while that is learned.
    #[must_use]
    pub fn normal(&self) -> Option<f64> {
        self.watch.as_ref().map(|watch| watch.normal)
    }

    /// Samples seen, and samples to learn from.
    #[must_use]
    pub fn samples(&self) -> (u64, u64) {
        (self.samples, self.learns)
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

    /// The least mean number of samples between two false alarms.
    #[must_use]
    pub fn run_length(&self) -> f64 {
        self.run_length
    }

    /// Ends an alarm that somebody has seen to: what speaks for a change is collected anew.
    pub fn acknowledge(&mut self) {
        self.watch.iter_mut().for_each(Watch::begin_anew);
    }
}

impl Watch {
    fn observe(&mut self, predicted: f64, outcome: f64, tolerance: f64, at: Timestamp) -> Option<Change> {
        if let Some(recovery) = &mut self.recovery {
            // The other way round: is the outcome better than what was predicted less what was lost?
            return recovery.observe((outcome, predicted)).then(|| {
                self.begin_anew();
                Change::Cleared
            });
        }
        let residual = predicted - outcome;
        self.height += residual - self.normal - SOUGHT / 2.0;
        if self.height <= 0.0 {
            (self.height, self.since, self.samples, self.sum) = (0.0, None, 0, 0.0);
        } else {
            self.since = self.since.or(Some(at));
            self.samples += 1;
            self.sum += residual;
        }
        if !self.rise.observe((predicted, outcome)) {
            return None;
        }
        let moved = self.moved(at);
        let sure = moved.interval[0].max(self.normal + tolerance + 0.02);
        let halfway = f64::midpoint(self.normal + tolerance, sure);
        self.recovery = Some(Residual::new(-halfway, CLEARED_BY_MISTAKE));
        Some(Change::Raised(moved))
    }

    fn moved(&self, at: Timestamp) -> Moved {
        let samples = self.samples as f64;
        // A residual in [−1, 1] as a number in [0, 1].
        let interval = interval::rate(f64::midpoint(self.sum, samples), samples, 0.05);
        Moved {
            from: self.normal,
            to: self.sum / samples.max(1.0),
            interval: interval.map(|end| 2.0 * end - 1.0),
            samples: self.samples,
            since: self.since.unwrap_or(at),
            foreseen_rise: None,
        }
    }

    fn begin_anew(&mut self) {
        self.rise.reset();
        self.recovery = None;
        (self.height, self.since, self.samples, self.sum) = (0.0, None, 0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn predictions_that_become_too_hopeful_are_found_and_their_recovery_too() {
        let mut found = 0;
        for seed in 0..40 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut monitor = Calibrated::new(1_000, 0.02, 80_000.0);
            let changes: Vec<(u32, bool)> = (0..7_000)
                .filter_map(|i| {
                    let p: f64 = rng.random_range(0.4..1.0);
                    let bias = if (3_000..5_000).contains(&i) { 0.15 } else { 0.03 };
                    let outcome = f64::from(rng.random_bool(p - bias));
                    let change = monitor.observe(p, outcome, Timestamp::UNIX_EPOCH)?;
                    Some((i, matches!(change, Change::Raised(_))))
                })
                .collect();
            let [(raised, true), (cleared, false)] = changes.as_slice() else { continue };
            found += u32::from((3_000..4_000).contains(raised) && (5_000..7_000).contains(cleared));
        }
        assert!(found >= 36, "{found} of 40");
    }
}

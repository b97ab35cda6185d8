//! Whether the same kind of requests comes as before: windows of scores against a reference.
//!
//! A window whose index passes max(`min_psi`, the 1% limit of its null) counts as a failure, and failures go to the
//! e-detector with a tolerated rate of 1.5%: two or three windows that pass in a row are an alarm, and the mean number of
//! windows between two false alarms is at least the configured one.
//!
//! Source: [`super::psi`] for the index and its null, [`super::Bernoulli`] for the e-detector.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::psi::{BINS, Deciles};
use super::rate::{Change, Limits, Moved, Null, Rate};

/// The inputs of one stream, from its first request on.
///
/// ```
/// use jiff::Timestamp;
/// use rungs::drift::Change;
/// use rungs::drift::inputs::{Inputs, Settings};
///
/// let settings = Settings { reference: 2_000, window: 500, min_psi: 0.1, run_length: 2_000.0 };
/// let mut inputs = Inputs::new(settings);
/// let mut scores = |n: u32, shift: f64| {
///     let score = |i| f64::from(i * 7_919 % 1_000) / 1_000.0 + shift;
///     (0..n).filter_map(|i| inputs.observe(score(i), Timestamp::UNIX_EPOCH)).collect::<Vec<_>>()
/// };
/// assert!(scores(2_000, 0.0).is_empty(), "the reference");
/// assert!(scores(5_000, 0.0).is_empty(), "the same kind of requests");
/// assert!(matches!(scores(1_500, 0.3)[..], [Change::Raised(_)]), "others, within three windows");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    settings: Settings,
    /// Scores of the reference, until there are enough.
    collected: Vec<f64>,
    reference: Option<Deciles>,
    counts: Vec<u64>,
    begun: Option<Timestamp>,
    /// The last window's index.
    last_psi: Option<f64>,
    windows: Rate,
}

/// Sizes and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Requests of the reference.
    pub reference: u64,
    /// Requests of a window.
    pub window: u64,
    /// The index that is never remarked on.
    pub min_psi: f64,
    /// The least mean number of windows between two false alarms.
    pub run_length: f64,
}

/// The probability that a window from the same distribution passes its limit.
const NOMINAL: f64 = 0.01;

/// What is tolerated: the nominal rate, and by how much the approximation of the null may be off.
const TOLERATED: f64 = 0.015;

/// Rates of windows that pass, once inputs have changed.
const ALTERNATIVES: [f64; 4] = [0.1, 0.3, 0.6, 0.95];

impl Inputs {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let rates = ALTERNATIVES.to_vec();
        let limits = Limits { null: Null::Fixed(TOLERATED), run_length: settings.run_length, rates };
        Self {
            settings,
            collected: Vec::new(),
            reference: None,
            counts: vec![0; BINS],
            begun: None,
            last_psi: None,
            windows: Rate::new(limits),
        }
    }

    /// Takes a request's score.
    pub fn observe(&mut self, score: f64, at: Timestamp) -> Option<Change> {
        if !score.is_finite() {
            return None;
        }
        let Some(reference) = &self.reference else {
            self.collected.push(score);
            if self.collected.len() as u64 >= self.settings.reference {
                self.reference = Deciles::of(std::mem::take(&mut self.collected));
            }
            return None;
        };
        self.begun = self.begun.or(Some(at));
        if let Some(count) = self.counts.get_mut(reference.bin(score)) {
            *count += 1;
        }
        if self.counts.iter().sum::<u64>() < self.settings.window {
            return None;
        }
        let psi = reference.psi(&self.counts);
        let limit = reference.limit(self.settings.window, NOMINAL).max(self.settings.min_psi);
        self.counts.fill(0);
        self.last_psi = Some(psi);
        let begun = self.begun.take().unwrap_or(at);
        let change = self.windows.observe(f64::from(psi > limit), begun)?;
        Some(match change {
            // The windows' own figure says more than how many of them passed.
            Change::Raised(moved) => Change::Raised(Moved {
                from: limit,
                to: psi,
                interval: [psi, psi],
                samples: moved.samples * self.settings.window,
                ..moved
            }),
            Change::Cleared => Change::Cleared,
        })
    }

    /// Requests of the reference so far, and as many as it takes.
    #[must_use]
    pub fn learned(&self) -> (u64, u64) {
        let seen = if self.reference.is_some() { self.settings.reference } else { self.collected.len() as u64 };
        (seen, self.settings.reference)
    }

    /// The last window's index.
    #[must_use]
    pub fn last_psi(&self) -> Option<f64> {
        self.last_psi
    }

    /// The windows' rate.
    #[must_use]
    pub fn windows(&self) -> &Rate {
        &self.windows
    }

    /// Requests in a window.
    #[must_use]
    pub fn window(&self) -> u64 {
        self.settings.window
    }

    /// Ends an alarm that somebody has seen to: what comes now is what is normal from here on.
    pub fn acknowledge(&mut self) {
        *self = Self::new(self.settings.clone());
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn settings(min_psi: f64, run_length: f64) -> Settings {
        Settings { reference: 2_000, window: 100, min_psi, run_length }
    }

    /// Windows until an alarm, `most` at most.
    fn windows(seed: u64, settings: Settings, shift: f64, most: u32) -> u32 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut inputs = Inputs::new(settings);
        for _ in 0..2_000 {
            inputs.observe(rng.random(), Timestamp::UNIX_EPOCH);
        }
        let alarm = |_: &u32| {
            (0..100).any(|_| {
                let score = rng.random::<f64>() * (1.0 - shift) + shift;
                matches!(inputs.observe(score, Timestamp::UNIX_EPOCH), Some(Change::Raised(_)))
            })
        };
        (1..=most).find(alarm).unwrap_or(most)
    }

    #[test]
    fn false_alarms_are_as_rare_as_configured_without_the_floor() {
        let runs: Vec<u32> = (0..60).map(|seed| windows(seed, settings(0.0, 100.0), 0.0, 1_000)).collect();
        let mean = f64::from(runs.iter().sum::<u32>()) / 60.0;
        assert!(mean >= 100.0, "{mean}");
    }

    #[test]
    fn other_inputs_are_found_within_a_few_windows() {
        let found = (0..20).filter(|seed| windows(*seed, settings(0.1, 1_000.0), 0.3, 100) <= 4).count();
        assert!(found >= 19, "{found} of 20");
    }
}

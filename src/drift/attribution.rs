//! What a fall of judged quality comes from: the judge, the requests, or the system.
//!
//! The judge, where its disagreement with people on the anchor set, scored again since the fall began, has risen by at least
//! half as much as failures have, and for certain (80% confidence sequence). Else the requests, where the rise was foreseen: the
//! artifact predicted, before any answer, that these requests would fail more often, by at least half of the rise, or by as much
//! as the confidence sequence of the rate leaves possible; an alarm that comes early comes after a worse stretch than there will
//! be. Else the system: the same kind of request is answered worse.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::interval;
use super::rate::Moved;
use crate::alert::event::Cause;

/// The last scores of anchors: when, and how far the judge was from the people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Anchors(VecDeque<(Timestamp, f64)>);

/// Scores that are kept.
const KEPT: usize = 1_000;

/// Scores since a fall began that it takes to acquit the judge.
const ENOUGH: usize = 80;

impl Anchors {
    /// Takes a score.
    pub fn add(&mut self, at: Timestamp, disagreement: f64) {
        self.0.push_back((at, disagreement));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// Whether there is an anchor set that was not scored often enough since then.
    #[must_use]
    pub fn have_to_be_asked(&self, since: Timestamp) -> bool {
        !self.0.is_empty() && self.since(since).count() < ENOUGH
    }

    /// How the judge has disagreed since then.
    #[must_use]
    pub fn moved(&self, since: Timestamp, from: f64) -> Moved {
        let (samples, sum) = self.sums(since);
        let to = sum / samples.max(1.0);
        let interval = interval::rate(sum, samples, 0.05);
        Moved { from, to, interval, samples: samples as u64, since, foreseen_rise: None }
    }

    fn have_risen(&self, since: Timestamp, normal: f64, by: f64) -> bool {
        let (samples, sum) = self.sums(since);
        let [low, _] = interval::rate(sum, samples, 0.2);
        low > normal && sum / samples.max(1.0) - normal >= by
    }

    fn sums(&self, since: Timestamp) -> (f64, f64) {
        self.since(since).fold((0.0, 0.0), |(samples, sum), disagreement| (samples + 1.0, sum + disagreement))
    }

    fn since(&self, since: Timestamp) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().filter(move |(at, _)| *at >= since).map(|(_, disagreement)| *disagreement)
    }
}

/// A rise that was foreseen, from which on requests count as other ones.
const OTHERS: f64 = 0.02;

/// The likeliest cause of an alarm of quality. `normal` is how much the judge usually disagrees, where that is known.
#[must_use]
pub fn cause(moved: &Moved, anchors: &Anchors, normal: Option<f64>) -> Cause {
    // Halfway between what was seen, which is too much where an alarm came early, and what is sure.
    let rise = f64::midpoint(moved.to, moved.interval[0]) - moved.from;
    if normal.is_some_and(|normal| anchors.have_risen(moved.since, normal, rise / 2.0)) {
        return Cause::Judge;
    }
    let explains =
        |foreseen: f64| foreseen >= OTHERS && (foreseen >= rise / 2.0 || moved.from + foreseen >= moved.interval[0]);
    if moved.foreseen_rise.is_some_and(explains) { Cause::Inputs } else { Cause::System }
}

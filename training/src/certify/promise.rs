//! What is promised, and why it may not be.

use serde::{Deserialize, Serialize};

/// What is to be promised: P(R(t̂) ≤ ε) ≥ 1 − δ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// The loss allowed.
    pub(super) epsilon: f64,
    /// How often it may be exceeded.
    pub(super) delta: f64,
}

/// What counts as a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// 1{served cheap} · (Y_F − Y_C), in [−1, 1]: the quality lost against always-frontier.
    QualityLost,
    /// 1{served cheap} · (1 − Y_C), in [0, 1]: cheap answers that are not acceptable. Never less than the quality lost,
    /// so that its bound holds for that too, without a single frontier label.
    Unacceptable,
}

/// A promise that the rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The most that may be lost per request, in expectation, in (0, 1).
    pub epsilon: f64,
    /// The probability that the promise fails, over the draw of the calibration rows, in (0, 1).
    pub delta: f64,
    /// What counts as a loss.
    pub loss: Loss,
    /// Labelled units that the tests used: groups, each of which counts once.
    pub n: usize,
    /// The rows in them.
    pub rows: usize,
    /// The frontier is called where the score reaches this.
    pub threshold: f64,
    /// Share of the units' rows that go to the frontier, in [0, 1]; the rest is served cheap.
    pub frontier_share: f64,
    /// Mean loss on the units: what was seen, where ε is what is promised.
    pub observed_loss: f64,
    /// Seed of the order in which the units were bet on.
    pub seed: u64,
}

/// Why there is no promise.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// ε or δ outside (0, 1).
    #[error("{name} must be between 0 and 1, and is {value}")]
    OutOfRange {
        /// `epsilon` or `delta`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// The lists of the rows differ in length, or hold a number out of range.
    #[error("the rows to certify on differ in length, or hold a number that is not finite or out of range")]
    BadRows,
    /// The loss looks small enough, but the labels are too few to say so.
    #[error(
        "{have} labelled units cannot carry the promise (loss ≤ {epsilon} with confidence {}): about {needed} are \
         needed to serve {:.0} % of the requests cheap", 1.0 - delta, 100.0 * WORTHWHILE
    )]
    TooFewLabels {
        /// Units at hand.
        have: usize,
        /// Units needed: see [`super::certify`].
        needed: usize,
        /// The promise's ε.
        epsilon: f64,
        /// The promise's δ.
        delta: f64,
    },
    /// There are no labels, or every row's score is so high that no threshold serves it cheap.
    #[error("no threshold would serve {:.0} % of the {have} labelled units cheap", 100.0 * WORTHWHILE)]
    NothingToServe {
        /// Units at hand.
        have: usize,
    },
    /// More labels would not help.
    #[error(
        "serving {:.0} % of the requests cheap loses {observed:.4} per request on these {have} labelled units, not less \
         than the {epsilon} allowed: more labels will not help, a larger loss or a better model would", 100.0 * WORTHWHILE
    )]
    LossTooHigh {
        /// Units at hand.
        have: usize,
        /// Mean loss at the first threshold that serves a worthwhile share cheap.
        observed: f64,
        /// The promise's ε.
        epsilon: f64,
    },
}

/// A promise that serves a smaller share cheap is not worth having, and refused.
pub(super) const WORTHWHILE: f64 = 0.05;

impl Promise {
    /// Checks ε and δ.
    ///
    /// # Errors
    /// When one of them is not between 0 and 1.
    pub fn new(epsilon: f64, delta: f64) -> Result<Self, Refusal> {
        for (name, value) in [("epsilon", epsilon), ("delta", delta)] {
            if !(value > 0.0 && value < 1.0) {
                return Err(Refusal::OutOfRange { name, value });
            }
        }
        Ok(Self { epsilon, delta })
    }
}

impl Loss {
    /// The loss on the scale [0, 1] that bets are made on.
    pub(super) fn to_unit(self, loss: f64) -> f64 {
        match self {
            Self::QualityLost => 0.5 * (1.0 + loss),
            Self::Unacceptable => loss,
        }
    }
}

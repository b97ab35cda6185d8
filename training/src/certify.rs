//! A promise on the quality lost by routing: Learn-then-Test (Angelopoulos, Bates, Candès, Jordan, Lei 2021) with
//! fixed-sequence testing and betting p-values (Waudby-Smith and Ramdas 2020).
//!
//! For the policy "the frontier iff score ≥ t" let R(t) = E[1{score < t} · (Y_F − Y_C)] be the quality that it loses
//! against always calling the frontier. [`certify`] picks a threshold t̂ from labelled rows such that
//! P(R(t̂) ≤ ε) ≥ 1 − δ over the draw of those rows:
//!
//! 1. The thresholds are fixed before any row is seen: steps of .005 from −1 (nothing is served cheap) to 1.
//! 2. From the safest on, H₀: R(t) > ε is tested at level δ, until the first test that does not reject it. Because the
//!    order is fixed, the first true H₀ is met before any later one, and meeting it costs δ once, however many
//!    thresholds there are.
//! 3. The last threshold whose H₀ was rejected is t̂.
//!
//! It holds for rows that are exchangeable with the requests to come and that no part of the model was fitted or chosen
//! on. It says nothing of other traffic, other tiers, another model, or of what a cascade does after the first answer.

mod betting;
mod binomial;
mod extrapolate;
mod promise;
#[cfg(test)]
mod simulation;
mod units;

pub use promise::{Certificate, Loss, Promise, Refusal};

use betting::Bet;
use promise::WORTHWHILE;
use units::Units;

/// Labelled rows that the model has not seen; every list has one entry per row.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The ranking score p_frontier − p_cheap, in [−1, 1].
    pub scores: &'a [f64],
    /// Labels of the cheap tier, in [0, 1].
    pub cheap: &'a [f64],
    /// Labels of the frontier tier, in [0, 1]; `None` where it was not asked.
    pub frontier: Option<&'a [f64]>,
    /// How much each row counts, finite and not negative. Groups are kept with probability weight / largest weight,
    /// because the test needs draws from the population that the weights describe.
    pub weights: &'a [f64],
    /// Rows of equal number are one unit: its loss is the mean over its rows.
    pub groups: &'a [u64],
}

/// Thresholds between 0 and 1, and as many between −1 and 0.
const STEPS: i32 = 200;

impl Rows<'_> {
    fn loss(&self) -> Loss {
        if self.frontier.is_some() { Loss::QualityLost } else { Loss::Unacceptable }
    }

    fn are_good(&self) -> bool {
        let n = self.groups.len();
        let unit = |labels: &[f64]| labels.len() == n && labels.iter().all(|y| (0.0..=1.0).contains(y));
        self.scores.len() == n
            && self.scores.iter().all(|s| s.is_finite())
            && unit(self.cheap)
            && self.frontier.is_none_or(unit)
            && self.weights.len() == n
            && self.weights.iter().all(|w| w.is_finite() && *w >= 0.0)
    }
}

/// Finds the largest threshold that keeps the promise. Equal rows and seeds give equal certificates.
///
/// # Errors
/// When no threshold that serves at least 5 % cheap can be promised. The number of labels needed is an extrapolation: for
/// each threshold the least n at which the test rejects on n units like those at hand in four of five cases;
/// [`Refusal::TooFewLabels`] has what the whole sequence up to a threshold takes, for the least demanding threshold that
/// serves 5 % cheap. From few labels it is rough, since it rests on the few losses seen among those 5 %.
pub fn certify(rows: &Rows<'_>, promise: Promise, seed: u64) -> Result<Certificate, Refusal> {
    if !rows.are_good() {
        return Err(Refusal::BadRows);
    }
    let units = Units::new(rows, seed);
    let test = Test::of(&units, promise);
    let passed = sequence(&units).take_while(|threshold| test.rejects(&units, *threshold)).last();
    match passed {
        Some(threshold) if units.cheap_share(threshold) >= WORTHWHILE => Ok(Certificate {
            epsilon: promise.epsilon,
            delta: promise.delta,
            loss: rows.loss(),
            n: units.len(),
            rows: units.rows(),
            threshold,
            frontier_share: 1.0 - units.cheap_share(threshold),
            observed_loss: units.mean_loss(threshold),
            seed,
        }),
        _ => Err(refusal(&units, &test, promise)),
    }
}

/// How H₀ is tested: by the exact binomial where every unit's loss is 0 or 1, by betting otherwise.
enum Test {
    Binomial(Promise),
    Betting { bet: Bet, loss: Loss },
}

impl Test {
    fn of(units: &Units, promise: Promise) -> Self {
        match units.loss() {
            Loss::Unacceptable if units.are_binary() => Self::Binomial(promise),
            Loss::Unacceptable => {
                Self::Betting { bet: Bet::new(promise.epsilon, promise.delta), loss: Loss::Unacceptable }
            }
            Loss::QualityLost => {
                Self::Betting { bet: Bet::new(0.5 * (1.0 + promise.epsilon), promise.delta), loss: Loss::QualityLost }
            }
        }
    }

    fn rejects(&self, units: &Units, threshold: f64) -> bool {
        let losses = units.losses(threshold);
        match self {
            Self::Binomial(promise) => binomial::rejects(losses, promise.epsilon, promise.delta),
            Self::Betting { bet, loss } => bet.wins(units.len(), losses.map(|l| loss.to_unit(l))),
        }
    }

    fn needed(&self, losses: impl Iterator<Item = f64>) -> Option<usize> {
        match self {
            Self::Binomial(promise) => binomial::needed(losses, promise.epsilon, promise.delta),
            Self::Betting { bet, loss } => bet.needed(&losses.map(|l| loss.to_unit(l)).collect::<Vec<_>>()),
        }
    }
}

/// The thresholds, safest first. Of those that treat all rows alike, which one test decides, only the largest is given.
fn sequence(units: &Units) -> impl Iterator<Item = f64> {
    let threshold = |step: i32| f64::from(step) / f64::from(STEPS);
    let last_of_its_kind =
        move |step: &i32| *step == STEPS || units.cheap_rows(threshold(*step)) < units.cheap_rows(threshold(step + 1));
    (-STEPS..=STEPS).filter(last_of_its_kind).map(threshold)
}

fn refusal(units: &Units, test: &Test, promise: Promise) -> Refusal {
    let Promise { epsilon, delta } = promise;
    let have = units.len();
    let mut needed = test.needed(std::iter::once(0.0));
    for threshold in sequence(units) {
        needed = needed.zip(test.needed(units.losses(threshold))).map(|(most, this)| most.max(this));
        if units.cheap_share(threshold) < WORTHWHILE {
            continue;
        }
        return match needed {
            Some(needed) => Refusal::TooFewLabels { have, needed: needed.max(have + 1), epsilon, delta },
            None => Refusal::LossTooHigh { have, observed: units.mean_loss(threshold), epsilon },
        };
    }
    Refusal::NothingToServe { have }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Owned {
        scores: Vec<f64>,
        cheap: Vec<f64>,
        frontier: Vec<f64>,
        weights: Vec<f64>,
        groups: Vec<u64>,
    }

    impl Owned {
        /// Scores rise from 0 to .5, the cheap tier fails where they are above .25.
        fn new(rows: usize) -> Self {
            let scores: Vec<f64> = (0..rows).map(|i| 0.5 * i as f64 / rows as f64).collect();
            Self {
                cheap: scores.iter().map(|s| f64::from(u8::from(*s < 0.25))).collect(),
                scores,
                frontier: vec![1.0; rows],
                weights: vec![1.0; rows],
                groups: (0..rows as u64).collect(),
            }
        }

        fn certify(&self, epsilon: f64, seed: u64) -> Result<Certificate, Refusal> {
            let rows = Rows {
                scores: &self.scores,
                cheap: &self.cheap,
                frontier: Some(&self.frontier),
                weights: &self.weights,
                groups: &self.groups,
            };
            certify(&rows, Promise::new(epsilon, 0.1)?, seed)
        }
    }

    #[test]
    fn what_is_never_lost_is_served_cheap_and_equal_seeds_agree() {
        let rows = Owned::new(2000);
        let certificate = rows.certify(0.02, 1).unwrap();
        assert!((0.25..0.275).contains(&certificate.threshold), "{certificate:?}");
        assert!((certificate.frontier_share - 0.48).abs() < 0.03 && certificate.observed_loss < 0.02);
        assert_eq!((certificate.n, certificate.rows), (2000, 2000));
        assert_eq!(rows.certify(0.02, 1), Ok(certificate));
    }

    #[test]
    fn groups_count_once_and_weights_thin_them() {
        let mut rows = Owned::new(3000);
        rows.groups = (0..3000).map(|i| i / 3).collect();
        let certificate = rows.certify(0.02, 1).unwrap();
        assert_eq!((certificate.n, certificate.rows), (1000, 3000));

        rows.weights = rows.scores.iter().map(|s| if *s < 0.25 { 1.0 } else { 0.25 }).collect();
        let thinned = rows.certify(0.02, 1).unwrap();
        assert!((600..650).contains(&thinned.n), "{thinned:?}");
        assert!((thinned.frontier_share - 0.2).abs() < 0.06, "{thinned:?}");
    }

    #[test]
    fn a_refusal_says_whether_more_labels_would_help() {
        let refusal = Owned::new(100).certify(0.02, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::TooFewLabels { have: 100, needed: 101..400, .. }), "{refusal}");
        let refusal = Owned::new(0).certify(0.02, 1).unwrap_err();
        assert_eq!(refusal, Refusal::NothingToServe { have: 0 });

        let hopeless = Owned { cheap: vec![0.0; 1000], ..Owned::new(1000) };
        let refusal = hopeless.certify(0.02, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::LossTooHigh { have: 1000, .. }), "{refusal}");
    }

    #[test]
    fn bad_numbers_are_refused() {
        assert!(matches!(Promise::new(0.0, 0.1), Err(Refusal::OutOfRange { name: "epsilon", .. })));
        assert!(matches!(Promise::new(0.1, f64::NAN), Err(Refusal::OutOfRange { name: "delta", .. })));
        assert_eq!(Owned { weights: vec![1.0], ..Owned::new(2) }.certify(0.1, 1), Err(Refusal::BadRows));
        assert_eq!(Owned { cheap: vec![2.0; 2], ..Owned::new(2) }.certify(0.1, 1), Err(Refusal::BadRows));
    }
}

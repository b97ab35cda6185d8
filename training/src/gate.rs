//! Whether a challenger may replace the champion: every question that the holdout has to answer, and the answers.
//!
//! The holdout is later than every row of the fit, and both models are asked about the same rows, so that what is common to
//! them cancels. With the utility U = Y − price·c of the answer that a model would have served (Y its label, c its cost as a
//! share of what the frontier costs more than the cheapest tier, price the quality that the operator gives for that), the
//! challenger passes where
//!
//! - the lower bound of the mean difference in U is above 0 and a sign-flip test agrees, or the lower bound of the difference
//!   in Y is above −.5 pp and the upper bound of the difference in c below 0;
//! - no slice is worse for certain by more than 3 pp, and the replay set is not worse for certain at all;
//! - no head's calibration slope is outside [.8, 1.25] for certain.
//!
//! What a whole line of challengers may be wrongly promoted with is spent over the attempts against one champion
//! ([`spending`]).

mod paired;
#[cfg(test)]
mod simulation;
mod slope;
pub mod spending;

use serde::Serialize;

pub use paired::Paired;
pub use slope::Slope;

/// What both models would have done on the holdout; every list has one entry per row, the champion's first.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// The label of the answer that would have been served, in [0, 1].
    pub quality: [&'a [f64]; 2],
    /// Its cost: 0 the cheapest tier's, 1 the frontier's.
    pub cost: [&'a [f64]; 2],
    /// 1/π of each row, not clipped.
    pub weights: &'a [f64],
    /// Rows of equal number are one unit of resampling.
    pub groups: &'a [u64],
}

/// Probabilities of one head against labels, for its calibration.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The tier, for the report.
    pub tier: &'a str,
    /// The challenger's probabilities.
    pub probabilities: &'a [f64],
    /// The labels.
    pub labels: &'a [f64],
}

/// Rows of the holdout that must not be paid with.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its name, for the report.
    pub name: &'a str,
    /// Its rows.
    pub pairs: Pairs<'a>,
    /// The loss of quality that may be certain before it objects.
    pub tolerated: f64,
}

/// What the operator asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Quality given for the frontier's whole surplus of cost, at least 0.
    pub price: f64,
    /// The probability with which any of the challengers without a gain is promoted.
    pub alpha: f64,
    /// Which attempt against this champion this is, from 1.
    pub attempt: u32,
    /// Seed of the resamplings.
    pub seed: u64,
}

/// The loss in quality that a cheaper model may have.
pub const MARGIN: f64 = 0.005;

/// The loss in quality that a slice may have for certain.
pub const SLICE_MARGIN: f64 = 0.03;

/// Where the calibration slope has to be.
pub const SLOPES: [f64; 2] = [0.8, 1.25];

/// With fewer groups there is nothing to decide by.
pub const FEWEST_GROUPS: usize = 50;

/// Slices of fewer groups are not asked.
pub const FEWEST_IN_SLICE: usize = 30;

/// Share of the error probability that "cheaper and no worse" may spend; "better" has the rest.
const CHEAPER_SHARE: f64 = 0.2;

/// What the holdout says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// The error probability of this attempt.
    pub alpha: f64,
    /// The price of the frontier's surplus.
    pub price: f64,
    /// Challenger less champion: utility.
    pub utility: Paired,
    /// Challenger less champion: quality.
    pub quality: Paired,
    /// Challenger less champion: cost.
    pub cost: Paired,
    /// Parts that were asked, with their difference in quality.
    pub parts: Vec<(String, Paired)>,
    /// The calibration of each head.
    pub slopes: Vec<Slope>,
    /// What it passes by; `None` where it does not.
    pub passes: Option<Passes>,
    /// Everything that stands against it.
    pub objections: Vec<Objection>,
}

/// By what a challenger passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passes {
    /// Its utility is higher.
    Better,
    /// It is cheaper, and no worse by more than the margin.
    Cheaper,
}

/// What stands against a challenger.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Objection {
    /// The holdout is too small.
    #[error("the holdout has {have} groups, and {FEWEST_GROUPS} are needed: judge more requests, or wait for more")]
    TooFew {
        /// Groups at hand.
        have: usize,
    },
    /// Neither better nor cheaper.
    #[error(
        "it is not shown to be better: utility {difference:+.4} with a lower bound of {lower:+.4} at the {:.2} % that this \
         attempt may err by (sign-flip p = {p:.4}; {differing} of {groups} groups differ)", 100.0 * alpha
    )]
    NotBetter {
        /// Mean difference in utility.
        difference: f64,
        /// Its lower bound.
        lower: f64,
        /// The sign-flip test's p.
        p: f64,
        /// Groups that differ.
        differing: usize,
        /// All groups.
        groups: usize,
        /// The error probability of this attempt.
        alpha: f64,
    },
    /// A part is worse.
    #[error("`{name}` is worse by {:.1} pp of quality, by {:.1} pp at the least", -100.0 * difference, -100.0 * upper)]
    Worse {
        /// The part.
        name: String,
        /// Mean difference in quality.
        difference: f64,
        /// Its upper bound.
        upper: f64,
    },
    /// Probabilities that do not mean what they say.
    #[error(
        "the probabilities for `{tier}` are off: calibration slope {slope:.2} ({low:.2} to {high:.2}), to be in {:.2} to \
         {:.2}", SLOPES[0], SLOPES[1]
    )]
    Miscalibrated {
        /// The tier.
        tier: String,
        /// The slope.
        slope: f64,
        /// Lower end of its 95 % interval.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// Asks the holdout. Equal rows and seeds give equal findings. Lists of unequal length are cut to the shortest.
#[must_use]
pub fn ask(pairs: &Pairs<'_>, parts: &[Part<'_>], heads: &[Head<'_>], terms: Terms) -> Findings {
    let alpha = spending::spent(terms.alpha, terms.attempt);
    let (better, cheaper) = (alpha * (1.0 - CHEAPER_SHARE), alpha * CHEAPER_SHARE);
    let (utilities, qualities, costs) = (pairs.utilities(terms.price), pairs.qualities(), pairs.costs());
    let asked: [(&[f64], f64); 3] = [(&utilities, better), (&qualities, cheaper), (&costs, cheaper)];
    let [utility, quality, cost] = Paired::of(asked, pairs.weights, pairs.groups, terms.seed);
    let passes = if utility.lower > 0.0 && utility.p <= better {
        Some(Passes::Better)
    } else if quality.lower > -MARGIN && cost.upper < 0.0 {
        Some(Passes::Cheaper)
    } else {
        None
    };
    let asked = parts.iter().map(|part| (part, part.quality(terms.seed)));
    let asked: Vec<_> = asked.filter(|(_, found)| found.groups >= FEWEST_IN_SLICE).collect();
    let slopes: Vec<Slope> = heads.iter().map(|head| Slope::new(head, pairs.weights, pairs.groups)).collect();
    let objections = too_few(&utility)
        .into_iter()
        .chain(passes.is_none().then(|| not_better(&utility, alpha)))
        .chain(asked.iter().filter_map(|(part, found)| worse(part, found)))
        .chain(slopes.iter().filter_map(miscalibrated))
        .collect();
    let parts = asked.into_iter().map(|(part, found)| (part.name.to_owned(), found)).collect();
    Findings { alpha, price: terms.price, utility, quality, cost, parts, slopes, passes, objections }
}

impl Findings {
    /// Whether it may replace the champion.
    #[must_use]
    pub fn promotes(&self) -> bool {
        self.objections.is_empty()
    }
}

impl Pairs<'_> {
    fn qualities(&self) -> Vec<f64> {
        less(self.quality)
    }

    fn costs(&self) -> Vec<f64> {
        less(self.cost)
    }

    fn utilities(&self, price: f64) -> Vec<f64> {
        self.qualities().iter().zip(self.costs()).map(|(quality, cost)| quality - price * cost).collect()
    }
}

impl Part<'_> {
    fn quality(&self, seed: u64) -> Paired {
        let Pairs { weights, groups, .. } = self.pairs;
        let [found] = Paired::of([(&self.pairs.qualities(), 0.025)], weights, groups, seed);
        found
    }
}

fn less([first, second]: [&[f64]; 2]) -> Vec<f64> {
    second.iter().zip(first).map(|(second, first)| second - first).collect()
}

fn too_few(found: &Paired) -> Option<Objection> {
    (found.groups < FEWEST_GROUPS).then_some(Objection::TooFew { have: found.groups })
}

fn not_better(found: &Paired, alpha: f64) -> Objection {
    let Paired { difference, lower, p, differing, groups, .. } = *found;
    Objection::NotBetter { difference, lower, p, differing, groups, alpha }
}

fn worse(part: &Part<'_>, found: &Paired) -> Option<Objection> {
    let Paired { difference, upper, .. } = *found;
    (upper < -part.tolerated).then(|| Objection::Worse { name: part.name.to_owned(), difference, upper })
}

fn miscalibrated(slope: &Slope) -> Option<Objection> {
    let [low, high] = slope.interval;
    let off = high < SLOPES[0] || low > SLOPES[1];
    off.then(|| Objection::Miscalibrated { tier: slope.tier.clone(), slope: slope.slope, low, high })
}

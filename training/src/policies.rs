//! Two tiers under a policy, replayed over recorded outcomes: what it costs and how good it is.
//!
//! A rule has three parts: go to the frontier at once where the gain expected before any answer reaches `direct`; else
//! call the cheap tier, and if its answer is `checked`, climb where the gain expected after it reaches `climb`. The
//! router never checks, the cascade never goes directly, and their union is free to do either. The optimal rule has
//! this form with climb = λ·c_F and `direct` where the value of a cheap call falls below its price; here both are found
//! by what they bring on the rows.

mod figures;
mod sweep;
pub mod worth;

use crate::split::folds;

pub use figures::{Cell, Point, PolicyFigures, Report};
pub use sweep::{Corner, Sweep};

/// Recorded outcomes with what was predicted of them; every list has one entry per row, costs in any one unit.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// Label of the cheap tier's own answer.
    pub plain: Vec<f64>,
    /// Label of the answer that a checked cheap tier would serve: the majority's, where samples were drawn.
    pub checked: Vec<f64>,
    /// Label of the frontier's answer.
    pub frontier: Vec<f64>,
    /// Cost of one call of the cheap tier.
    pub plain_cost: Vec<f64>,
    /// Cost of all its calls where its answer is checked.
    pub checked_cost: Vec<f64>,
    /// Cost of a call of the frontier.
    pub frontier_cost: Vec<f64>,
    /// p_frontier − p_cheap before any answer.
    pub before: Vec<f64>,
    /// p_frontier − p_cheap after the cheap answer.
    pub after: Vec<f64>,
    /// Row weights.
    pub weights: Vec<f64>,
    /// Rows of one group stay together.
    pub groups: Vec<u64>,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The frontier is called at once where the gain expected before reaches this.
    pub direct: f64,
    /// The cheap answer is checked, and the frontier called after it where the gain then expected reaches this; `None`
    /// where cheap answers are served as they are.
    pub climb: Option<f64>,
}

/// What became of a request; shares where a policy draws lots.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Served {
    /// Label of the answer that was served.
    pub quality: f64,
    /// Cost of every call made.
    pub cost: f64,
    /// 1 where the frontier answered.
    pub frontier: f64,
    /// 1 where it was called at once.
    pub direct: f64,
}

/// The policies that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Always the cheap tier.
    Cheap,
    /// Always the frontier.
    Frontier,
    /// Either, by lot.
    RandomMix,
    /// Either, by the gain expected before any answer.
    Router,
    /// The cheap tier, then the frontier by the gain expected after the answer.
    Cascade,
    /// Whatever of the last two, or their union, is best.
    RouterCascade,
    /// The cheap tier exactly where the frontier would not be better.
    Oracle,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Cheap, Self::Frontier, Self::RandomMix, Self::Router, Self::Cascade, Self::RouterCascade, Self::Oracle];

    /// Its public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Frontier => "frontier",
            Self::RandomMix => "random-mix",
            Self::Router => "router",
            Self::Cascade => "cascade",
            Self::RouterCascade => "router+cascade",
            Self::Oracle => "oracle",
        }
    }
}

/// Quality that an operating point may fall short of the frontier's.
pub const SHORTFALL: f64 = 0.01;

/// Parts of the cross-fitting of operating points.
const FOLDS: usize = 10;

impl Replay {
    /// What a rule does with one row.
    #[must_use]
    pub fn serve(&self, row: usize, rule: Rule) -> Served {
        let frontier =
            Served { quality: self.frontier[row], cost: self.frontier_cost[row], frontier: 1.0, direct: 1.0 };
        match rule.climb {
            _ if self.before[row] >= rule.direct => frontier,
            Some(climb) if self.after[row] >= climb => {
                Served { cost: self.checked_cost[row] + frontier.cost, direct: 0.0, ..frontier }
            }
            Some(_) => Served { quality: self.checked[row], cost: self.checked_cost[row], ..Served::default() },
            None => Served { quality: self.plain[row], cost: self.plain_cost[row], ..Served::default() },
        }
    }

    /// Each row under a policy at its operating point: the cheapest rule whose quality falls at most [`SHORTFALL`] short
    /// of the frontier's, chosen on the groups of the other parts, so that no row has a say in its own rule.
    #[must_use]
    pub fn operate(&self, policy: Policy, seed: u64) -> Vec<Served> {
        let rows = 0..self.weights.len();
        match policy {
            Policy::Cheap => rows.map(|row| self.mixed(row, 0.0)).collect(),
            Policy::Frontier => rows.map(|row| self.mixed(row, 1.0)).collect(),
            Policy::RandomMix => {
                let share = self.mix_share();
                rows.map(|row| self.mixed(row, share)).collect()
            }
            Policy::Oracle => {
                rows.map(|row| self.mixed(row, f64::from(u8::from(self.frontier[row] > self.plain[row])))).collect()
            }
            Policy::Router | Policy::Cascade | Policy::RouterCascade => self.cross_fitted(policy, seed),
        }
    }

    fn cross_fitted(&self, policy: Policy, seed: u64) -> Vec<Served> {
        let fold = folds(&self.groups, FOLDS, seed);
        let rules: Vec<Rule> = (0..FOLDS)
            .map(|part| {
                let others: Vec<f64> =
                    self.weights.iter().zip(&fold).map(|(w, f)| if *f == part { 0.0 } else { *w }).collect();
                let target = mean(&self.frontier, &others) - SHORTFALL;
                Sweep::new(self, policy, &others).cheapest(target).rule
            })
            .collect();
        fold.iter().enumerate().map(|(row, part)| self.serve(row, rules[*part])).collect()
    }

    fn mixed(&self, row: usize, share: f64) -> Served {
        let mix = |cheap: f64, frontier: f64| cheap + share * (frontier - cheap);
        Served {
            quality: mix(self.plain[row], self.frontier[row]),
            cost: mix(self.plain_cost[row], self.frontier_cost[row]),
            frontier: share,
            direct: share,
        }
    }

    /// The least frontier share at which drawing lots falls at most [`SHORTFALL`] short.
    fn mix_share(&self) -> f64 {
        let gap = mean(&self.frontier, &self.weights) - mean(&self.plain, &self.weights);
        if gap > SHORTFALL { 1.0 - SHORTFALL / gap } else { 0.0 }
    }
}

/// The weighted mean; 0 without weight.
fn mean(values: &[f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let sum: f64 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
    if total > 0.0 { sum / total } else { 0.0 }
}

#[cfg(test)]
mod tests;

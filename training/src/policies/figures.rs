//! The figures of all policies on the same rows.

use serde::Serialize;

use super::{Policy, Replay, SHORTFALL, Served, Sweep, mean};
use crate::evaluate::Interval;
use crate::evaluate::bootstrap::{RESAMPLINGS, intervals};

/// A policy at its operating point, with 95 % intervals by cluster bootstrap of rows whose rules stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyFigures {
    /// Mean label of the answers served.
    pub quality: f64,
    /// Its interval; `None` for one group.
    pub quality_ci: Option<Interval>,
    /// Cost of all calls against always calling the frontier.
    pub cost_ratio: f64,
    /// Its interval.
    pub cost_ratio_ci: Option<Interval>,
    /// Share of the requests that the frontier answers.
    pub escalation_rate: f64,
    /// Share of the requests for which it is called at once.
    pub direct_rate: f64,
}

/// A policy at one place of the plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// Cost against always calling the frontier.
    pub cost_ratio: f64,
    /// Mean label of the answers served.
    pub quality: f64,
}

/// What each policy reaches at one cost ratio; `None` where it cannot be that cheap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Cost against always calling the frontier.
    pub cost_ratio: f64,
    /// The straight line from cheap to frontier.
    #[serde(rename = "random-mix")]
    pub random_mix: Option<f64>,
    /// The router.
    pub router: Option<f64>,
    /// The cascade.
    pub cascade: Option<f64>,
    /// Their union.
    #[serde(rename = "router+cascade")]
    pub router_cascade: Option<f64>,
}

/// All policies on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Each policy at its operating point, cross-fitted.
    pub policies: Vec<(Policy, PolicyFigures)>,
    /// Each policy with thresholds, at the least cost at which its quality is [`SHORTFALL`] short of the frontier's;
    /// thresholds chosen on the rows themselves.
    pub at_shortfall: Vec<(Policy, Cell)>,
    /// What the policies reach at rising cost ratios; thresholds chosen on the rows themselves, for every policy alike.
    pub grid: Vec<Point>,
}

/// Steps of the grid from 0 to 1.
const STEPS: usize = 20;

const POLICIES: usize = Policy::ALL.len();

/// The policies that have thresholds.
const SWEPT: [Policy; 3] = [Policy::Router, Policy::Cascade, Policy::RouterCascade];

impl Report {
    /// Computes all figures; equal seeds give equal intervals.
    #[must_use]
    pub fn new(replay: &Replay, seed: u64) -> Self {
        let policies = replay.figures(seed);
        let sweeps = SWEPT.map(|policy| Sweep::new(replay, policy, &replay.weights));
        let target = mean(&replay.frontier, &replay.weights) - SHORTFALL;
        let cell = |sweep: &Sweep| {
            let corner = sweep.cheapest(target);
            Cell { cost_ratio: corner.cost_ratio, quality: corner.quality }
        };
        let grid = (0..=STEPS).map(|step| replay.point(step as f64 / STEPS as f64, &sweeps)).collect();
        let at_shortfall = SWEPT.into_iter().zip(sweeps.iter().map(cell)).collect();
        Self { policies, at_shortfall, grid }
    }
}

impl Replay {
    /// All policies at their operating points, with intervals from the same resamplings.
    fn figures(&self, seed: u64) -> Vec<(Policy, PolicyFigures)> {
        let served = Policy::ALL.map(|policy| self.operate(policy, seed));
        let list = |served: &Vec<Served>, of: fn(&Served) -> f64| served.iter().map(of).collect::<Vec<f64>>();
        let quality = served.each_ref().map(|served| list(served, |served| served.quality));
        let cost = served.each_ref().map(|served| list(served, |served| served.cost));
        let statistics = |weights: &[f64]| -> [Option<f64>; 2 * POLICIES] {
            let full = mean(&self.frontier_cost, weights);
            std::array::from_fn(|i| match i.checked_sub(POLICIES) {
                None => Some(mean(&quality[i], weights)),
                Some(i) => (full > 0.0).then(|| mean(&cost[i], weights) / full),
            })
        };
        let intervals = intervals(&self.groups, &self.weights, RESAMPLINGS, seed, statistics);
        let found = statistics(&self.weights);
        let share = |i: usize, of: fn(&Served) -> f64| mean(&list(&served[i], of), &self.weights);
        let figures = |i: usize| PolicyFigures {
            quality: found[i].unwrap_or(0.0),
            quality_ci: intervals[i],
            cost_ratio: found[POLICIES + i].unwrap_or(0.0),
            cost_ratio_ci: intervals[POLICIES + i],
            escalation_rate: share(i, |served| served.frontier),
            direct_rate: share(i, |served| served.direct),
        };
        Policy::ALL.into_iter().enumerate().map(|(i, policy)| (policy, figures(i))).collect()
    }

    fn point(&self, cost_ratio: f64, [router, cascade, union]: &[Sweep; 3]) -> Point {
        let mean = |values: &[f64]| mean(values, &self.weights);
        let full = mean(&self.frontier_cost);
        let cheapest = if full > 0.0 { mean(&self.plain_cost) / full } else { 0.0 };
        let (low, high) = (mean(&self.plain), mean(&self.frontier));
        let share = (cost_ratio - cheapest) / (1.0 - cheapest);
        Point {
            cost_ratio,
            random_mix: (0.0..=1.0).contains(&share).then_some(low + share * (high - low)),
            router: router.quality_at(cost_ratio),
            cascade: cascade.quality_at(cost_ratio),
            router_cascade: union.quality_at(cost_ratio),
        }
    }
}

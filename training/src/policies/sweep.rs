//! All that a policy can do by moving its thresholds.

use super::{Policy, Replay, Rule, mean};
use crate::evaluate::auc::Ranking;

/// A rule with what it does on some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corner {
    /// The rule.
    pub rule: Rule,
    /// Its cost against always calling the frontier.
    pub cost_ratio: f64,
    /// Mean label of the answers served.
    pub quality: f64,
}

/// The corners of a policy: one path per way of going to the frontier at once, each with a moving last threshold.
/// Neighbours on a path may be mixed by lot.
#[derive(Debug, Clone)]
pub struct Sweep {
    paths: Vec<Vec<Corner>>,
}

/// Shares of the rows that are sent to the frontier at once, between none and all.
const DIRECT_STEPS: usize = 50;

/// Sums over the rows, on the way along a path.
#[derive(Clone, Copy)]
struct Sums {
    quality: f64,
    cost: f64,
}

impl Sweep {
    /// All corners of router, cascade or their union on rows with these weights.
    #[must_use]
    pub fn new(replay: &Replay, policy: Policy, weights: &[f64]) -> Self {
        let (before, after) = (Ranking::new(&replay.before), Ranking::new(&replay.after));
        let path = |direct| checked(replay, &after, direct, weights);
        let paths = match policy {
            Policy::Cascade => vec![path(f64::INFINITY)],
            Policy::RouterCascade => {
                let thresholds = directs(replay, &before);
                [unchecked(replay, &before, weights)].into_iter().chain(thresholds.into_iter().map(path)).collect()
            }
            _ => vec![unchecked(replay, &before, weights)],
        };
        Self { paths }
    }

    /// Every corner, path by path.
    pub fn corners(&self) -> impl Iterator<Item = &Corner> {
        self.paths.iter().flatten()
    }

    /// The best quality at no more than a cost ratio; `None` where the policy cannot be that cheap.
    #[must_use]
    pub fn quality_at(&self, cost_ratio: f64) -> Option<f64> {
        self.paths.iter().filter_map(|path| best_within(path, cost_ratio)).max_by(f64::total_cmp)
    }

    /// The cheapest corner of at least a quality; the best one where none reaches it.
    #[must_use]
    pub fn cheapest(&self, quality: f64) -> Corner {
        let reaching = self.corners().filter(|corner| corner.quality >= quality - 1e-12);
        let cheapest = reaching.min_by(|a, b| a.cost_ratio.total_cmp(&b.cost_ratio));
        let best = || self.corners().max_by(|a, b| a.quality.total_cmp(&b.quality));
        let always = Rule { direct: f64::NEG_INFINITY, climb: None };
        cheapest.or_else(best).copied().unwrap_or(Corner { rule: always, cost_ratio: 1.0, quality: 0.0 })
    }
}

fn best_within(path: &[Corner], cost_ratio: f64) -> Option<f64> {
    let affordable = path.iter().filter(|corner| corner.cost_ratio <= cost_ratio).map(|corner| corner.quality);
    let between = path.windows(2).filter_map(|pair| {
        let [a, b] = pair else { return None };
        let part = (cost_ratio - a.cost_ratio) / (b.cost_ratio - a.cost_ratio);
        (0.0..=1.0).contains(&part).then_some(a.quality + part * (b.quality - a.quality))
    });
    affordable.chain(between).max_by(f64::total_cmp)
}

/// Thresholds that send growing shares of the rows to the frontier at once; the first sends none.
fn directs(replay: &Replay, before: &Ranking) -> Vec<f64> {
    let last = before.order.len().saturating_sub(1);
    let at = |step: usize| before.order.get(step * last / DIRECT_STEPS).map(|row| replay.before[*row as usize]);
    let mut thresholds: Vec<f64> = (0..DIRECT_STEPS).filter_map(at).collect();
    thresholds.dedup();
    thresholds.insert(0, f64::INFINITY);
    thresholds
}

/// The router's path: more and more of the highest gains go to the frontier.
fn unchecked(replay: &Replay, before: &Ranking, weights: &[f64]) -> Vec<Corner> {
    let start = Sums { quality: total(&replay.plain, weights), cost: total(&replay.plain_cost, weights) };
    let step = |row: usize| Sums {
        quality: replay.frontier[row] - replay.plain[row],
        cost: replay.frontier_cost[row] - replay.plain_cost[row],
    };
    let rule = |threshold| Rule { direct: threshold, climb: None };
    walk(replay, before, weights, start, &replay.before, |row| Some(step(row)), rule)
}

/// The path of a checked cheap tier below a threshold: more and more of its answers are climbed from.
fn checked(replay: &Replay, after: &Ranking, direct: f64, weights: &[f64]) -> Vec<Corner> {
    let none = Rule { direct, climb: Some(f64::INFINITY) };
    let mut start = Sums { quality: 0.0, cost: 0.0 };
    for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let served = replay.serve(row, none);
        start.quality += weight * served.quality;
        start.cost += weight * served.cost;
    }
    let step = |row: usize| {
        let gain = replay.frontier[row] - replay.checked[row];
        (replay.before[row] < direct).then(|| Sums { quality: gain, cost: replay.frontier_cost[row] })
    };
    let rule = |threshold| Rule { direct, climb: Some(threshold) };
    walk(replay, after, weights, start, &replay.after, step, rule)
}

/// Corners along a ranking, from before its first row on; rows of one score are taken together.
fn walk(
    replay: &Replay,
    ranking: &Ranking,
    weights: &[f64],
    mut sums: Sums,
    scores: &[f64],
    step: impl Fn(usize) -> Option<Sums>,
    rule: impl Fn(f64) -> Rule,
) -> Vec<Corner> {
    let weight: f64 = weights.iter().sum();
    let full = total(&replay.frontier_cost, weights);
    let (weight, full) = (if weight > 0.0 { weight } else { 1.0 }, if full > 0.0 { full } else { 1.0 });
    let corner = |sums: Sums, threshold| Corner {
        rule: rule(threshold),
        cost_ratio: sums.cost / full,
        quality: sums.quality / weight,
    };
    let mut corners = vec![corner(sums, f64::INFINITY)];
    for &row in &ranking.order {
        let row = row as usize;
        let Some(change) = step(row).filter(|_| weights[row] > 0.0) else { continue };
        sums.quality += weights[row] * change.quality;
        sums.cost += weights[row] * change.cost;
        let next = corner(sums, scores[row]);
        corners.pop_if(|last| last.rule == next.rule);
        corners.push(next);
    }
    corners
}

fn total(values: &[f64], weights: &[f64]) -> f64 {
    mean(values, weights) * weights.iter().sum::<f64>()
}

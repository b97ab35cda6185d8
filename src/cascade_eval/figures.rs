//! The figures of `cascade-eval` under their public names.

use indexmap::IndexMap;
use rungs_training::evaluate::Interval;
use rungs_training::policies::{Cell, Point, PolicyFigures, Replay, Report, SHORTFALL};
use rungs_training::postgen;
use serde::Serialize;

use super::{Calls, Predicted, PriceSource, Source};

/// Figures of one set of rows; `null` stands where the rows do not define a figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Rows.
    pub n: usize,
    /// Groups, the unit of resampling.
    pub groups: usize,
    /// Rows left out because they lack an outcome of one of the tiers.
    pub left_out: usize,
    /// Cheap, frontier.
    pub tiers: [String; 2],
    /// Where the acceptability before any answer is from.
    pub router: Source,
    /// Where the confidence after the cheap answer is from.
    pub confidence: Source,
    /// Where each tier's costs are from.
    pub prices: IndexMap<String, PriceSource>,
    /// Mean number of calls of the cheap tier where its answer is checked.
    pub calls_checked: f64,
    /// Mean score of each tier.
    pub quality: IndexMap<String, f64>,
    /// Each policy at its operating point: the least cost at which its quality falls at most `shortfall` short of the
    /// frontier's, cross-fitted over groups.
    pub policy: IndexMap<&'static str, PolicyFigures>,
    /// Quality that an operating point may fall short.
    pub shortfall: f64,
    /// Area under the performance gap recovered over the escalated share, answers ranked by the gain expected after
    /// they were seen; .5 is random.
    pub deferral_apgr: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub deferral_apgr_ci: Option<Interval>,
    /// The same area for the gain expected before.
    pub router_apgr: Option<f64>,
    /// Area under the ROC curve of the confidence against the correctness of the cheap answer.
    pub confidence_auc: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub confidence_auc_ci: Option<Interval>,
    /// The least cost at the operating points' quality, thresholds chosen on the rows themselves.
    pub at_shortfall: IndexMap<&'static str, Cell>,
    /// The best quality of each policy at rising cost ratios, thresholds chosen on the rows themselves.
    pub grid: Vec<Point>,
}

impl Figures {
    /// Replays the rows; equal seeds give equal intervals.
    #[must_use]
    pub fn new(predicted: &Predicted, calls: &Calls, seed: u64) -> Self {
        let rows = &predicted.rows;
        let [(cheap_cost, cheap_source), (frontier_cost, frontier_source)] = calls.costs();
        let gain = |p: &[Vec<f64>]| p[1].iter().zip(&p[0]).map(|(f, c)| f - c).collect::<Vec<f64>>();
        let replay = Replay {
            plain: rows.labels[0].clone(),
            checked: calls.checked.clone(),
            frontier: rows.labels[1].clone(),
            checked_cost: cheap_cost.iter().zip(&calls.drawn).map(|(cost, calls)| cost * calls).collect(),
            plain_cost: cheap_cost,
            frontier_cost,
            before: gain(&predicted.before),
            after: gain(&predicted.after),
            weights: rows.weights.clone(),
            groups: rows.groups.clone(),
        };
        let checked = [calls.checked.clone(), rows.labels[1].clone()];
        let confident = postgen::Figures::of(&predicted.after, &checked, &rows.weights, &rows.groups, seed);
        let before = postgen::deferral_apgr(&predicted.before, &rows.labels, &rows.weights);
        let report = Report::new(&replay, seed);
        let names = [rows.tiers[0].clone(), rows.tiers[1].clone()];
        let quality = |tier: usize| report.policies[tier].1.quality;
        Self {
            n: rows.len(),
            groups: rows.groups.iter().collect::<std::collections::HashSet<_>>().len(),
            left_out: rows.left_out,
            router: predicted.router,
            confidence: predicted.confidence,
            prices: names.iter().cloned().zip([cheap_source, frontier_source]).collect(),
            calls_checked: calls.drawn.iter().sum::<f64>() / calls.drawn.len().max(1) as f64,
            quality: names.iter().cloned().zip([quality(0), quality(1)]).collect(),
            tiers: names,
            policy: report.policies.into_iter().map(|(policy, figures)| (policy.name(), figures)).collect(),
            shortfall: SHORTFALL,
            deferral_apgr: confident.deferral_apgr,
            deferral_apgr_ci: confident.deferral_apgr_ci,
            router_apgr: before,
            confidence_auc: confident.auc,
            confidence_auc_ci: confident.auc_ci,
            at_shortfall: report.at_shortfall.into_iter().map(|(policy, cell)| (policy.name(), cell)).collect(),
            grid: report.grid,
        }
    }
}

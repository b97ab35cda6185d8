//! The figures of an evaluation under their public names, as `eval --json` and `report.json` print them.

use indexmap::IndexMap;
use rungs_training::evaluate::{Bin, CostFigures, Evaluation, Interval};
use serde::Serialize;

use super::Verdict;
use super::prices::CostSource;
use super::slices::Slice;
use super::trust::Trust;

/// Figures of one set of rows. `null` stands where the rows do not define a figure: an AUC needs both classes, an APGR a
/// frontier tier that is better than the cheap one, an interval more than one group.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Rows.
    pub n: usize,
    /// Groups, the unit of resampling.
    pub groups: usize,
    /// Rows left out because they lack an outcome of one of the tiers.
    pub left_out: usize,
    /// Cheap → frontier.
    pub tiers: Vec<String>,
    /// Mean score of each tier: what always calling it would give.
    pub quality: IndexMap<String, f64>,
    /// The tier with the highest mean score.
    pub best_single: Option<String>,
    /// Area under the ROC curve of each tier's probability against its outcome.
    pub auc: IndexMap<String, Option<f64>>,
    /// Area under the performance gap recovered over the frontier share; .5 is random.
    pub apgr: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub apgr_ci: Option<Interval>,
    /// Quality above the random mix of cheap and frontier, averaged over all frontier shares: (APGR − ½) of the gap.
    pub lift: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub lift_ci: Option<Interval>,
    /// Lift as a share of the oracle's: 0 is random, 1 perfect.
    pub oracle_gap_closed: Option<f64>,
    /// Least per cent of frontier calls that recovers half of the gap.
    pub cpt50: Option<f64>,
    /// The same for four fifths.
    pub cpt80: Option<f64>,
    /// Chance that the score orders two rows as their gains are ordered; .5 is random.
    pub gain_auc: Option<f64>,
    /// 95 % interval, cluster bootstrap; the verdict follows from it.
    pub gain_auc_ci: Option<Interval>,
    /// Mean over the tiers of the expected calibration error beyond what chance makes.
    pub ece: f64,
    /// Whether each tier's probabilities mean what they say.
    pub calibration: IndexMap<String, Trust>,
    /// The bins of each tier's reliability diagram, by rising probability.
    pub reliability: IndexMap<String, Vec<Bin>>,
    /// Whether the score ranks better than chance on these rows.
    pub signal: Verdict,
    /// [frontier share, quality] at shares 0, .01, … 1.
    pub curve: Vec<[f64; 2]>,
    /// [frontier share, quality] of always choosing rightly between cheap and frontier.
    pub oracle: [f64; 2],
    /// What the operating point does.
    pub operating_point: Option<Operating>,
    /// Quality against money; `null` where not every row has the cost of both end tiers.
    pub cost: Option<Cost>,
    /// The rows of each domain.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub by_domain: IndexMap<String, Slice>,
    /// The rows of each route.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub by_route: IndexMap<String, Slice>,
}

/// Quality against money.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// The least sure source among the costs.
    pub source: CostSource,
    /// In USD per request.
    #[serde(flatten)]
    pub figures: CostFigures,
}

/// What a threshold does on these rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Operating {
    /// The frontier is called where the score reaches this.
    pub threshold: f64,
    /// Share of the rows that go to the frontier.
    pub frontier_share: f64,
    /// Mean score of the answers served.
    pub quality: f64,
    /// Mean cost per query in USD, where every row has the cost of both tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

impl Figures {
    /// Names the figures of an evaluation of `tiers`; those of money and of slices are not among them.
    pub(super) fn new(evaluation: &Evaluation, tiers: &[String], left_out: usize, point: Operating) -> Self {
        let quality = by_tier(tiers, &evaluation.quality);
        let best = quality.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(tier, _)| tier.clone());
        let calibration = by_tier(tiers, &Trust::of(evaluation));
        let bins: Vec<Vec<Bin>> = evaluation.calibration.iter().map(|error| error.bins.clone()).collect();
        Self {
            n: evaluation.n,
            groups: evaluation.groups,
            left_out,
            tiers: tiers.to_vec(),
            best_single: best,
            quality,
            auc: by_tier(tiers, &evaluation.auc),
            apgr: evaluation.apgr,
            apgr_ci: evaluation.apgr_interval,
            lift: evaluation.lift,
            lift_ci: evaluation.lift_interval,
            oracle_gap_closed: evaluation.oracle_gap_closed,
            cpt50: evaluation.cpt50,
            cpt80: evaluation.cpt80,
            gain_auc: evaluation.gain_auc,
            gain_auc_ci: evaluation.gain_auc_interval,
            ece: calibration.values().map(|tier| tier.ece).sum::<f64>() / tiers.len().max(1) as f64,
            calibration,
            reliability: by_tier(tiers, &bins),
            signal: if evaluation.has_signal() { Verdict::Usable } else { Verdict::None },
            curve: evaluation.curve.clone(),
            oracle: evaluation.oracle,
            operating_point: Some(point),
            cost: None,
            by_domain: IndexMap::new(),
            by_route: IndexMap::new(),
        }
    }
}

pub(super) fn by_tier<T: Clone>(tiers: &[String], values: &[T]) -> IndexMap<String, T> {
    tiers.iter().cloned().zip(values.iter().cloned()).collect()
}

//! How good the heads are on rows that they have not seen.

use serde::{Deserialize, Serialize};

use super::lead::Lead;
use super::{Observed, gain, ranked_apgr};
use crate::evaluate::Interval;
use crate::evaluate::auc::Ranking;
use crate::evaluate::bootstrap::{RESAMPLINGS, intervals};

/// Figures of held-out probabilities. `None` where the rows do not define one: an AUC needs both labels, an APGR a
/// frontier that is better than the answers, an interval more than one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Rows.
    pub n: usize,
    /// Area under the ROC curve of the confidence against the correctness of the answer.
    pub auc: Option<f64>,
    /// Its 95 % interval, cluster bootstrap.
    pub auc_ci: Option<Interval>,
    /// Area under PGR over the escalated share when answers are ranked by p_above − p_own after they were seen.
    pub deferral_apgr: Option<f64>,
    /// Its 95 % interval, cluster bootstrap.
    pub deferral_apgr_ci: Option<Interval>,
    /// The same area for the ranking before any answer was seen.
    pub prior_apgr: Option<f64>,
    /// The same area for the best single signal.
    pub signal_apgr: Option<f64>,
}

impl Figures {
    pub(super) fn new(data: &Observed, leads: &[Lead], out_of_fold: &[Vec<f64>], seed: u64) -> Self {
        let gains = data.gains();
        let area = |scores: &[f64]| ranked_apgr(&Ranking::new(scores), &gains, &data.weights);
        let doubts = |lead: &Lead| area(&lead.probabilities.iter().map(|p| -p).collect::<Vec<_>>());
        Self {
            prior_apgr: area(&gain(&data.prior)),
            signal_apgr: leads.iter().filter_map(doubts).max_by(f64::total_cmp),
            ..Self::of(out_of_fold, &data.labels, &data.weights, &data.groups, seed)
        }
    }

    /// The figures of any probabilities, own tier first and most capable last, without those of single signals.
    #[must_use]
    pub fn of(probabilities: &[Vec<f64>], labels: &[Vec<f64>], weights: &[f64], groups: &[u64], seed: u64) -> Self {
        let (Some(confidence), Some(own)) = (probabilities.first(), labels.first()) else { return Self::default() };
        let gains = gain(labels);
        let (by_gain, by_confidence) = (Ranking::new(&gain(probabilities)), Ranking::new(confidence));
        let statistics = |weights: &[f64]| [by_confidence.auc(own, weights), ranked_apgr(&by_gain, &gains, weights)];
        let [auc, deferral_apgr] = statistics(weights);
        let [auc_ci, deferral_apgr_ci] = intervals(groups, weights, RESAMPLINGS, seed, statistics);
        Self { n: own.len(), auc, auc_ci, deferral_apgr, deferral_apgr_ci, ..Self::default() }
    }
}

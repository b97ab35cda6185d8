//! The same figures within one domain or route.

use indexmap::IndexMap;
use rungs_training::evaluate::{Evaluation, Interval, Scored, evaluate};
use serde::Serialize;

use super::evaluate::{Judged, SEED};
use super::figures::by_tier;

/// Slices with fewer groups than this get no ranking figures: their intervals would say nothing.
pub const FEWEST_GROUPS: usize = 30;

/// Figures of the rows of one domain or route.
#[derive(Debug, Clone, Serialize)]
pub struct Slice {
    /// Rows.
    pub n: usize,
    /// Groups, the unit of resampling.
    pub groups: usize,
    /// Whether there are too few groups to judge the ranking, so that the figures below `quality` are `null`.
    pub too_few: bool,
    /// Share of the rows that go to the frontier at the operating point.
    pub frontier_share: f64,
    /// Mean score of the answers served at the operating point.
    pub served: f64,
    /// Mean score of each tier.
    pub quality: IndexMap<String, f64>,
    /// Area under the performance gap recovered over the frontier share, within the slice.
    pub apgr: Option<f64>,
    /// 95 % interval, cluster bootstrap; `null` too where one resampling in twenty has no gap to recover, so that APGR
    /// says nothing.
    pub apgr_ci: Option<Interval>,
    /// Quality above the random mix, averaged over all frontier shares.
    pub lift: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub lift_ci: Option<Interval>,
}

impl Judged {
    /// Figures per distinct key, in order of the keys; rows without one are in no slice.
    pub(super) fn slices(&self, keys: &[Option<String>], threshold: f64) -> IndexMap<String, Slice> {
        let mut members: IndexMap<&String, Vec<usize>> = IndexMap::new();
        for (row, key) in keys.iter().enumerate() {
            if let Some(key) = key {
                members.entry(key).or_default().push(row);
            }
        }
        members.sort_keys();
        members.into_iter().map(|(key, rows)| (key.clone(), self.slice(&rows, threshold))).collect()
    }

    fn slice(&self, rows: &[usize], threshold: f64) -> Slice {
        let point = self.operate_on(threshold, rows.iter().copied());
        let evaluation = self.evaluate(rows);
        let too_few = evaluation.groups < FEWEST_GROUPS;
        let enough = |value: Option<f64>| value.filter(|_| !too_few);
        let interval = |value: Option<Interval>| value.filter(|_| !too_few);
        Slice {
            n: rows.len(),
            groups: evaluation.groups,
            too_few,
            frontier_share: point.frontier_share,
            served: point.quality,
            quality: by_tier(&self.rows.tiers, &evaluation.quality),
            apgr: enough(evaluation.apgr),
            apgr_ci: interval(evaluation.apgr_interval),
            lift: enough(evaluation.lift),
            lift_ci: interval(evaluation.lift_interval),
        }
    }

    /// Questions are what is drawn again, whatever the rows are grouped by: a domain may be one group.
    fn evaluate(&self, rows: &[usize]) -> Evaluation {
        let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
        let groups: Vec<u64> = rows.iter().map(|&row| self.rows.questions[row]).collect();
        let probabilities: Vec<_> = self.probabilities.iter().map(|tier| of(tier)).collect();
        let labels: Vec<_> = self.rows.labels.iter().map(|tier| of(tier)).collect();
        let scored = Scored {
            probabilities: &probabilities,
            labels: &labels,
            weights: &of(&self.rows.weights),
            groups: &groups,
        };
        evaluate(&scored, SEED)
    }
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::tests::judged;

    #[test]
    fn a_slice_has_the_figures_of_its_own_rows_and_a_small_one_says_that_it_is_too_small() {
        // Forty rows of `law` of which the first half gains and is scored so; ten of `art` without a domain's figures.
        let judged = judged((0..50).map(|i| {
            let gains = i < 20;
            let domain = if i < 40 { "law" } else { "art" };
            (if gains { 0.6 } else { 0.1 }, [f64::from(u8::from(!gains)), 1.0], Some(domain))
        }));
        let slices = judged.slices(&judged.rows().domains, 0.5);
        assert_eq!(slices.keys().collect::<Vec<_>>(), ["art", "law"]);
        let law = &slices["law"];
        assert_eq!((law.n, law.groups, law.too_few, law.apgr), (40, 40, false, Some(0.75)));
        // The gap is ½, of which APGR .75 is a quarter more than ½.
        assert_eq!((law.lift, law.frontier_share, law.served), (Some(0.125), 0.5, 1.0));
        assert_eq!(law.quality["small"], 0.5);
        let art = &slices["art"];
        assert_eq!((art.n, art.too_few, art.apgr, art.lift_ci, art.quality["small"]), (10, true, None, None, 1.0));
    }
}

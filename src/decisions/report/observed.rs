//! What requests that were not routed would have cost and lost, had they been.

use serde::Serialize;

use crate::decisions::DecisionRecord;
use crate::decisions::export::Exported;
use crate::judge::estimate::{Estimate, Judged, Population, Sums, estimate};
use crate::judge::figures::LEVEL;
use crate::judge::{Kind, Subject, Verdict};

/// Requests that went where their clients sent them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Observing {
    /// How many there are.
    pub requests: u64,
    /// Those of them that would have begun at another tier than the one that answered.
    pub elsewhere: u64,
    /// What those cost of which it is known what they would have cost.
    pub cost_usd: f64,
    /// What the same would have cost: one call of the tier where each would have begun, with the tokens of the answer that was
    /// served. Samples and climbs are not in it.
    pub routed_usd: f64,
    /// Of those that would have begun elsewhere, the share whose answer there would have been worse than the one that was
    /// served, before any climb; `None` where none of them could be put to the other tier.
    pub lost: Option<Estimate>,
}

/// Sums over such requests.
#[derive(Debug, Default)]
pub(super) struct Observed {
    figures: Observing,
    sums: Sums,
    judged: Vec<Judged>,
}

impl Observed {
    pub(super) fn add(&mut self, exported: &Exported) {
        let record = &exported.record;
        let Some(observed) = &record.observed else { return };
        self.figures.requests += 1;
        if let (Some(cost), Some(routed)) = (record.cost_usd, observed.cost_usd) {
            self.figures.cost_usd += cost;
            self.figures.routed_usd += routed;
        }
        let Some(elsewhere) = record.elsewhere() else { return };
        self.figures.elsewhere += 1;
        self.add_lost(record, elsewhere, &exported.verdicts);
    }

    /// Counts a request among those that may be put to the other tier, and what was found of its answer.
    fn add_lost(&mut self, record: &DecisionRecord, elsewhere: &str, verdicts: &[Verdict]) {
        let Some(sampling) = record.sampling.as_ref().filter(|sampling| sampling.counterfactual > 0.0) else { return };
        let (propensity, predicted) = (sampling.counterfactual, worse(record, elsewhere));
        self.sums.add(predicted, propensity, sampling.shadow);
        // An answer that was judged in both orders has the mean of both.
        let scores = verdicts.iter().filter(|verdict| is_about(verdict, elsewhere)).map(|verdict| verdict.score);
        let (count, sum) = scores.fold((0.0, 0.0), |(count, sum), score| (count + 1.0, sum + score));
        if count > 0.0 {
            self.judged.push(Judged { predicted, propensity, score: 1.0 - sum / count });
        }
    }

    /// `None` where nothing was observed.
    pub(super) fn figures(self) -> Option<Observing> {
        let lost = estimate(&Population::new(self.sums, self.judged), LEVEL, "observed");
        (self.figures.requests > 0).then_some(Observing { lost, ..self.figures })
    }
}

/// How likely the other tier's answer is to be worse, by the predictions; one half where there are none.
fn worse(record: &DecisionRecord, elsewhere: &str) -> f64 {
    1.0 - record.p.get(elsewhere).map_or(0.5, |p| p.get())
}

fn is_about(verdict: &Verdict, tier: &str) -> bool {
    verdict.subject == Subject::Shadow && verdict.kind != Kind::Feedback && verdict.tier.as_deref() == Some(tier)
}

#[cfg(test)]
mod tests;

//! One route's sums.

use indexmap::IndexMap;
use serde::Serialize;

use crate::cascade::fitness::{CascadeState, Fitness};
use crate::decisions::{AttemptStatus, DecisionRecord, Early, EarlyVerdict, Outcome, Trigger};

/// How the requests of one route went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteFigures {
    /// Its name.
    pub route: Option<String>,
    /// All of them.
    #[serde(flatten)]
    pub sums: Sums,
    /// Each tier that was called.
    pub tiers: Vec<TierFigures>,
    /// Each cascade that was tried.
    pub cascades: Vec<CascadeState>,
}

/// Sums over requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sums {
    /// Requests that have ended.
    pub requests: u64,
    /// Those that got an error.
    pub failed: u64,
    /// Those whose client went away.
    pub cancelled: u64,
    /// Climbs from one tier to a higher one.
    pub escalations: u64,
    /// USD, as far as it is known.
    pub cost_usd: f64,
    /// Requests whose whole cost is not known.
    pub cost_unknown: u64,
    /// What was decided of streamed answers before their ends.
    pub early: EarlySums,
}

/// Sums over streamed answers that were decided before their ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EarlySums {
    /// Calls that were given up for a higher tier.
    pub escalated: u64,
    /// Answers that were committed at a checkpoint and came to their end.
    pub committed: u64,
    /// Of these, the ones whose whole would not have passed: many mean that early commit is too eager.
    pub late_regret: u64,
    /// Answers that were committed because the time to the first token was used up, and came to their end.
    pub committed_by_budget: u64,
    /// Of these, the ones whose whole would not have passed.
    pub late_regret_by_budget: u64,
}

impl EarlySums {
    fn add(&mut self, early: &Early, ended: bool) {
        let regret = u64::from(early.regret.is_some());
        match (early.verdict, early.trigger) {
            (EarlyVerdict::Escalate, _) => self.escalated += 1,
            (EarlyVerdict::Commit, _) if !ended => {}
            (EarlyVerdict::Commit, Trigger::Checkpoint) => {
                self.committed += 1;
                self.late_regret += regret;
            }
            (EarlyVerdict::Commit, Trigger::Budget) => {
                self.committed_by_budget += 1;
                self.late_regret_by_budget += regret;
            }
        }
    }
}

/// How the calls of one tier went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TierFigures {
    /// Its name.
    pub tier: String,
    /// Its sums.
    #[serde(flatten)]
    pub sums: TierSums,
}

/// Sums over the calls of one tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TierSums {
    /// Calls, samples among them.
    pub calls: u64,
    /// Requests that its answer was served to.
    pub served: u64,
    /// Answers that were not served.
    pub rejected: u64,
    /// Calls that failed.
    pub failed: u64,
    /// USD, as far as it is known.
    pub cost_usd: f64,
}

/// The sums while they are made.
#[derive(Debug, Default)]
pub(super) struct Route {
    sums: Sums,
    tiers: IndexMap<String, TierSums>,
    pub(super) cascades: IndexMap<(String, String), Fitness>,
}

impl Route {
    pub(super) fn add(&mut self, record: &DecisionRecord) {
        self.sums.requests += 1;
        self.sums.failed += u64::from(record.outcome == Outcome::Failed);
        self.sums.cancelled += u64::from(record.outcome == Outcome::Cancelled);
        self.sums.escalations += u64::from(record.escalations);
        self.sums.cost_unknown += u64::from(record.cost_usd.is_none());
        for attempt in &record.attempts {
            let tier = self.tiers.entry(attempt.tier.clone()).or_default();
            tier.calls += 1;
            tier.rejected += u64::from(attempt.status == AttemptStatus::Rejected);
            tier.failed += u64::from(attempt.status == AttemptStatus::Failed);
            tier.served += u64::from(attempt.status == AttemptStatus::Accepted && record.outcome == Outcome::Served);
            if let Some(early) = &attempt.early {
                self.sums.early.add(early, attempt.status == AttemptStatus::Accepted);
            }
            let cost = attempt.cost_usd.unwrap_or(0.0);
            tier.cost_usd += cost;
            self.sums.cost_usd += cost;
        }
    }

    /// The cascade that a request was planned as.
    pub(super) fn cascade(&mut self, record: &DecisionRecord) -> Option<&mut Fitness> {
        let (from, to) = (record.rungs.first()?, record.rungs.last()?);
        (from != to).then(|| self.cascades.entry((from.clone(), to.clone())).or_default())
    }

    pub(super) fn figures(&self, route: Option<String>) -> RouteFigures {
        let tier = |(name, sums): (&String, &TierSums)| TierFigures { tier: name.clone(), sums: sums.clone() };
        RouteFigures {
            route,
            sums: self.sums.clone(),
            tiers: self.tiers.iter().map(tier).collect(),
            cascades: self.cascades.iter().map(|((from, to), fitness)| fitness.state(from, to)).collect(),
        }
    }
}

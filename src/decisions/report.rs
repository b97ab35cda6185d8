//! What the log says in sums: money, climbs, times, caches, quality; in all and by whom and what.

mod tally;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::export::Exported;
use tally::Tally;
pub use tally::{Figures, Quality, Spread};

/// The figures of a stretch of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Since when; `None` for the whole log.
    pub since: Option<Timestamp>,
    /// The oldest and the newest request.
    pub between: Option<(Timestamp, Timestamp)>,
    /// All requests.
    pub total: Figures,
    /// By `x-rungs-route`; those without one under the empty name.
    pub by_route: BTreeMap<String, Figures>,
    /// By `x-rungs-tenant`; those without one under the empty name.
    pub by_tenant: BTreeMap<String, Figures>,
    /// By the tier whose answer was served; those without an answer under the empty name.
    pub by_tier: BTreeMap<String, Figures>,
    /// By the artifact that scored the request; those that none scored under the empty name.
    pub by_model_version: BTreeMap<String, Figures>,
}

/// Counts records into a report.
#[derive(Debug, Default)]
pub struct Reporter {
    between: Option<(Timestamp, Timestamp)>,
    total: Tally,
    groups: [BTreeMap<String, Tally>; 4],
}

/// Names beyond so many are counted together: clients choose them.
const MOST_GROUPS: usize = 1000;

/// The name under which those are counted.
const OTHERS: &str = "(others)";

impl Reporter {
    /// Counts a record.
    pub fn add(&mut self, exported: &Exported) {
        let record = &exported.record;
        let at = record.at;
        self.between = Some(self.between.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        self.total.add(exported);
        let names = [&record.route, &record.tenant, &record.tier, &record.model_version];
        for (group, name) in self.groups.iter_mut().zip(names) {
            let name = name.as_deref().unwrap_or_default();
            let is_known = group.len() < MOST_GROUPS || group.contains_key(name);
            group.entry(if is_known { name } else { OTHERS }.to_owned()).or_default().add(exported);
        }
    }

    /// The figures of all that was counted.
    #[must_use]
    pub fn report(self, since: Option<Timestamp>) -> Report {
        let figures = |group: BTreeMap<String, Tally>| group.into_iter().map(|(name, tally)| (name, tally.figures()));
        let [by_route, by_tenant, by_tier, by_model_version] = self.groups.map(|group| figures(group).collect());
        Report {
            since,
            between: self.between,
            total: self.total.figures(),
            by_route,
            by_tenant,
            by_tier,
            by_model_version,
        }
    }
}

#[cfg(test)]
mod tests;

//! What the log says in sums: money, climbs, times, caches, quality; in all and by whom and what.

mod observed;
mod tally;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::export::Exported;
use crate::drift::Alarm;
use crate::judge;
pub use observed::Observing;
use tally::Tally;
pub use tally::{Figures, Quality, Spread};

/// The figures of a stretch of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Since when; `None` for the whole log.
    pub since: Option<Timestamp>,
    /// The alarms that void certificates: those that stand, and those that are over and that nobody has acknowledged.
    pub alarms: Vec<Alarm>,
    /// The oldest and the newest request.
    pub between: Option<(Timestamp, Timestamp)>,
    /// All requests.
    pub total: Figures,
    /// By `x-rungs-route`; those without one under the empty name.
    pub by_route: BTreeMap<String, Figures>,
    /// By `x-rungs-tenant`; those without one under the empty name.
    pub by_tenant: BTreeMap<String, Figures>,
    /// By the client's key; those without one under the empty name.
    pub by_key: BTreeMap<String, Figures>,
    /// By `x-rungs-task`; those without one under the empty name.
    pub by_task: BTreeMap<String, Figures>,
    /// By the tier whose answer was served; those without an answer under the empty name.
    pub by_tier: BTreeMap<String, Figures>,
    /// By the artifact that scored the request; those that none scored under the empty name.
    pub by_model_version: BTreeMap<String, Figures>,
    /// Quality by what was judged; `None` where it is not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<judge::Figures>,
}

/// Counts records into a report.
#[derive(Debug, Default)]
pub struct Reporter {
    between: Option<(Timestamp, Timestamp)>,
    alarms: Vec<Alarm>,
    total: Tally,
    groups: [BTreeMap<String, Tally>; 6],
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
        let names = [&record.route, &record.tenant, &record.key, &record.task, &record.tier, &record.model_version];
        for (group, name) in self.groups.iter_mut().zip(names) {
            let name = name.as_deref().unwrap_or_default();
            let is_known = group.len() < MOST_GROUPS || group.contains_key(name);
            group.entry(if is_known { name } else { OTHERS }.to_owned()).or_default().add(exported);
        }
    }

    /// Tells of the alarms, too.
    pub fn alarms(&mut self, alarms: Vec<Alarm>) {
        self.alarms = alarms;
    }

    /// The figures of all that was counted.
    #[must_use]
    pub fn report(self, since: Option<Timestamp>) -> Report {
        let figures = |group: BTreeMap<String, Tally>| group.into_iter().map(|(name, tally)| (name, tally.figures()));
        let [by_route, by_tenant, by_key, by_task, by_tier, by_model_version] =
            self.groups.map(|group| figures(group).collect());
        Report {
            since,
            alarms: self.alarms,
            between: self.between,
            total: self.total.figures(),
            by_route,
            by_tenant,
            by_key,
            by_task,
            by_tier,
            by_model_version,
            judge: None,
        }
    }
}

#[cfg(test)]
mod tests;

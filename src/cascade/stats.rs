//! What the requests of this process came to, route by route, and which cascades pay.

mod route;

use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::route::Route;
use super::fitness::{Case, Fitness, Switch};
use crate::config::CascadeConfig;
use crate::decisions::DecisionRecord;
use crate::policy::{Cause, Plan};
use crate::upstream::Tier;

pub use self::route::{EarlySums, RouteFigures, Sums, TierFigures, TierSums};

/// Counts records as they end. One serves all requests.
#[derive(Debug)]
pub(super) struct Stats {
    switches: bool,
    probe_share: f64,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    since: Timestamp,
    routes: IndexMap<Option<String>, Route>,
}

/// How the requests went since a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The first request that is counted arrived then, or counting began.
    pub since: Timestamp,
    /// Each route; `null` is the requests without one.
    pub routes: Vec<RouteFigures>,
}

/// Routes that are counted by name; clients name them, and more of them are counted together.
const MOST_ROUTES: usize = 256;

/// The name under which they are.
const OTHERS: &str = "(others)";

impl Stats {
    pub(super) fn new(config: &CascadeConfig) -> Self {
        let seen = Mutex::new(Seen { since: Timestamp::now(), routes: IndexMap::new() });
        Self { switches: config.switch_off, probe_share: config.probe_share, seen }
    }

    /// Counts a request that has ended.
    pub(super) fn count<'a>(&self, record: &DecisionRecord, tier: impl Fn(&str) -> Option<&'a Tier>) {
        let mut seen = self.seen();
        let route = seen.route(record.route.as_deref());
        route.add(record);
        let Some((cascade, case)) = route.cascade(record).zip(Case::of(record, tier)) else { return };
        // A probe that ends after the cascade was switched on again belongs to the window before.
        if record.cause == Cause::Probe && cascade.is_on() {
            return;
        }
        if let Some(Switch { on, why }) = cascade.count(case) {
            let (route, rungs) = (record.route.as_deref(), record.rungs.join(" → "));
            tracing::warn!(route, rungs, why, "the cascade is switched {}", if on { "on again" } else { "off" });
        }
    }

    /// Counts a request of an earlier process. Requests are recalled oldest first, before the first one of this process.
    pub(super) fn recall<'a>(&self, record: &DecisionRecord, tier: impl Fn(&str) -> Option<&'a Tier>) {
        {
            let mut seen = self.seen();
            seen.since = seen.since.min(record.at);
            let cascade = seen.route(record.route.as_deref()).cascade(record);
            if let Some(cascade) = cascade.filter(|cascade| record.cause == Cause::Probe && cascade.is_on()) {
                cascade.switch_off("it was off before the last start".to_owned());
            }
        }
        self.count(record, tier);
    }

    /// Sends a request straight to its ceiling where the cascade below does not pay, but for a small share that shows
    /// whether it would again, chosen by a hash of the request's id.
    pub(super) fn gate(&self, plan: Plan, route: Option<&str>, id: &str) -> Plan {
        let (Some(from), Some(to)) = (plan.rungs.first(), plan.rungs.last()) else { return plan };
        if !self.switches || !plan.checked || from == to {
            return plan;
        }
        let seen = self.seen();
        let cascade =
            seen.routes.get(&seen.name(route)).and_then(|route| route.cascades.get(&(from.clone(), to.clone())));
        if cascade.is_none_or(Fitness::is_on) {
            return plan;
        }
        if uniform(id) < self.probe_share {
            return Plan { cause: Cause::Probe, propensity: plan.propensity * self.probe_share, ..plan };
        }
        let propensity = plan.propensity * (1.0 - self.probe_share);
        Plan { rungs: vec![to.clone()], cause: Cause::CascadeOff, propensity, ..plan }
    }

    pub(super) fn figures(&self) -> Figures {
        let seen = self.seen();
        let routes = seen.routes.iter().map(|(name, route)| route.figures(name.clone())).collect();
        Figures { since: seen.since, routes }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// The name under which a route is counted.
    fn name(&self, route: Option<&str>) -> Option<String> {
        let name = route.map(str::to_owned);
        if self.routes.len() < MOST_ROUTES || self.routes.contains_key(&name) { name } else { Some(OTHERS.to_owned()) }
    }

    fn route(&mut self, route: Option<&str>) -> &mut Route {
        self.routes.entry(self.name(route)).or_default()
    }
}

/// A number in [0, 1) that is uniform over ids and always the same for one.
fn uniform(id: &str) -> f64 {
    let digest = Sha256::new().chain_update("cascade-probe").chain_update(id).finalize();
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    bits as f64 / 2_f64.powi(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_spread_evenly_and_stay_where_they_are() {
        let share = (0..10_000).filter(|i| uniform(&i.to_string()) < 0.05).count();
        assert!((400..600).contains(&share), "{share} of 10000 at a share of .05");
        assert_eq!(uniform("a"), uniform("a"));
    }

    #[test]
    fn routes_without_end_are_counted_together() {
        let stats = Stats::new(&CascadeConfig::default());
        let mut seen = stats.seen();
        for i in 0..2 * MOST_ROUTES {
            let name = i.to_string();
            seen.route(Some(&name));
        }
        assert_eq!(seen.routes.len(), MOST_ROUTES + 1);
        assert_eq!((seen.name(Some("3")), seen.name(Some("new"))), (Some("3".to_owned()), Some(OTHERS.to_owned())));
    }
}

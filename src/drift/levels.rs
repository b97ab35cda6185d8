//! One kind of monitor for all requests and for each route, tier or tenant; and how they share the false alarms.
//!
//! Monitors of a level partition what they count: each judged answer has one route, one tier and one tenant. For an
//! e-detector with run length A the expected number of alarms among n of its own samples is at most n/A, so that a level
//! whose monitors all have run length A/w has at most Σ n_r·w/A = n·w/A among n samples of all together, however many routes
//! there are and however they share the traffic. With Σ w = 1 over the levels, Σ 1/A_j ≤ 1/A.
//!
//! Hours are not partitioned: each route has all of them. There the k-th monitor of a level gets w·6/(π²k²) of the alarms.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::{Family, Key};
use crate::alert::Scope;

/// The monitors of one kind, by whose they are.
#[derive(Debug, Clone)]
pub struct Levels<M> {
    by: BTreeMap<Key, M>,
    changed: BTreeSet<Key>,
}

/// What tells apart whose monitors they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One monitor of all requests.
    All,
    /// One for each route.
    Route,
    /// One for each tier.
    Tier,
    /// One for each tenant.
    Tenant,
}

/// Names of a level that have a monitor of their own; clients choose names, and more of them share one.
const MOST: usize = 200;

/// Their name.
const OTHERS: &str = "(others)";

impl<M> Default for Levels<M> {
    fn default() -> Self {
        Self { by: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<M> Levels<M> {
    /// The monitor of this name, made where there is none. `make` is told how many its level has, itself included.
    pub fn of(&mut self, key: Key, make: impl FnOnce(usize) -> M) -> (Key, &mut M) {
        let known = self.by.contains_key(&key);
        let level: Vec<&str> = key.scope.parts().map(|(name, _)| name).collect();
        let same = |other: &&Key| {
            other.family == key.family && other.scope.parts().map(|(name, _)| name).eq(level.iter().copied())
        };
        let peers = if known { 0 } else { self.by.keys().filter(same).count() };
        let key = if peers < MOST { key } else { others(key) };
        self.changed.insert(key.clone());
        let monitor = self.by.entry(key.clone()).or_insert_with(|| make(peers + 1));
        (key, monitor)
    }

    /// The monitor of this name.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&M> {
        self.by.get(key)
    }

    /// The monitor of this name, to change it.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut M> {
        let monitor = self.by.get_mut(key)?;
        self.changed.insert(key.clone());
        Some(monitor)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &M)> {
        self.by.iter()
    }

    /// Changes each of them.
    pub fn each(&mut self, mut change: impl FnMut(&Key, &mut M)) {
        for (key, monitor) in &mut self.by {
            change(key, monitor);
            self.changed.insert(key.clone());
        }
    }
}

impl<M: Serialize + DeserializeOwned> Levels<M> {
    /// The states that changed since they were last taken: name and JSON.
    ///
    /// # Errors
    /// When a state holds a number that JSON cannot.
    pub fn take_changed(&mut self) -> Result<Vec<(String, String)>, serde_json::Error> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let states = changed.filter_map(|key| Some((key.name(), self.by.get(&key)?)));
        states.map(|(name, state)| Ok((name, serde_json::to_string(state)?))).collect()
    }

    /// Takes a stored state back.
    ///
    /// # Errors
    /// When it is none of this kind.
    pub fn restore(&mut self, key: Key, state: &str) -> Result<(), serde_json::Error> {
        self.by.insert(key, serde_json::from_str(state)?);
        Ok(())
    }
}

impl Level {
    /// Whose monitor a request of this route, tier and tenant goes to; `None` where it has no name of this level.
    #[must_use]
    pub fn key(self, family: Family, route: Option<&str>, tier: Option<&str>, tenant: Option<&str>) -> Option<Key> {
        let owned = |name: Option<&str>| name.map(|name| Some(name.to_owned()));
        let scope = match self {
            Self::All => Scope::default(),
            Self::Route => Scope { route: owned(route)?, ..Scope::default() },
            Self::Tier => Scope { tier: owned(tier)?, ..Scope::default() },
            Self::Tenant => Scope { tenant: owned(tenant)?, ..Scope::default() },
        };
        Some(Key { family, scope })
    }
}

fn others(key: Key) -> Key {
    let other = |name: Option<String>| name.map(|_| OTHERS.to_owned());
    let Scope { route, tier, tenant, endpoint, line } = key.scope;
    let scope =
        Scope { route: other(route), tier: other(tier), tenant: other(tenant), endpoint: other(endpoint), line };
    Key { family: key.family, scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_end_share_a_monitor() {
        let mut levels = Levels::<u64>::default();
        for i in 0..2 * MOST {
            let route = i.to_string();
            let key = Level::Route.key(Family::Quality, Some(&route), None, None).unwrap();
            *levels.of(key, |_| 0).1 += 1;
        }
        assert_eq!(levels.iter().count(), MOST + 1);
        assert_eq!(levels.iter().map(|(_, n)| n).sum::<u64>(), 2 * MOST as u64);
        assert_eq!(levels.take_changed().unwrap().len(), MOST + 1);
        assert_eq!(levels.take_changed().unwrap().len(), 0);
    }

    #[test]
    fn a_request_without_a_name_has_no_monitor_of_that_level() {
        assert_eq!(Level::Tenant.key(Family::Quality, Some("r"), Some("t"), None), None);
        assert_eq!(Level::All.key(Family::Judge, None, None, None), Some(Key::of_all(Family::Judge)));
    }
}

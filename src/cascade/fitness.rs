//! Whether a cascade pays: its escalation rate against the economic line.

mod case;

use std::collections::VecDeque;

use serde::Serialize;

use super::beta::share_above;

pub(super) use self::case::Case;

/// The cascade from one tier to another on one route, over a sliding window of its requests.
///
/// A request costs c_C + c_check below the ceiling, and a share e of them c_F on top: more than c_F for every one, which
/// would be better besides, from e* = 1 − (c_C + c_check)/c_F on. The cascade is switched off where e is above e* with a
/// posterior probability of .99, and on again where it is below with .9, both under a uniform prior and from a least
/// number of requests on. Both begin a new window.
#[derive(Debug, Default)]
pub(super) struct Fitness {
    cases: VecDeque<Case>,
    /// Why it is off, in words; `None` while it is on.
    off: Option<String>,
}

/// The cascade is switched on or off.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Switch {
    pub(super) on: bool,
    /// Why, in words.
    pub(super) why: String,
}

/// How a cascade does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CascadeState {
    /// The tier that is asked first.
    pub from: String,
    /// The tier that a climb may end at.
    pub to: String,
    /// Whether requests start below; off, they go to the ceiling, but for a few that show whether it would pay again.
    pub on: bool,
    /// Requests in the window.
    pub requests: usize,
    /// Share of them that climbed to the ceiling, in [0, 1].
    pub escalation_rate: Option<f64>,
    /// The rate from which on the cascade costs more than its ceiling alone, at most 1; `None` without prices.
    pub economic_line: Option<f64>,
    /// Why it is on or off, in words.
    pub why: String,
}

/// Requests in the window.
const WINDOW: usize = 200;

/// Requests from which on a cascade may be switched off.
const FEWEST: usize = 50;

/// Requests from which on it may be switched on again.
const FEWEST_PROBES: usize = 20;

/// Probability that the rate is above the line, from which on the cascade is switched off.
const SURE_ABOVE: f64 = 0.99;

/// Probability that it is below, from which on it is switched on again.
const SURE_BELOW: f64 = 0.9;

impl Fitness {
    pub(super) fn is_on(&self) -> bool {
        self.off.is_none()
    }

    /// Counts a request. Gives the switch, where this is one.
    pub(super) fn count(&mut self, case: Case) -> Option<Switch> {
        self.cases.push_back(case);
        if self.cases.len() > WINDOW {
            self.cases.pop_front();
        }
        if self.cases.len() < if self.is_on() { FEWEST } else { FEWEST_PROBES } {
            return None;
        }
        let line = self.economic_line()?;
        let escalated = self.escalated();
        let above = share_above(line, escalated, self.cases.len() - escalated);
        if self.is_on() && above >= SURE_ABOVE {
            let why = self.compare("above");
            self.switch_off(why.clone());
            return Some(Switch { on: false, why });
        }
        if !self.is_on() && 1.0 - above >= SURE_BELOW {
            let why = self.compare("below");
            self.off = None;
            self.cases.clear();
            return Some(Switch { on: true, why });
        }
        None
    }

    pub(super) fn switch_off(&mut self, why: String) {
        self.off = Some(why);
        self.cases.clear();
    }

    pub(super) fn state(&self, from: &str, to: &str) -> CascadeState {
        CascadeState {
            from: from.to_owned(),
            to: to.to_owned(),
            on: self.is_on(),
            requests: self.cases.len(),
            escalation_rate: (!self.cases.is_empty()).then(|| self.rate()),
            economic_line: self.economic_line(),
            why: self.why(),
        }
    }

    /// Why it is on or off.
    fn why(&self) -> String {
        match (&self.off, self.economic_line()) {
            (Some(why), _) => why.clone(),
            (None, None) => "no request has told what it costs".to_owned(),
            (None, Some(_)) if self.cases.len() < FEWEST => {
                format!("{} of the {FEWEST} requests that it takes to tell", self.cases.len())
            }
            (None, Some(_)) => self.compare("not for certain above"),
        }
    }

    fn compare(&self, relation: &str) -> String {
        let (rate, line) = (self.rate() * 100.0, self.economic_line().unwrap_or(1.0) * 100.0);
        format!("{rate:.1}% of {} requests climbed: {relation} the economic line of {line:.1}%", self.cases.len())
    }

    /// e* = 1 − Σ(c_C + c_check)/Σc_F over the window.
    fn economic_line(&self) -> Option<f64> {
        let above: f64 = self.cases.iter().map(|case| case.above_usd).sum();
        let spent: f64 = self.cases.iter().map(|case| case.spent_usd).sum();
        (above > 0.0).then(|| 1.0 - spent / above)
    }

    fn escalated(&self) -> usize {
        self.cases.iter().filter(|case| case.escalated).count()
    }

    fn rate(&self) -> f64 {
        self.escalated() as f64 / self.cases.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// A call below costs a fifth of one above: the line is at .8.
    fn case(escalated: bool) -> Case {
        Case { escalated, spent_usd: 0.2, above_usd: 1.0 }
    }

    fn switched(fitness: &mut Fitness, case: Case) -> Option<bool> {
        fitness.count(case).map(|switch| switch.on)
    }

    /// After how many requests with this escalation rate the cascade is switched off, within `most`.
    fn off_after(seed: u64, rate: f64, most: usize) -> Option<usize> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut fitness = Fitness::default();
        (1..=most).find(|_| switched(&mut fitness, case(rng.random_bool(rate))) == Some(false))
    }

    #[test]
    fn a_rate_above_the_line_is_found_and_one_below_is_left_alone() {
        let off = |rate: f64| (0..50).filter(|seed| off_after(*seed, rate, 600).is_some()).count();
        assert_eq!((off(0.3), off(0.6)), (0, 0));
        assert!(off(0.7) <= 1, "{} of 50 below the line were switched off", off(0.7));
        assert_eq!(off(0.95), 50);
        assert_eq!(off_after(0, 1.0, 600), Some(FEWEST), "not before there are enough");
    }

    #[test]
    fn probes_switch_it_on_again_only_where_it_pays() {
        let after = |rate: f64, seed: u64| {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut fitness = Fitness::default();
            fitness.switch_off("as told".to_owned());
            (1..=200).find(|_| switched(&mut fitness, case(rng.random_bool(rate))) == Some(true))
        };
        assert!((0..50).all(|seed| after(0.3, seed).is_some_and(|probes| probes <= 40)));
        assert!((0..50).filter(|seed| after(0.9, *seed).is_some()).count() <= 1);
    }

    #[test]
    fn the_state_says_what_was_seen() {
        let mut fitness = Fitness::default();
        assert_eq!(fitness.state("a", "b").economic_line, None);
        (0..FEWEST - 1).for_each(|_| assert_eq!(fitness.count(case(true)), None));
        assert_eq!(fitness.why(), "49 of the 50 requests that it takes to tell");
        assert_eq!(switched(&mut fitness, case(true)), Some(false));
        let state = fitness.state("a", "b");
        assert!(
            !state.on && state.why == "100.0% of 50 requests climbed: above the economic line of 80.0%",
            "{state:?}"
        );
    }

    #[test]
    fn without_prices_nothing_is_switched_off_and_a_cheap_tier_that_is_dearer_is() {
        let mut free = Fitness::default();
        assert!((0..500).all(|_| free.count(Case { escalated: true, spent_usd: 0.0, above_usd: 0.0 }).is_none()));
        let mut dear = Fitness::default();
        let case = Case { escalated: false, spent_usd: 2.0, above_usd: 1.0 };
        let off = (1..=500).find(|_| switched(&mut dear, case) == Some(false));
        assert_eq!(off, Some(FEWEST));
    }
}

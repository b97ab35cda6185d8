//! How often a check may err before it is switched off.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::ChecksConfig;

/// The error budget of one check over a sliding window of its runs.
#[derive(Debug)]
pub(super) struct Budget {
    max_share: f64,
    window: usize,
    cool_down: Duration,
    /// The last runs, oldest first: whether each one erred.
    runs: VecDeque<bool>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    On,
    Off {
        until: Instant,
    },
    /// Tried again after a cool-down: the next run decides.
    Trial,
}

/// Runs before a share is a share.
const FEWEST_RUNS: usize = 10;

impl Budget {
    pub(super) fn new(config: &ChecksConfig) -> Self {
        Self {
            max_share: config.max_error_share,
            window: config.error_window as usize,
            cool_down: Duration::from_secs_f64(config.cool_down_s),
            runs: VecDeque::new(),
            state: State::On,
        }
    }

    /// Whether the check may run; the end of a cool-down allows a trial.
    pub(super) fn permits(&mut self, now: Instant) -> bool {
        if let State::Off { until } = self.state {
            if now < until {
                return false;
            }
            self.state = State::Trial;
        }
        true
    }

    /// Counts a run. Gives whether the check is on, where this run changed it.
    pub(super) fn count(&mut self, erred: bool, now: Instant) -> Option<bool> {
        match (self.state, erred) {
            (State::Off { .. }, _) => None,
            (State::Trial, true) => Some(self.switch_off(now)),
            (State::Trial, false) => {
                self.runs.clear();
                self.state = State::On;
                Some(true)
            }
            (State::On, _) => {
                self.runs.push_back(erred);
                if self.runs.len() > self.window {
                    self.runs.pop_front();
                }
                (self.runs.len() >= FEWEST_RUNS && self.error_share() > self.max_share).then(|| self.switch_off(now))
            }
        }
    }

    /// Share of the runs in the window that erred, in [0, 1].
    pub(super) fn error_share(&self) -> f64 {
        self.runs.iter().filter(|erred| **erred).count() as f64 / self.runs.len().max(1) as f64
    }

    pub(super) fn is_on(&self) -> bool {
        !matches!(self.state, State::Off { .. })
    }

    fn switch_off(&mut self, now: Instant) -> bool {
        self.state = State::Off { until: now + self.cool_down };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(&ChecksConfig {
            error_window: 20,
            max_error_share: 0.2,
            cool_down_s: 60.0,
            ..ChecksConfig::default()
        })
    }

    #[test]
    fn a_few_errors_are_allowed_and_many_are_not() {
        let (mut budget, now) = (budget(), Instant::now());
        for run in 0..200 {
            assert_eq!(budget.count(run % 5 == 4, now), None, "one in five is within the budget");
        }
        assert_eq!(budget.count(true, now), Some(false));
        assert!(!budget.permits(now) && !budget.is_on());
    }

    #[test]
    fn the_first_runs_are_not_a_share() {
        let (mut budget, now) = (budget(), Instant::now());
        let changes: Vec<_> = (0..FEWEST_RUNS).map(|_| budget.count(true, now)).collect();
        assert_eq!(changes.iter().position(|change| *change == Some(false)), Some(FEWEST_RUNS - 1));
    }

    #[test]
    fn after_the_cool_down_one_run_decides() {
        let (mut budget, start) = (budget(), Instant::now());
        assert_eq!((0..FEWEST_RUNS).filter_map(|_| budget.count(true, start)).last(), Some(false));
        assert!(!budget.permits(start + Duration::from_secs(59)));
        let later = start + Duration::from_secs(60);
        assert!(budget.permits(later));
        assert_eq!(budget.count(true, later), Some(false));
        let later = later + Duration::from_secs(60);
        assert!(budget.permits(later));
        assert_eq!(budget.count(false, later), Some(true));
        assert_eq!((budget.count(true, later), budget.error_share()), (None, 1.0));
    }
}

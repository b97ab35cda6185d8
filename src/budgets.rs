//! What tasks, keys and tenants may spend, and what they have spent.
//!
//! A request counts as what it is expected to take from before its first call until it has ended, and as what it took from
//! then on: a limit is passed by no more than calls are dearer than expected. Levels are kept by [`crate::meters`], which
//! routers on one database share.

mod hold;
mod period;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use hold::Held;
pub use hold::Hold;

use crate::alert::{Alerts, Event, Fingerprint};
use crate::config::{BudgetConfig, Spender, WhenOver};
use crate::meters::{Meter, Meters, Take};

/// All budgets of a configuration.
#[derive(Debug)]
pub struct Budgets {
    budgets: Vec<BudgetConfig>,
    meters: Meters,
    alerts: Option<Alerts>,
    /// Limits whose reaching was told, with the day or month of which it was.
    told: Mutex<HashMap<String, (String, Fingerprint)>>,
}

/// On whose account a request goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The agent run.
    pub task: Option<String>,
    /// The client's key, by its name.
    pub key: Option<String>,
    /// Who pays.
    pub tenant: Option<String>,
}

/// What is spent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Amount {
    /// USD.
    pub usd: f64,
    /// Tokens, prompts and answers together.
    pub tokens: f64,
}

/// A budget that has no room for a request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the budget `{budget}` of the {} `{subject}` has {spent:.6} of {limit} {unit} spent, and this request is expected to take {expected:.6}", .per.name())]
pub struct Over {
    /// Which budget.
    pub budget: String,
    /// Whose.
    pub per: Spender,
    /// The task, key or tenant.
    pub subject: String,
    /// What is spent.
    pub spent: f64,
    /// What may be.
    pub limit: f64,
    /// What the request is expected to take.
    pub expected: f64,
    /// `USD` or `tokens`.
    pub unit: &'static str,
    /// What becomes of the request.
    pub when_over: WhenOver,
    /// Until the count begins anew; `None` where it never does.
    pub wait: Option<Duration>,
}

/// Which limit of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Soft,
    Hard,
}

/// How long the running total of a task is kept after its last request.
const TASK: Duration = Duration::from_secs(62 * 86_400);

/// Limits beyond so many are told of again: clients name tasks.
const MOST_TOLD: usize = 100_000;

impl Budgets {
    /// The budgets of a configuration, counted by these meters; what is reached is told once.
    #[must_use]
    pub fn new(budgets: &[BudgetConfig], meters: Meters, alerts: Option<Alerts>) -> Arc<Self> {
        Arc::new(Self { budgets: budgets.to_vec(), meters, alerts, told: Mutex::default() })
    }

    /// Whether anything is counted for this account.
    #[must_use]
    pub fn concern(&self, account: &Account) -> bool {
        account.task.is_some() || self.budgets.iter().any(|budget| account.subject(budget).is_some())
    }

    /// Counts what a request is expected to take. `is_cheap` says that it goes to the cheapest tier alone, which budgets that
    /// are over by [`WhenOver::Cheap`] allow.
    ///
    /// # Errors
    /// The first limit that it would pass; nothing is counted then.
    pub async fn admit(
        self: &Arc<Self>,
        account: &Account,
        expected: Amount,
        is_cheap: bool,
        at: Timestamp,
    ) -> Result<Hold, Over> {
        let held = self.held(account, at);
        let most = |held: &Held| if is_cheap && held.when_over == WhenOver::Cheap { None } else { held.hard };
        let take = |held: &Held| Take {
            meter: held.meter.clone(),
            amount: held.unit.of(expected),
            most: most(held).unwrap_or(f64::INFINITY),
        };
        let takes: Vec<Take> = held.iter().map(take).collect();
        if takes.iter().any(|take| take.most.is_finite()) {
            if let Err(full) = self.meters.take(takes).await {
                let Some(held) = held.get(full.take) else { return Ok(Hold::nothing(self)) };
                let over = held.over(full.level, held.unit.of(expected), at);
                self.tell(held, Limit::Hard, full.level);
                return Err(over);
            }
        } else {
            self.meters.add(takes.into_iter().map(|take| (take.meter, take.amount)));
        }
        held.iter().for_each(|held| self.lift(held));
        Ok(Hold::new(self, held, expected, account.task.as_deref().map(task_total)))
    }

    /// The levels that a request of this account raises.
    fn held(&self, account: &Account, at: Timestamp) -> Vec<Held> {
        let total = account.task.as_deref().map(|task| Held::total(task_total(task)));
        let budgets = self.budgets.iter().filter_map(|budget| Some((budget, account.subject(budget)?)));
        total.into_iter().chain(budgets.flat_map(|(budget, subject)| Held::of(budget, subject, at))).collect()
    }

    /// Tells once in a day or month that a limit is reached.
    fn tell(&self, held: &Held, limit: Limit, spent: f64) {
        let event = Event::BudgetExceeded(held.event(limit, spent));
        let mut told = self.told();
        if told.len() >= MOST_TOLD {
            told.clear();
        }
        let now = (held.period.clone(), event.fingerprint());
        if told.insert(held.key(limit), now.clone()).is_some_and(|before| before == now) {
            return;
        }
        match &self.alerts {
            Some(alerts) => alerts.fire(event),
            None => tracing::warn!("{}", event.summary()),
        }
    }

    /// Tells that a limit which was reached in another day or month is not any more.
    fn lift(&self, held: &Held) {
        let mut told = self.told();
        for limit in [Limit::Soft, Limit::Hard] {
            let key = held.key(limit);
            if told.get(&key).is_some_and(|(period, _)| *period != held.period) {
                let alert = told.remove(&key).map(|(_, alert)| alert);
                alert.zip(self.alerts.as_ref()).into_iter().for_each(|(alert, alerts)| alerts.resolve(alert));
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, (String, Fingerprint)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Whom a budget counts this account's requests for; `None` where it does not.
    fn subject(&self, budget: &BudgetConfig) -> Option<&str> {
        let subject = match budget.per {
            Spender::Task => self.task.as_deref(),
            Spender::Key => self.key.as_deref(),
            Spender::Tenant => self.tenant.as_deref(),
        };
        subject.filter(|subject| budget.only.is_empty() || budget.only.iter().any(|only| only == subject))
    }
}

/// What a task has cost in all.
fn task_total(task: &str) -> Meter {
    Meter::sum(&format!("task/{task}"), Some(TASK))
}

#[cfg(test)]
mod tests;

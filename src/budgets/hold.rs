//! What a request under way counts as.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Amount, Budgets, Limit, Over};
use crate::alert::Scope;
use crate::alert::event::Budget;
use crate::config::{BudgetConfig, Period, Spender, WhenOver};
use crate::meters::Meter;

/// What a request counts as until it is settled. One that is dropped unsettled is given back.
#[derive(Debug)]
pub struct Hold {
    budgets: Arc<Budgets>,
    held: Vec<Held>,
    expected: Amount,
    task: Option<Meter>,
    settled: bool,
}

/// A level that a request raises.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) meter: Meter,
    pub(super) unit: Money,
    pub(super) budget: String,
    pub(super) per: Spender,
    pub(super) subject: String,
    pub(super) soft: Option<f64>,
    pub(super) hard: Option<f64>,
    pub(super) when_over: WhenOver,
    every: Period,
    /// The present day or month.
    pub(super) period: String,
}

/// What a level counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Money {
    Usd,
    Tokens,
}

impl Money {
    pub(super) fn of(self, amount: Amount) -> f64 {
        match self {
            Self::Usd => amount.usd,
            Self::Tokens => amount.tokens,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Tokens => "tokens",
        }
    }
}

impl Held {
    /// The running total of a task.
    pub(super) fn total(meter: Meter) -> Self {
        Self {
            meter,
            unit: Money::Usd,
            budget: String::new(),
            per: Spender::Task,
            subject: String::new(),
            soft: None,
            hard: None,
            when_over: WhenOver::Refuse,
            every: Period::Ever,
            period: String::new(),
        }
    }

    /// The levels of a budget that have a limit.
    pub(super) fn of(budget: &BudgetConfig, subject: &str, at: Timestamp) -> impl Iterator<Item = Self> {
        let period = budget.every.name(at);
        let limits =
            [(Money::Usd, budget.soft_usd, budget.hard_usd), (Money::Tokens, budget.soft_tokens, budget.hard_tokens)];
        limits.into_iter().filter(|(_, soft, hard)| soft.is_some() || hard.is_some()).map(move |(unit, soft, hard)| {
            let name = format!("budget/{}/{}/{period}/{subject}", budget.name, unit.name());
            Self {
                meter: Meter::sum(&name, budget.every.keep()),
                unit,
                budget: budget.name.clone(),
                per: budget.per,
                subject: subject.to_owned(),
                soft,
                hard,
                when_over: budget.when_over,
                every: budget.every,
                period: period.clone(),
            }
        })
    }

    pub(super) fn over(&self, spent: f64, expected: f64, at: Timestamp) -> Over {
        Over {
            budget: self.budget.clone(),
            per: self.per,
            subject: self.subject.clone(),
            spent,
            limit: self.hard.unwrap_or_default(),
            expected,
            unit: self.unit.name(),
            when_over: self.when_over,
            wait: self.every.left(at),
        }
    }
}

impl Held {
    /// What a limit is called, whatever the day or month.
    pub(super) fn key(&self, limit: Limit) -> String {
        format!("{limit:?}/{}/{}/{}", self.budget, self.unit.name(), self.subject)
    }

    /// What is told of a limit that is reached.
    pub(super) fn event(&self, limit: Limit, spent: f64) -> Budget {
        let (of, most) = match limit {
            Limit::Soft => (", its soft limit", self.soft),
            Limit::Hard => ("", self.hard),
        };
        let most = most.unwrap_or_default();
        let (usd, tokens) = match self.unit {
            Money::Usd => ([spent, most], None),
            Money::Tokens => ([0.0; 2], Some([spent, most])),
        };
        let is_tenants = self.per == Spender::Tenant;
        let whose = if is_tenants { String::new() } else { format!(" of the {} {}", self.per.name(), self.subject) };
        Budget {
            budget: format!("{}{whose}{of}", self.budget),
            scope: Scope { tenant: is_tenants.then(|| self.subject.clone()), ..Scope::default() },
            limit_usd: usd[1],
            spent_usd: usd[0],
            tokens,
            period: self.period.clone(),
            since: Timestamp::now(),
        }
    }
}

impl Hold {
    pub(super) fn new(budgets: &Arc<Budgets>, held: Vec<Held>, expected: Amount, task: Option<Meter>) -> Self {
        Self { budgets: Arc::clone(budgets), held, expected, task, settled: false }
    }

    /// Of a request that nothing is counted for.
    pub(super) fn nothing(budgets: &Arc<Budgets>) -> Self {
        Self::new(budgets, Vec::new(), Amount::default(), None)
    }

    /// From here on the request counts as what it took; a second time changes nothing.
    pub fn settle(&mut self, took: Amount) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let more = |held: &Held| (held.meter.clone(), held.unit.of(took) - held.unit.of(self.expected));
        self.budgets.meters.add(self.held.iter().map(more));
        for held in &self.held {
            let level = self.budgets.meters.level(&held.meter);
            if held.soft.is_some_and(|soft| level >= soft) {
                self.budgets.tell(held, Limit::Soft, level);
            }
        }
    }

    /// What the request's task has cost, this request as far as it is settled; `None` where it belongs to none.
    #[must_use]
    pub fn task_usd(&self) -> Option<f64> {
        let under_way = if self.settled { 0.0 } else { self.expected.usd };
        self.task.as_ref().map(|task| (self.budgets.meters.level(task) - under_way).max(0.0))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.settle(Amount::default());
    }
}

use serde::{Deserialize, Serialize};

use super::in_range;

/// What tasks, keys or tenants may spend, each for itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// What alerts and refusals call it.
    pub name: String,
    /// Whose spending is counted.
    pub per: Spender,
    /// Which of them; empty means each.
    #[serde(default)]
    pub only: Vec<String>,
    /// The time after which the count begins anew.
    #[serde(default)]
    pub every: Period,
    /// USD at which an alert is raised.
    #[serde(default)]
    pub soft_usd: Option<f64>,
    /// USD that are not passed.
    #[serde(default)]
    pub hard_usd: Option<f64>,
    /// Tokens, prompts and answers together, at which an alert is raised.
    #[serde(default)]
    pub soft_tokens: Option<f64>,
    /// Tokens that are not passed.
    #[serde(default)]
    pub hard_tokens: Option<f64>,
    /// What becomes of a request that would pass a hard limit.
    #[serde(default)]
    pub when_over: WhenOver,
}

/// Whose spending a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spender {
    /// An agent run, from `x-rungs-task`.
    Task,
    /// A client's key, by its name.
    Key,
    /// Who pays, from the key or `x-rungs-tenant`.
    Tenant,
}

impl Spender {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Key => "key",
            Self::Tenant => "tenant",
        }
    }
}

/// How long spending adds up. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    #[default]
    Day,
    /// A month.
    Month,
    /// From the first request on.
    Ever,
}

/// What becomes of a request that would pass a hard limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenOver {
    /// It is refused with 429.
    #[default]
    Refuse,
    /// It goes to the cheapest tier, and is counted all the same.
    Cheap,
}

impl BudgetConfig {
    fn check(&self, key: &str) -> Result<(), String> {
        let amounts = [
            ("soft_usd", self.soft_usd),
            ("hard_usd", self.hard_usd),
            ("soft_tokens", self.soft_tokens),
            ("hard_tokens", self.hard_tokens),
        ];
        if amounts.iter().all(|(_, amount)| amount.is_none()) {
            return Err(format!("{key}: give at least one of soft_usd, hard_usd, soft_tokens and hard_tokens"));
        }
        for (name, amount) in amounts {
            in_range(&format!("{key}.{name}"), amount.unwrap_or(1.0), 1e-6, 1e15)?;
        }
        for (unit, soft, hard) in
            [("usd", self.soft_usd, self.hard_usd), ("tokens", self.soft_tokens, self.hard_tokens)]
        {
            if soft.zip(hard).is_some_and(|(soft, hard)| soft > hard) {
                return Err(format!("{key}: soft_{unit} is above hard_{unit}, and would never be told"));
            }
        }
        Ok(())
    }
}

pub(super) fn check_all(budgets: &[BudgetConfig]) -> Result<(), String> {
    for (i, budget) in budgets.iter().enumerate() {
        if budget.name.is_empty() || budgets[..i].iter().any(|other| other.name == budget.name) {
            return Err(format!("budgets: the name `{}` is empty or given twice", budget.name));
        }
        budget.check(&format!("budgets.{}", budget.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(toml: &str) -> String {
        match toml::from_str::<BudgetConfig>(&format!("name = 'b'\nper = 'key'\n{toml}")) {
            Err(error) => error.to_string(),
            Ok(budget) => check_all(&[budget]).err().unwrap_or_default(),
        }
    }

    #[test]
    fn a_budget_limits_something_and_can_be_reached() {
        assert_eq!(error("hard_usd = 5.0\nsoft_usd = 4.0\nevery = 'month'"), "");
        assert!(error("").contains("budgets.b") && error("").contains("at least one"));
        assert!(error("soft_tokens = 10.0\nhard_tokens = 5.0").contains("soft_tokens is above"));
        assert!(
            error("hard_usd = -1.0").contains("budgets.b.hard_usd") && error("hard_usd = nan").contains("hard_usd")
        );
        assert!(error("hard_usd = 1.0\nevery = 'week'").contains("week") && error("usd = 1.0").contains("usd"));
    }

    #[test]
    fn names_are_given_once() {
        let budget: BudgetConfig = toml::from_str("name = 'b'\nper = 'task'\nhard_usd = 1.0").unwrap();
        assert!(check_all(&[budget.clone(), budget]).unwrap_err().contains("`b`"));
    }
}

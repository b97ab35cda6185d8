//! Plans a request within the budgets that it is counted by.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;

use super::decide::Decision;
use super::error::ApiError;
use super::headers::Context;
use super::state::App;
use crate::budgets::{Account, Amount, Hold, Over};
use crate::chat::{ChatRequest, Usage};
use crate::config::WhenOver;
use crate::policy::{Cause, Tokens};

/// A request that may be made, and as what it goes.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) decision: Decision,
    pub(super) hold: Hold,
    /// What its calls are expected to take.
    pub(super) expected: Usage,
    /// The budget that is spent, for which it goes to the cheapest tier.
    pub(super) budget: Option<String>,
}

impl App {
    /// Plans a request and counts what it is expected to take.
    ///
    /// # Errors
    /// 429 where a budget does not allow it; else as [`App::decide`].
    pub(super) async fn admit(
        &self,
        request: &Arc<ChatRequest>,
        size: usize,
        context: &Context,
        id: &str,
        at: Timestamp,
    ) -> Result<Admitted, ApiError> {
        let decision = self.decide(request, size, context, id).await?;
        let account = context.account();
        let expected =
            if self.budgets.concern(&account) { Tokens::estimate(request).expected } else { Usage::default() };
        let over = match self.hold(&account, &decision, expected, at).await {
            Ok(hold) => return Ok(Admitted { decision, hold, expected, budget: None }),
            Err(over) if over.when_over == WhenOver::Cheap => over,
            Err(over) => return Err(over.into()),
        };
        let context = context.clone().over_budget(self.tier_names().next());
        let Ok(mut decision) = self.decide(request, size, &context, id).await else { return Err(over.into()) };
        decision.plan.cause = Cause::Budget;
        let hold = self.hold(&account, &decision, expected, at).await?;
        Ok(Admitted { decision, hold, expected, budget: Some(over.budget) })
    }

    async fn hold(&self, account: &Account, decision: &Decision, expected: Usage, at: Timestamp) -> Result<Hold, Over> {
        let rungs = &decision.plan.rungs;
        let start = rungs.first().and_then(|name| self.tier(name));
        let usd = start.and_then(|tier| Some(tier.price_now()?.cost_usd(expected))).unwrap_or_default();
        let tokens = expected.input_tokens.saturating_add(expected.output_tokens) as f64;
        let is_cheap = rungs.len() == 1 && start.map(|tier| tier.name.as_str()) == self.tier_names().next();
        self.budgets.admit(account, Amount { usd, tokens }, is_cheap, at).await
    }
}

impl From<Over> for ApiError {
    fn from(over: Over) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", &over)
            .with_code("budget_exceeded")
            .with_retry_after(over.wait)
    }
}

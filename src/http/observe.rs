//! Observe mode: a request goes where its client sent it, and what would have been done with it is written down.

use super::error::ApiError;
use super::state::App;
use crate::config::{RouteConfig, TierConfig};
use crate::decisions::Observed;
use crate::judge::hash::{Salt, uniform};
use crate::policy::{Ask, Cause, Plan, plan};

impl App {
    /// Whether a request for `auto` is routed, where only a share of them is. `key` decides, so that a conversation is routed
    /// as a whole or not at all.
    pub(super) fn is_routed(&self, route: Option<&RouteConfig>, key: &str) -> bool {
        let share = self.share(route);
        share >= 1.0 || uniform(&self.config.judge.seed, Salt::Routed, key) < share
    }

    /// The plan that is carried out, and what was planned for a request that is not routed: that goes to the tier whose name or
    /// model the client asked for, else to the highest one, unchecked.
    ///
    /// # Errors
    /// When that tier cannot take the request.
    pub(super) fn share_out(
        &self,
        planned: Plan,
        is_routed: bool,
        model: &str,
        route: Option<&RouteConfig>,
        ask: &Ask<'_>,
    ) -> Result<(Plan, Option<Observed>), ApiError> {
        let share = self.share(route);
        let Some(asked) = self.asked(model).filter(|_| share < 1.0) else { return Ok((planned, None)) };
        // Where both would begin at the same tier, it is chosen either way.
        let same = planned.rungs.first() == Some(&asked.name);
        if is_routed {
            let chance = if same { 1.0 } else { share };
            return Ok((Plan { propensity: chance * planned.propensity, ..planned }, None));
        }
        let direct = plan(&self.tiers, &Ask { direct: Some(&asked.name), ..*ask })?;
        let observed = Observed { rungs: planned.rungs, cause: planned.cause, cost_usd: None };
        let propensity = if same { 1.0 } else { 1.0 - share };
        Ok((Plan { cause: Cause::Observed, propensity, ..direct }, Some(observed)))
    }

    fn share(&self, route: Option<&RouteConfig>) -> f64 {
        route.and_then(|route| route.routed_share).unwrap_or(self.config.policy.routed_share)
    }

    fn asked(&self, model: &str) -> Option<&TierConfig> {
        let named = self.tiers.iter().find(|tier| tier.name == model || tier.model == model);
        named.or(self.tiers.last())
    }
}

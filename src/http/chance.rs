//! What is left to chance of a plan: whether a cascade that does not pay is tried all the same, whether a request explores, and
//! whether it is routed at all. Every probability ends up in the plan's `propensity`.

use super::error::ApiError;
use super::headers::Context;
use super::state::App;
use crate::cascade::Caps;
use crate::chat::{ChatRequest, Role};
use crate::config::RouteConfig;
use crate::decisions::Observed;
use crate::judge::hash::{Salt, uniform};
use crate::policy::{Ask, Cause, Plan, PlanError, plan};

/// A request whose plan is made.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    pub(super) id: &'a str,
    pub(super) request: &'a ChatRequest,
    pub(super) context: &'a Context,
    pub(super) ask: &'a Ask<'a>,
    pub(super) caps: Caps,
    pub(super) is_routed: bool,
}

impl App {
    /// Whether a request for `auto` is routed, where only a share of them is. The conversation decides, so that it is routed as
    /// a whole or not at all. A budget that is spent moves a request whatever the share is.
    pub(super) fn is_routed(&self, context: &Context, id: &str) -> bool {
        let share = self.share(self.config.route(context.route.as_deref()));
        let key = context.conversation.as_deref().unwrap_or(id);
        context.over_budget || share >= 1.0 || uniform(&self.config.judge.seed, Salt::Routed, key) < share
    }

    /// The plan that is carried out in place of the one that was made; beside it, for a request that is not routed, what was
    /// planned.
    ///
    /// # Errors
    /// When no plan could be made for a request that is routed, or the tier that the client of another one asks for cannot take
    /// it.
    pub(super) fn leave_to_chance(
        &self,
        planned: Result<Plan, PlanError>,
        drawn: &Drawn<'_>,
    ) -> Result<(Plan, Option<Observed>), ApiError> {
        let Drawn { id, request, context, ask, caps, is_routed } = *drawn;
        let planned = match planned {
            Ok(planned) => planned,
            // What routing would have refused goes where its client sent it all the same.
            Err(_) if !is_routed => return Ok((self.untouched(drawn)?, None)),
            Err(error) => return Err(error.into()),
        };
        let planned = if self.affords_ceiling(&planned, caps) {
            self.engine.gate(planned, context.route.as_deref(), id)
        } else {
            planned
        };
        let explores = is_routed && context.task.is_none() && is_alone(request);
        let planned = if explores { self.explored(planned, ask, id) } else { planned };
        if ask.direct.is_some() || context.over_budget {
            return Ok((planned, None));
        }
        self.share_out(planned, drawn)
    }

    /// Now and then a request that its score would start at one end starts at the other, to learn what becomes of it.
    fn explored(&self, planned: Plan, ask: &Ask<'_>, id: &str) -> Plan {
        let share = self.config.retrain.explore;
        let (Some((score, _)), true) = (ask.score, share > 0.0 && planned.cause.is_by_score()) else { return planned };
        let at = |threshold| plan(&self.tiers, &Ask { score: Some((score, threshold)), confidence: &[], ..*ask });
        // No gain reaches the one threshold, and any gain reaches the other.
        let (Ok(cheap), Ok(frontier)) = (at(2.0), at(-2.0)) else { return planned };
        let other = if planned.rungs.first() == cheap.rungs.first() { frontier } else { cheap };
        if other.rungs.first() == planned.rungs.first() {
            return planned;
        }
        if uniform(&self.config.judge.seed, Salt::Explore, id) < share {
            return Plan { cause: Cause::Explore, propensity: planned.propensity * share, ..other };
        }
        Plan { propensity: planned.propensity * (1.0 - share), ..planned }
    }

    /// Routes a share of the requests; the others are observed.
    fn share_out(&self, planned: Plan, drawn: &Drawn<'_>) -> Result<(Plan, Option<Observed>), ApiError> {
        let share = self.share(self.config.route(drawn.context.route.as_deref()));
        if share >= 1.0 {
            return Ok((planned, None));
        }
        // Where both would begin at the same tier, it is chosen either way.
        let same = planned.rungs.first().map(String::as_str) == self.asked(drawn);
        if drawn.is_routed {
            let chance = if same { 1.0 } else { share };
            return Ok((Plan { propensity: chance * planned.propensity, ..planned }, None));
        }
        let observed = Observed { rungs: planned.rungs, cause: planned.cause, cost_usd: None };
        let propensity = if same { 1.0 } else { 1.0 - share };
        Ok((Plan { propensity, ..self.untouched(drawn)? }, Some(observed)))
    }

    /// The plan of a request that goes where its client sent it.
    fn untouched(&self, drawn: &Drawn<'_>) -> Result<Plan, ApiError> {
        let direct = plan(&self.tiers, &Ask { direct: self.asked(drawn), ..*drawn.ask })?;
        Ok(Plan { cause: Cause::Observed, ..direct })
    }

    /// The tier whose name or model a client asked for, else the highest one.
    fn asked(&self, drawn: &Drawn<'_>) -> Option<&str> {
        let model = drawn.request.model();
        let named = self.tiers.iter().find(|tier| tier.name == model || tier.model == model);
        named.or(self.tiers.last()).map(|tier| tier.name.as_str())
    }

    fn share(&self, route: Option<&RouteConfig>) -> f64 {
        route.and_then(|route| route.routed_share).unwrap_or(self.config.policy.routed_share)
    }

    /// Whether a request may start at the ceiling of its plan.
    fn affords_ceiling(&self, plan: &Plan, caps: Caps) -> bool {
        let price = plan.rungs.last().and_then(|name| self.tier(name)?.price_now());
        caps.max_cost_usd.zip(price).is_none_or(|(most, price)| price.cost_usd(caps.expected) <= most)
    }
}

/// Whether a request is no part of a conversation, and no tool hangs on its answer: whoever is sent elsewhere once would be
/// so again and again.
fn is_alone(request: &ChatRequest) -> bool {
    let said = |role| request.messages().iter().filter(|message| message.role == role).count();
    said(Role::User) == 1 && said(Role::Assistant) == 0 && said(Role::Tool) == 0 && request.tools().is_empty()
}

//! From a request to its plan.

use std::sync::Arc;

use indexmap::IndexMap;

use super::error::ApiError;
use super::headers::Context;
use super::state::App;
use crate::cascade::{Caps, Prospect};
use crate::chat::{ChatRequest, Role};
use crate::config::{Consequence, Preset, Threshold};
use crate::decisions::Observed;
use crate::difficulty::{Acceptability, Score};
use crate::judge::hash::{Salt, uniform};
use crate::policy::{Ask, Cause, Plan, Rules, Stay, Target, Tokens, needs, per_tier, plan};

/// A request with a larger body is scored off the worker thread: even the quick embedder takes milliseconds for it.
const LARGE_BODY: usize = 256 << 10;

/// What was decided for a request, and by what.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) plan: Plan,
    /// What would have been done with a request that is not routed.
    pub(super) observed: Option<Observed>,
    /// Acceptability per tier; empty when the request could not be scored.
    pub(super) p: IndexMap<String, Acceptability>,
    /// p_frontier − p_cheap.
    pub(super) score: Option<f64>,
    /// What the score was compared with; `None` for a request that was not routed by its score.
    pub(super) threshold: Option<f64>,
    /// What the request may take.
    pub(super) caps: Caps,
    /// Distance from the training data.
    pub(super) novelty: Option<f64>,
    /// What answers are weighed against.
    pub(super) prospect: Option<Prospect>,
}

impl Decision {
    /// 1 − p of the cheapest tier.
    pub(super) fn difficulty(&self) -> Option<f64> {
        self.p.first().map(|(_, p)| 1.0 - p.get())
    }
}

impl App {
    /// Scores a request and plans it. The id decides what is left to chance.
    ///
    /// # Errors
    /// When the model that it names does not exist, or no tier may or can take it.
    pub(super) async fn decide(
        &self,
        request: &Arc<ChatRequest>,
        size: usize,
        context: &Context,
        id: &str,
    ) -> Result<Decision, ApiError> {
        let target =
            Target::parse(&request.model(), self.config.policy.threshold, &self.config.aliases, self.tier_names())?;
        let score = self.score(request, size).await;
        let threshold = match &target {
            Target::Auto(threshold) if self.scoring.has_signal() => Some(self.resolve(*threshold)),
            _ => None,
        };
        let tokens = self.tokens(request);
        let caps = self.caps(context.max_cost_usd()?, tokens);
        let route = self.config.route(context.route.as_deref());
        let (threshold, floor) = self.careful(threshold, context);
        let is_routed = match &target {
            Target::Tier(_) => true,
            Target::Auto(_) => self.is_routed(route, context.conversation.as_deref().unwrap_or(id)),
        };
        let (stay, needs) = (self.stay(request, context, tokens).filter(|_| is_routed), needs(request));
        let ask = Ask {
            direct: match &target {
                Target::Tier(name) => Some(name),
                Target::Auto(_) => None,
            },
            score: score.as_ref().zip(threshold),
            fallback: self.config.policy.fallback,
            checked: self.config.cascade.enabled,
            confidence: if self.weighs_start() { self.scoring.confidence() } else { &[] },
            stay: stay.as_ref(),
            tokens,
            needs: &needs,
            tiers: &context.tiers,
            max_tier: context.max_tier.as_deref(),
            rules: Rules {
                min_tier: floor.or(route.and_then(|route| route.min_tier.as_deref())),
                max_tier: route.and_then(|route| route.max_tier.as_deref()),
            },
            min_quality: context.min_quality()?.or(route.and_then(|route| route.min_quality)),
            max_cost_usd: caps.max_cost_usd,
        };
        let plan = plan(&self.tiers, &ask)?;
        let plan =
            if self.affords_ceiling(&plan, caps) { self.engine.gate(plan, context.route.as_deref(), id) } else { plan };
        let explores = is_routed && context.task.is_none() && is_alone(request);
        let plan = if explores { self.explored(plan, &ask, id) } else { plan };
        let (plan, observed) = match &target {
            Target::Tier(_) => (plan, None),
            Target::Auto(_) => self.share_out(plan, is_routed, &request.model(), route, &ask)?,
        };
        let p = score.as_ref().and_then(|score| per_tier(&self.tiers, score)).unwrap_or_default();
        let score_per_tier = p.last().zip(p.first()).map(|((_, frontier), (_, cheap))| frontier.get() - cheap.get());
        let novelty = score.as_ref().and_then(|score| score.novelty);
        let prospect = match (&target, score) {
            (Target::Auto(threshold), Some(score)) if plan.checked => Some(self.prospect(score, *threshold, caps)),
            _ => None,
        };
        Ok(Decision { plan, observed, score: score_per_tier, threshold, caps, novelty, prospect, p })
    }

    /// Threshold and lowest tier of a request, while an alarm stands that speaks of it.
    fn careful(&self, threshold: Option<f64>, context: &Context) -> (Option<f64>, Option<&str>) {
        let (route, tenant) = (context.route.as_deref(), context.tenant.as_deref());
        let consequence = self.config.drift.consequence;
        if consequence == Consequence::ProposeRetrain || !self.alarms.stand(self.scoring.version(), route, tenant) {
            return (threshold, None);
        }
        match consequence {
            Consequence::Frontier => (threshold, self.tiers.last().map(|tier| tier.name.as_str())),
            _ => (threshold.map(|threshold| threshold.min(self.scoring.threshold(Preset::Quality))), None),
        }
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

    pub(super) fn resolve(&self, threshold: Threshold) -> f64 {
        match threshold {
            Threshold::Preset(preset) => self.scoring.threshold(preset),
            Threshold::Value(value) => value,
        }
    }

    /// What speaks for staying at the tier that answered the conversation last. Who begins anew with the same words goes where
    /// the rule sends them.
    fn stay(&self, request: &ChatRequest, context: &Context, tokens: Tokens) -> Option<Stay> {
        let goes_on = request.messages().iter().any(|message| message.role == Role::Assistant);
        let key = context.conversation.as_deref().filter(|_| goes_on)?;
        let only_up = self.scoring.certified().is_some();
        self.engine.stay(key, tokens.expected).map(|stay| Stay { only_up, ..stay })
    }

    /// Whether a request may start lower than its score says, because its answer can be climbed from.
    fn weighs_start(&self) -> bool {
        self.config.cascade.weigh_start && self.config.cascade.max_calls > 1
    }

    fn prospect(&self, score: Score, threshold: Threshold, caps: Caps) -> Prospect {
        let scoring = Arc::clone(&self.scoring);
        Prospect::new(scoring, score.p, self.resolve(threshold), &self.tiers, caps.expected)
    }

    fn tokens(&self, request: &ChatRequest) -> Tokens {
        // Reading the conversation for its length is spared where neither a window nor a price depends on it.
        if self.tiers.iter().any(|tier| tier.context_window.is_some() || tier.price_now().is_some()) {
            Tokens::estimate(request)
        } else {
            Tokens::default()
        }
    }

    /// Whether a request may start at the ceiling of its plan.
    fn affords_ceiling(&self, plan: &Plan, caps: Caps) -> bool {
        let price = plan.rungs.last().and_then(|name| self.tier(name)?.price_now());
        caps.max_cost_usd.zip(price).is_none_or(|(most, price)| price.cost_usd(caps.expected) <= most)
    }

    /// The lower one of the configuration's and the client's limits.
    fn caps(&self, max_cost_usd: Option<f64>, tokens: Tokens) -> Caps {
        let config = &self.config.cascade;
        let max_cost_usd = [config.max_cost_usd, max_cost_usd].into_iter().flatten().reduce(f64::min);
        Caps { max_calls: config.max_calls, max_cost_usd, expected: tokens.expected }
    }

    /// The score; `None` when it cannot be had, which the fallback policy then answers for.
    async fn score(&self, request: &Arc<ChatRequest>, size: usize) -> Option<Score> {
        let scored = if self.scoring.is_slow() || size > LARGE_BODY {
            let (scoring, request) = (Arc::clone(&self.scoring), Arc::clone(request));
            tokio::task::spawn_blocking(move || scoring.score(&request)).await.map_err(|error| error.to_string())
        } else {
            Ok(self.scoring.score(request))
        };
        match scored.and_then(|score| score.map_err(|error| error.to_string())) {
            Ok(score) => Some(score),
            Err(error) => {
                tracing::warn!(%error, "the request could not be scored; the fallback policy decides");
                None
            }
        }
    }
}

/// Whether a request is no part of a conversation, and no tool hangs on its answer: whoever is sent elsewhere once would be
/// so again and again.
fn is_alone(request: &ChatRequest) -> bool {
    let said = |role| request.messages().iter().filter(|message| message.role == role).count();
    said(Role::User) == 1 && said(Role::Assistant) == 0 && said(Role::Tool) == 0 && request.tools().is_empty()
}

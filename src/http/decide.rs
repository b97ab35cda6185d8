//! From a request to its plan.

use std::sync::Arc;

use indexmap::IndexMap;

use super::chance::Drawn;
use super::error::ApiError;
use super::headers::Context;
use super::state::App;
use crate::cascade::{Caps, Prospect};
use crate::chat::{ChatRequest, Role};
use crate::config::{Consequence, Preset, Threshold};
use crate::decisions::Observed;
use crate::difficulty::{Acceptability, Score};
use crate::policy::{Ask, Plan, Rules, Stay, Target, Tokens, needs, per_tier, plan};

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
        let direct = match &target {
            Target::Tier(name) => Some(name.as_str()),
            Target::Auto(_) => None,
        };
        let score = self.score(request, size).await;
        let tokens = self.tokens(request);
        let caps = self.caps(context.max_cost_usd()?, tokens);
        let route = self.config.route(context.route.as_deref());
        let (threshold, floor) = self.careful(self.threshold(&target), context);
        let is_routed = direct.is_some() || self.is_routed(context, id);
        let (stay, needs) = (self.stay(request, context, tokens).filter(|_| is_routed), needs(request));
        let ask = Ask {
            direct,
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
        let planned = plan(&self.tiers, &ask);
        let drawn = Drawn { id, request, context, ask: &ask, caps, is_routed };
        let (plan, observed) = self.leave_to_chance(planned, &drawn)?;
        Ok(Decision { observed, threshold, ..self.decided(plan, &target, score, caps) })
    }

    /// What is known of a request whose plan stands.
    fn decided(&self, plan: Plan, target: &Target, score: Option<Score>, caps: Caps) -> Decision {
        let p = score.as_ref().and_then(|score| per_tier(&self.tiers, score)).unwrap_or_default();
        let score_per_tier = p.last().zip(p.first()).map(|((_, frontier), (_, cheap))| frontier.get() - cheap.get());
        let novelty = score.as_ref().and_then(|score| score.novelty);
        let prospect = match (target, score) {
            (Target::Auto(threshold), Some(score)) if plan.checked => Some(self.prospect(score, *threshold, caps)),
            _ => None,
        };
        Decision { plan, observed: None, score: score_per_tier, threshold: None, caps, novelty, prospect, p }
    }

    /// What the score of a request is compared with; `None` for one that is not routed by it.
    fn threshold(&self, target: &Target) -> Option<f64> {
        match target {
            Target::Auto(threshold) if self.scoring.has_signal() => Some(self.resolve(*threshold)),
            _ => None,
        }
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

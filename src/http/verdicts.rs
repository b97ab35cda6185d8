//! What the artifact in force says of itself, for what is served.

use super::decide::Decision;
use super::headers::Context;
use super::state::App;
use crate::config::Threshold;
use crate::difficulty::Verdict;
use crate::policy::{Cause, Standing};

impl App {
    /// Whether requests are routed by their score.
    pub(super) fn signal(&self) -> Verdict {
        if self.scoring.has_signal() { Verdict::Usable } else { Verdict::None }
    }

    /// How the artifact's certificate stands for requests at this operating point; `None` where it has none.
    #[must_use]
    pub fn certificate(&self, threshold: Threshold) -> Option<Standing> {
        let threshold = self.resolve(threshold);
        let standing = self.scoring.certified()?.standing(&self.tiers, &self.config.cascade, threshold);
        let alarms = self.alarms.about(self.scoring.version());
        Some(alarms.iter().fold(standing, |standing, alarm| standing.and(Some(&alarm.reason()))))
    }

    /// The highest tier that the request's route allows.
    fn rule(&self, context: &Context) -> Option<&String> {
        self.config.route(context.route.as_deref())?.max_tier.as_ref()
    }

    /// The same for one request.
    pub(super) fn certificate_of(&self, decision: &Decision, context: &Context) -> Option<Standing> {
        let threshold = decision.threshold.map_or(self.config.policy.threshold, Threshold::Value);
        let below = |ceiling: &String| self.tiers.last().is_some_and(|last| last.name != *ceiling);
        let reason = match decision.plan.cause {
            Cause::Worth => Some("the worth of seeing a cheap answer first decides, not its score alone"),
            Cause::Observed => Some("the request is observed, not routed"),
            Cause::Explore => Some("the request starts elsewhere to learn what becomes of it"),
            Cause::Direct => Some("the client named a tier"),
            Cause::Fallback => Some("the request is not routed by its score"),
            Cause::ContextWindow => Some("the conversation's length decides, not its score"),
            Cause::Capability => Some("what the request needs decides, not its score"),
            Cause::Floor => Some("a floor of the request or of its route decides, not its score"),
            Cause::Budget => Some("a budget is spent, which decides, not the score"),
            Cause::MaxCost => Some("the request's cost limit decides, not its score"),
            Cause::Score | Cause::Sticky | Cause::CascadeOff | Cause::Probe
                if context.max_tier.as_ref().is_some_and(below) =>
            {
                Some("x-rungs-max-tier keeps the request from the frontier")
            }
            Cause::Score | Cause::Sticky | Cause::CascadeOff | Cause::Probe
                if self.rule(context).is_some_and(below) =>
            {
                Some("the route's max_tier keeps the request from the frontier")
            }
            Cause::Score | Cause::Sticky | Cause::CascadeOff | Cause::Probe => None,
        };
        Some(self.certificate(threshold)?.and(reason))
    }
}

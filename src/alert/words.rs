//! What an alert says in words: annotations.

use std::collections::BTreeMap;

use super::event::{Budget, Cause, Drift, Event};

impl Event {
    /// One line: what is the matter.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::BudgetExceeded(Budget { budget, tokens: Some([spent, limit]), period, .. }) => {
                format!("the budget {budget} is used up: {spent:.0} of {limit:.0} tokens in {period}")
            }
            Self::BudgetExceeded(Budget { budget, spent_usd, limit_usd, period, .. }) => {
                format!("the budget {budget} is used up: ${spent_usd:.2} of ${limit_usd:.2} in {period}")
            }
            Self::DecisionLogLagging(lag) => {
                format!("{} decision records wait for the database, {} are lost", lag.pending, lag.lost)
            }
            Self::ModelPromoted(change) => format!("the model {} is in force: {}", change.version, change.reason),
            Self::ModelRejected(change) => format!("the model {} was refused: {}", change.version, change.reason),
            _ => self.drift().map_or_else(String::new, |drift| self.moved(drift)),
        }
    }

    /// What moved, from what to what, since when, what it cost, by which decisions it is seen, and what to do.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let mut words = vec![
            ("summary", self.summary()),
            ("since", format!("{:.0}", self.since())),
            ("action", self.action().to_owned()),
        ];
        if let Some(drift) = self.drift() {
            words.push(("from", self.figure(drift.from)));
            words.push(("to", self.figure(drift.to)));
            words.push(("samples", drift.samples.to_string()));
            let interval = drift.interval.map(|[low, high]| format!("{} to {}", self.figure(low), self.figure(high)));
            words.extend(interval.map(|interval| ("interval", interval)));
            words.extend(drift.cause.map(|cause| ("cause", cause.words().to_owned())));
            words.extend(drift.damage.map(|damage| {
                let usd = damage.usd.map_or_else(|| "cost unknown".to_owned(), |usd| format!("${usd:.2}"));
                ("damage", format!("about {:.0} requests, {usd}", damage.requests))
            }));
            let examples = (!drift.examples.is_empty()).then(|| drift.examples.join(" "));
            words.extend(examples.map(|examples| ("examples", examples)));
        }
        if let Self::DecisionLogLagging(lag) = self {
            words.extend(lag.error.clone().map(|error| ("error", error)));
        }
        words.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn moved(&self, drift: &Drift) -> String {
        let Drift { figure, from, to, scope, .. } = drift;
        format!("{figure} of {scope}: from {} to {}", self.figure(*from), self.figure(*to))
    }

    /// A number as this alert's figure is written.
    fn figure(&self, x: f64) -> String {
        match self {
            Self::InputDrift(drift) if drift.figure.contains("PSI") => format!("{x:.3}"),
            Self::CostDrift(_) => format!("${x:.6}"),
            Self::LatencyDrift(_) => format!("{x:.0} ms"),
            _ => format!("{:.1}%", 100.0 * x),
        }
    }

    /// What to do.
    fn action(&self) -> &'static str {
        match self {
            Self::QualityDrift(drift) => match drift.cause {
                Some(Cause::Inputs) => {
                    "other requests come than before: look at the examples, then run `rungs retrain`, whose gate decides"
                }
                Some(Cause::Judge) => "check the judge before anything else: see JudgeDrift",
                _ => {
                    "ask the tiers' providers what has changed, look at the examples, raise the operating point, then run \
                      `rungs retrain`, whose gate decides"
                }
            },
            Self::JudgeDrift(_) => {
                "pin the judge's model and prompt again, or label the anchor set anew; quality figures since then do not compare"
            }
            Self::CalibrationDrift(_) => "run `rungs calibrate` on newly judged answers, or `rungs retrain`",
            Self::InputDrift(_) => {
                "see what is asked now (`GET /v1/decisions`); if it is here to stay, run `rungs retrain`"
            }
            Self::EscalationRateHigh(_) => {
                "start these requests higher (`routes.NAME.min_tier`, `policy.threshold`) or switch the cascade off for them"
            }
            Self::CostDrift(_) => "compare `rungs report` with the week before: tokens, tiers, cache hits, prices",
            Self::LatencyDrift(_) => "see which tier takes its time: `rungs report`, `GET /metrics`",
            Self::BudgetExceeded(_) => "raise the budget, or see in `rungs report` who spends it",
            Self::UpstreamDown(_) => {
                "ask the provider, check key and address; other endpoints and tiers answer meanwhile"
            }
            Self::DecisionLogLagging(_) => "bring the database back: records follow from the journal",
            Self::ModelPromoted(_) => "nothing; `rungs models rollback` takes it back",
            Self::ModelRejected(_) => "nothing; the champion stays",
        }
    }
}

impl Cause {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::System => "system: the same kind of request is answered worse",
            Self::Inputs => "inputs: other requests come, which were expected to be answered worse",
            Self::Judge => "judge: it judges the anchor set otherwise than before",
        }
    }
}

//! What was expected of the tiers before any answer, and what an answer makes of it.

use std::sync::Arc;

use indexmap::IndexMap;

use super::agreement::Vote;
use super::evidence::{Beside, Evidence};
use crate::chat::{Answer, ChatRequest, Usage};
use crate::config::TierConfig;
use crate::decisions::{Form, Posterior, Signals};
use crate::difficulty::Acceptability;
use crate::policy::Scoring;

/// A request's scores with the artifact that gave them and the operating point in force.
pub struct Prospect {
    scoring: Arc<dyn Scoring>,
    /// By head.
    p: IndexMap<String, Acceptability>,
    /// The gain that the frontier must bring over the cheapest tier, in [−1, 1].
    threshold: f64,
    /// What a call of the frontier is expected to cost more than one of the cheapest tier, USD; `None` where it is not
    /// known.
    span_usd: Option<f64>,
    expected: Usage,
}

impl Prospect {
    /// What the artifact expects of the tiers, cheap → frontier, for calls of about `expected` tokens.
    pub fn new(
        scoring: Arc<dyn Scoring>,
        p: IndexMap<String, Acceptability>,
        threshold: f64,
        tiers: &[TierConfig],
        expected: Usage,
    ) -> Self {
        let cost = |tier: Option<&TierConfig>| Some(tier?.price?.cost_usd(expected));
        let span_usd = cost(tiers.last()).zip(cost(tiers.first())).map(|(last, first)| last - first);
        Self { scoring, p, threshold, span_usd: span_usd.filter(|span| *span > 0.0), expected }
    }

    /// The probabilities after an answer of `tier`, and the price of climbing to `above`; `None` where the artifact has
    /// not learned from answers of this tier.
    pub(super) fn after(
        &self,
        [tier, above]: [&TierConfig; 2],
        request: &ChatRequest,
        answer: &Answer,
        signals: Signals,
        vote: Option<&Vote>,
    ) -> Option<Posterior> {
        let model = self.scoring.confidence().iter().find(|model| model.tier() == head(tier))?;
        let agreeing = vote.and_then(|vote| vote.clusters.iter().max().copied());
        let beside = Beside {
            vote: vote.zip(agreeing),
            well_formed: match signals.form {
                Some(Form::Valid) => Some(true),
                Some(Form::Invalid) => Some(false),
                Some(Form::Unchecked) | None => None,
            },
            mean_logprob: signals.mean_logprob,
        };
        let p = model.judge(&self.p, &Evidence::of(request, answer, beside))?;
        let (own, above_p) = (p.get(head(tier))?.get(), p.get(head(above))?.get());
        Some(Posterior { own, above: above_p, price: self.price(above) })
    }

    /// λ·c of a call: the threshold is λ times what the frontier costs more than the cheapest tier.
    fn price(&self, tier: &TierConfig) -> f64 {
        let cost = tier.price.map(|price| price.cost_usd(self.expected));
        self.threshold * cost.zip(self.span_usd).map_or(1.0, |(cost, span)| cost / span)
    }
}

impl std::fmt::Debug for Prospect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prospect").field("p", &self.p).field("threshold", &self.threshold).finish_non_exhaustive()
    }
}

/// The name under which the artifact knows a tier.
fn head(tier: &TierConfig) -> &str {
    tier.head.as_deref().unwrap_or(&tier.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::TokenLogprob;
    use crate::config::Preset;
    use crate::difficulty::confidence::tests::example;
    use crate::difficulty::{ConfidenceModel, Score};
    use crate::features::embedding::EmbedError;

    /// Knows how good an answer of `small` is by its log-probabilities.
    struct Learned(Vec<ConfidenceModel>);

    impl Scoring for Learned {
        fn score(&self, _: &ChatRequest) -> Result<Score, EmbedError> {
            Ok(Score { p: IndexMap::new(), score: 0.0, novelty: None })
        }

        fn is_slow(&self) -> bool {
            false
        }

        fn version(&self) -> &str {
            "test"
        }

        fn threshold(&self, _: Preset) -> f64 {
            0.1
        }

        fn has_signal(&self) -> bool {
            true
        }

        fn confidence(&self) -> &[ConfidenceModel] {
            &self.0
        }
    }

    fn tier(name: &str, price: &str) -> TierConfig {
        toml::from_str(&format!("name = \"{name}\"\nbase_url = \"http://localhost\"\nmodel = \"m\"\n{price}")).unwrap()
    }

    fn tiers() -> [TierConfig; 2] {
        [tier("small", "price = { input = 1.0, output = 1.0 }"), tier("large", "price = { input = 5.0, output = 5.0 }")]
    }

    fn after(tiers: &[TierConfig; 2], logprob: f64) -> Option<Posterior> {
        let p = ["small", "large"].map(|tier| (tier.to_owned(), Acceptability::new(0.8))).into_iter().collect();
        let expected = Usage::new(100, 10);
        let learned = Arc::new(Learned(vec![example(["small", "large"])]));
        let prospect = Prospect::new(learned, p, 0.2, tiers, expected);
        let logprobs = vec![TokenLogprob { logprob, ..TokenLogprob::default() }];
        let answer = Answer { text: "B".to_owned(), logprobs, ..Answer::default() };
        let signals = super::super::confidence::measure(&answer, None);
        let [own, above] = tiers;
        prospect.after([own, above], &ChatRequest::from_prompt("Which?"), &answer, signals, None)
    }

    #[test]
    fn an_answer_is_weighed_against_the_price_of_the_climb() {
        let sure = after(&tiers(), -0.05).unwrap();
        assert!((sure.own - (-0.05_f64).exp()).abs() < 1e-9 && (sure.above - 0.8).abs() < 1e-9, "{sure:?}");
        // A climb costs 5 of the 4 that the frontier costs more: .2 · 5/4.
        assert!((sure.price - 0.25).abs() < 1e-12 && !sure.climbs());
        let unsure = after(&tiers(), -1.0).unwrap();
        assert!(unsure.climbs() && unsure.above - unsure.own > 0.25, "{unsure:?}");
    }

    #[test]
    fn without_prices_the_threshold_itself_is_the_price() {
        let [small, large] = [tier("small", ""), tier("large", "")];
        assert_eq!(after(&[small, large], -1.0).unwrap().price, 0.2);
    }

    #[test]
    fn a_tier_that_was_not_learned_from_has_no_posterior() {
        let [small, large] = tiers();
        assert_eq!(after(&[TierConfig { name: "other".to_owned(), ..small.clone() }, large.clone()], -1.0), None);
        let named = TierConfig { name: "other".to_owned(), head: Some("small".to_owned()), ..small };
        assert!(after(&[named, large], -1.0).is_some());
    }
}

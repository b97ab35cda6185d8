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

/// An answer, or its beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) answer: &'a Answer,
    pub(super) signals: Signals,
    /// How the samples voted.
    pub(super) vote: Option<&'a Vote>,
    /// Whether this is the whole answer.
    pub(super) ended: bool,
}

/// What a climb is expected to bring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlook {
    pub(super) posterior: Posterior,
    /// The tier that it speaks of, by its place among those above.
    pub(super) place: usize,
}

impl<'a> Given<'a> {
    /// A whole answer that no sample was drawn beside.
    pub(super) fn whole(request: &'a ChatRequest, answer: &'a Answer, signals: Signals) -> Self {
        Self { request, answer, signals, vote: None, ended: true }
    }

    fn beside(&self) -> Beside<'a> {
        let agreeing = self.vote.and_then(|vote| vote.clusters.iter().max().copied());
        Beside {
            vote: self.vote.zip(agreeing),
            well_formed: match self.signals.form {
                Some(Form::Valid) => Some(true),
                Some(Form::Invalid) => Some(false),
                Some(Form::Unchecked) | None => None,
            },
            mean_logprob: self.signals.mean_logprob,
        }
    }
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
        let cost = |tier: Option<&TierConfig>| Some(tier?.price_now()?.cost_usd(expected));
        let span_usd = cost(tiers.last()).zip(cost(tiers.first())).map(|(last, first)| last - first);
        Self { scoring, p, threshold, span_usd: span_usd.filter(|span| *span > 0.0), expected }
    }

    /// What to expect of climbing after an answer of `tier`: of the tiers `above`, cheap → frontier, the one that is
    /// expected to be worth most, its price taken off. `None` where the artifact has not learned from answers of this
    /// tier, or knows none of those above.
    ///
    /// Each tier above is weighed as if a climb to it were the last (pairwise): what could follow only adds to it.
    pub(super) fn after(&self, tier: &TierConfig, above: &[&TierConfig], given: Given<'_>) -> Option<Outlook> {
        let model = self.scoring.confidence().iter().find(|model| model.tier() == tier.head())?;
        let p = if given.ended {
            model.judge(&self.p, &Evidence::of(given.request, given.answer, given.beside()))?
        } else {
            let usual = model.usual_length();
            model.judge_beginning(&self.p, &Evidence::of_beginning(given.request, given.answer, usual))?
        };
        let own = p.get(tier.head())?.get();
        let mut best: Option<Outlook> = None;
        for (place, tier) in above.iter().enumerate() {
            let Some(above) = p.get(tier.head()).map(|p| p.get()) else { continue };
            let posterior = Posterior { own, above, price: self.price(tier) };
            if best.is_none_or(|best| posterior.above - posterior.price > best.posterior.above - best.posterior.price) {
                best = Some(Outlook { posterior, place });
            }
        }
        best
    }

    /// λ·c of a call: the threshold is λ times what the frontier costs more than the cheapest tier.
    fn price(&self, tier: &TierConfig) -> f64 {
        let cost = tier.price_now().map(|price| price.cost_usd(self.expected));
        self.threshold * cost.zip(self.span_usd).map_or(1.0, |(cost, span)| cost / span)
    }
}

impl std::fmt::Debug for Prospect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prospect").field("p", &self.p).field("threshold", &self.threshold).finish_non_exhaustive()
    }
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
        let request = ChatRequest::from_prompt("Which?");
        prospect.after(own, &[above], Given::whole(&request, &answer, signals)).map(|outlook| outlook.posterior)
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
    fn of_several_tiers_above_the_one_worth_most_is_next() {
        let mut model = example(["small", "large"]);
        model.tiers.insert(1, "middle".to_owned());
        for head in &mut model.pooled {
            head.prior = vec![0.0; 3];
        }
        let mut middle = model.pooled[1].clone();
        middle.prior[1] = 1.0;
        model.pooled[1].prior[2] = 1.0;
        model.pooled.insert(1, middle);
        let [small, large] = tiers();
        let middle = tier("middle", "price = { input = 2.0, output = 2.0 }");
        let place = |p_middle: f64, above: &[&TierConfig]| {
            let p = [("small", 0.5), ("middle", p_middle), ("large", 0.95)];
            let p = p.map(|(tier, p)| (tier.to_owned(), Acceptability::new(p))).into_iter().collect();
            let expected = Usage::new(100, 10);
            let all = [small.clone(), middle.clone(), large.clone()];
            let prospect = Prospect::new(Arc::new(Learned(vec![model.clone()])), p, 0.2, &all, expected);
            let answer = Answer { text: "B".to_owned(), ..Answer::default() };
            let request = ChatRequest::from_prompt("Which?");
            prospect.after(&small, above, Given::whole(&request, &answer, Signals::default()))
        };
        // Prices of a climb: .2 · 2/4 = .1 to the middle, .25 to the large one.
        let outlook = place(0.85, &[&middle, &large]).unwrap();
        assert!(outlook.place == 0 && (outlook.posterior.above - 0.85).abs() < 1e-9, "{outlook:?}");
        assert!((outlook.posterior.price - 0.1).abs() < 1e-12);
        assert_eq!(place(0.75, &[&middle, &large]).unwrap().place, 1);
        assert_eq!(place(0.85, &[&large]).unwrap().posterior.price, 0.25);
        assert_eq!(place(0.85, &[&tier("other", "")]), None);
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

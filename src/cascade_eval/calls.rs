//! What the calls of the recorded rows gave and cost.

use super::prices::{PriceSource, listed};
use crate::cascade::evidence::Drawn;
use crate::chat::{ChatRequest, Usage};
use crate::config::Price;
use crate::difficulty::prices::Prices;
use crate::labelled::{LabelledQuery, RecordedOutcome};
use crate::policy::{Tokens, text_tokens};

/// The calls of two tiers; every list has one entry per row.
#[derive(Debug, Clone)]
pub struct Calls {
    cheap: TierCosts,
    frontier: TierCosts,
    /// Calls of the cheap tier where its answer is checked: one, or as many as samples were drawn.
    pub drawn: Vec<f64>,
    /// Score of the answer that the checked cheap tier would serve.
    pub checked: Vec<f64>,
}

/// What one call of a tier costs, per row.
#[derive(Debug, Clone)]
struct TierCosts {
    tier: String,
    price: Option<(Price, PriceSource)>,
    recorded: Vec<Option<f64>>,
    /// By price and tokens; empty where there is no price.
    priced: Vec<f64>,
}

/// How much dearer a frontier of unknown price is taken to be than the cheap tier.
const ASSUMED_RATIO: f64 = 10.0;

impl Calls {
    /// None yet.
    #[must_use]
    pub fn new(cheap: &str, frontier: &str, prices: &Prices) -> Self {
        let costs = |tier: &str| TierCosts {
            tier: tier.to_owned(),
            price: (prices.price(tier).map(|price| (price, PriceSource::Given)))
                .or_else(|| listed(tier).map(|price| (price, PriceSource::BuiltIn))),
            recorded: Vec::new(),
            priced: Vec::new(),
        };
        Self { cheap: costs(cheap), frontier: costs(frontier), drawn: Vec::new(), checked: Vec::new() }
    }

    /// Takes the calls of a query that has an outcome of both tiers; ignores any other.
    pub fn take(&mut self, query: &LabelledQuery) {
        let outcome = |costs: &TierCosts| query.outcomes.get(&costs.tier);
        let (Some(cheap), Some(frontier)) = (outcome(&self.cheap), outcome(&self.frontier)) else { return };
        let drawn = Drawn::of(cheap);
        self.drawn.push(drawn.calls as f64);
        self.checked.push(drawn.score);
        self.cheap.take(&query.request, cheap, frontier);
        self.frontier.take(&query.request, frontier, cheap);
    }

    /// Costs of one call of the cheap tier and of the frontier, and where they are from. A tier of which nothing is known
    /// is taken to be in the ratio of 1 : 10 to the other.
    #[must_use]
    pub fn costs(&self) -> [(Vec<f64>, PriceSource); 2] {
        let times = |costs: &[f64], factor: f64| {
            (costs.iter().map(|cost| cost * factor).collect::<Vec<f64>>(), PriceSource::Assumed)
        };
        match (self.cheap.known(), self.frontier.known()) {
            (Some(cheap), Some(frontier)) => [cheap, frontier],
            (Some(cheap), None) => [cheap.clone(), times(&cheap.0, ASSUMED_RATIO)],
            (None, Some(frontier)) => [times(&frontier.0, 1.0 / ASSUMED_RATIO), frontier],
            (None, None) => {
                let one = vec![1.0; self.drawn.len()];
                [times(&one, 1.0), times(&one, ASSUMED_RATIO)]
            }
        }
    }
}

impl TierCosts {
    /// Takes a call; `other` is what the other tier made of the same request.
    fn take(&mut self, request: &ChatRequest, outcome: &RecordedOutcome, other: &RecordedOutcome) {
        self.recorded.push(outcome.cost_usd);
        if let Some((price, _)) = self.price {
            let input_tokens = outcome.input_tokens.unwrap_or_else(|| Tokens::estimate(request).expected.input_tokens);
            let output_tokens = answer_tokens(outcome).or_else(|| answer_tokens(other)).unwrap_or(0);
            self.priced.push(price.cost_usd(Usage::new(input_tokens, output_tokens)));
        }
    }

    /// Recorded costs, where a row without one counts as the mean of the others; else those by price.
    fn known(&self) -> Option<(Vec<f64>, PriceSource)> {
        let recorded: Vec<f64> = self.recorded.iter().flatten().copied().collect();
        if recorded.is_empty() {
            return self.price.map(|(_, source)| (self.priced.clone(), source));
        }
        let mean = recorded.iter().sum::<f64>() / recorded.len() as f64;
        Some((self.recorded.iter().map(|cost| cost.unwrap_or(mean)).collect(), PriceSource::Recorded))
    }
}

/// Tokens of an answer: as recorded, else those with a log-probability, else about as many as its text takes.
fn answer_tokens(outcome: &RecordedOutcome) -> Option<u64> {
    let listed = || outcome.token_logprobs.as_ref().map(|tokens| tokens.len() as u64);
    outcome.output_tokens.or_else(listed).or_else(|| outcome.answer.as_deref().map(text_tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cheap: RecordedOutcome, frontier: RecordedOutcome) -> LabelledQuery {
        LabelledQuery {
            id: "q".to_owned(),
            request: ChatRequest::from_prompt("Which?"),
            route: None,
            domain: None,
            group: None,
            split: None,
            weight: 1.0,
            outcomes: [("small".to_owned(), cheap), ("large".to_owned(), frontier)].into_iter().collect(),
        }
    }

    fn costs(given: &[(&str, f64, f64)], rows: &[(RecordedOutcome, RecordedOutcome)]) -> [(Vec<f64>, PriceSource); 2] {
        let mut prices = Prices::default();
        given.iter().for_each(|(tier, input, output)| {
            prices.set(tier, Price::new(*input, *output));
        });
        let mut calls = Calls::new("small", "large", &prices);
        rows.iter().for_each(|(cheap, frontier)| calls.take(&query(cheap.clone(), frontier.clone())));
        calls.costs()
    }

    fn with_cost(cost_usd: Option<f64>) -> RecordedOutcome {
        RecordedOutcome { cost_usd, input_tokens: Some(1_000_000), output_tokens: Some(500_000), ..Default::default() }
    }

    #[test]
    fn recorded_costs_come_first_then_given_prices_then_an_assumption() {
        let rows = [(with_cost(Some(1.0)), with_cost(None)), (with_cost(None), with_cost(None))];
        let [cheap, frontier] = costs(&[("large", 2.0, 8.0), ("small", 9.0, 9.0)], &rows);
        assert_eq!(cheap, (vec![1.0, 1.0], PriceSource::Recorded));
        assert_eq!(frontier, (vec![6.0, 6.0], PriceSource::Given));
        assert_eq!(costs(&[], &rows)[1], (vec![10.0, 10.0], PriceSource::Assumed));
        let unknown = [(with_cost(None), with_cost(None))];
        assert_eq!(costs(&[("large", 2.0, 8.0)], &unknown)[0], (vec![0.6000000000000001], PriceSource::Assumed));
        assert_eq!(costs(&[], &unknown).map(|(costs, _)| costs[0]), [1.0, 10.0]);
    }

    #[test]
    fn tokens_that_were_not_recorded_are_estimated() {
        let said = RecordedOutcome { answer: Some("four".to_owned()), ..Default::default() };
        let [cheap, frontier] =
            costs(&[("small", 0.0, 1e6), ("large", 0.0, 1e6)], &[(said, RecordedOutcome::default())]);
        assert_eq!((cheap.0[0], frontier.0[0]), (1.0, 1.0));
        let [cheap, _] = costs(&[("small", 1e6, 0.0), ("large", 1.0, 1.0)], &[Default::default()]);
        assert!((2.0..20.0).contains(&cheap.0[0]), "{cheap:?}");
    }

    #[test]
    fn rows_without_one_of_the_tiers_are_ignored() {
        let mut calls = Calls::new("small", "other", &Prices::default());
        calls.take(&query(RecordedOutcome::default(), RecordedOutcome::default()));
        assert!(calls.drawn.is_empty() && calls.costs()[0].0.is_empty());
    }
}

//! What a bootstrap is expected to cost.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde::Serialize;

use super::folder::Answers;
use super::sample::Question;
use crate::chat::Usage;
use crate::config::{Config, Price};
use crate::policy::{Tokens, answer_limit};
use crate::upstream::Tier;

/// What is still to be called, and what that is expected to cost. Tokens are estimates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Different prompts in the sample.
    pub prompts: usize,
    /// Answers that an earlier run paid for.
    pub kept_answers: usize,
    /// Calls of each tier, cheap → frontier.
    pub tiers: Vec<Calls>,
    /// Calls of the judge.
    pub judge: Calls,
    /// All of it, USD; `None` where a price is not known.
    pub usd: Option<f64>,
    /// The least minutes that the judge takes by `judge.requests_per_minute`.
    pub minutes: f64,
}

/// Calls of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calls {
    /// The tier, or the judge.
    pub name: String,
    /// How many.
    pub calls: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// USD; `None` where the price is not known.
    pub usd: Option<f64>,
    /// Whether the length of answers is known from earlier ones, and not assumed.
    pub measured: bool,
}

/// How long each tier's answers are expected to be.
#[derive(Debug, Default)]
pub(super) struct Expected {
    given: Option<u64>,
    lengths: HashMap<String, u64>,
}

/// Answers that tell how long a tier's answers are.
const ENOUGH: u64 = 10;

/// About what the built-in prompt takes without what is filled in, and what a verdict with its reason does.
const PROMPT: u64 = 350;
const VERDICT: u64 = 80;

impl Expected {
    /// By what was answered before; `given` for tiers that have not answered often enough.
    pub(super) fn of(answers: &Answers, given: Option<u64>) -> Self {
        let mut sums: HashMap<String, (u64, u64)> = HashMap::new();
        for attempt in answers.iter().flat_map(|record| &record.attempts) {
            let Some(usage) = attempt.usage else { continue };
            let sum = sums.entry(attempt.tier.clone()).or_default();
            *sum = (sum.0 + 1, sum.1 + usage.output_tokens);
        }
        let known = sums.into_iter().filter(|(_, (count, _))| *count >= ENOUGH);
        Self { given, lengths: known.map(|(tier, (count, sum))| (tier, sum.div_ceil(count))).collect() }
    }

    fn is_measured(&self, tier: &str) -> bool {
        self.lengths.contains_key(tier)
    }

    /// Tokens of a call.
    fn usage(&self, question: &Question, tier: &str) -> Usage {
        let usual = Tokens::estimate(&question.request).expected;
        let most = answer_limit(&question.request).unwrap_or(u64::MAX);
        let known = self.lengths.get(tier).copied().or(self.given);
        Usage::new(usual.input_tokens, known.map_or(usual.output_tokens, |tokens| tokens.min(most)))
    }

    /// USD of a call; `None` where the price is not known.
    pub(super) fn usd(&self, question: &Question, tier: &Tier) -> Option<f64> {
        Some(tier.config.price_now()?.cost_usd(self.usage(question, tier.name())))
    }

    /// Tokens of comparing a tier's answer with the highest one's.
    fn comparison(&self, question: &Question, tier: &str, frontier: &str) -> Usage {
        let [own, other] = [tier, frontier].map(|tier| self.usage(question, tier));
        Usage::new(PROMPT + own.input_tokens + own.output_tokens + other.output_tokens, VERDICT)
    }
}

impl Estimate {
    /// Counts what is missing.
    pub(super) fn of(
        config: &Config,
        tiers: &[Tier],
        questions: &[Question],
        expected: &Expected,
        (answers, judged): (&Answers, &HashSet<String>),
    ) -> Self {
        let mut all: Vec<Calls> = Vec::new();
        let mut kept_answers = 0;
        for tier in tiers {
            let missing = questions.iter().filter(|one| answers.get(&one.key, tier.name()).is_none());
            let usages: Vec<Usage> = missing.map(|one| expected.usage(one, tier.name())).collect();
            kept_answers += questions.len() - usages.len();
            all.push(Calls::of(tier.name(), &usages, tier.config.price_now(), expected.is_measured(tier.name())));
        }
        let judge = judge(config, tiers, questions, expected, (answers, judged));
        let usd = all.iter().chain([&judge]).map(|calls| calls.usd).sum();
        let minutes = judge.calls as f64 / f64::from(config.judge.requests_per_minute.max(1));
        Self { prompts: questions.len(), kept_answers, tiers: all, judge, usd, minutes }
    }

    /// For a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} prompts; {} answers are at hand from before\n", self.prompts, self.kept_answers);
        for calls in self.tiers.iter().chain([&self.judge]) {
            let Calls { name, calls, input_tokens, output_tokens, usd, measured } = calls;
            let how = if *measured || *calls == 0 { "" } else { ", the length of answers assumed" };
            let _ = writeln!(
                text,
                "  {name:<20} {calls:>6} calls  {input_tokens:>9} tokens in, {output_tokens:>9} out  {}{how}",
                dollars(*usd)
            );
        }
        let _ = writeln!(
            text,
            "about {} in all, and at least {:.0} minutes for the judge",
            dollars(self.usd),
            self.minutes.ceil()
        );
        text
    }
}

/// An amount for a person.
pub(super) fn dollars(usd: Option<f64>) -> String {
    usd.map_or_else(|| "(price not known)".to_owned(), |usd| format!("${usd:.4}"))
}

impl Calls {
    fn of(name: &str, usages: &[Usage], price: Option<Price>, measured: bool) -> Self {
        let (input_tokens, output_tokens) =
            usages.iter().fold((0, 0), |sum, one| (sum.0 + one.input_tokens, sum.1 + one.output_tokens));
        let usd = match price {
            _ if usages.is_empty() => Some(0.0),
            price => price.map(|price| price.cost_usd(Usage::new(input_tokens, output_tokens))),
        };
        Self { name: name.to_owned(), calls: usages.len() as u64, input_tokens, output_tokens, usd, measured }
    }
}

/// What the judge is asked; a part of it in both orders.
fn judge(
    config: &Config,
    tiers: &[Tier],
    questions: &[Question],
    expected: &Expected,
    (answers, judged): (&Answers, &HashSet<String>),
) -> Calls {
    let name = config.judge.tier.as_ref().map_or("judge", |judge| judge.name.as_str());
    let price = config.judge.tier.as_ref().and_then(|judge| judge.price_now());
    let Some((frontier, below)) = tiers.split_last() else { return Calls::of(name, &[], price, false) };
    let is_open = |question: &Question, tier: &Tier| {
        answers
            .get(&question.key, tier.name())
            .is_none_or(|record| !judged.contains(&record.id) && record.error.is_none())
    };
    let mut usages = Vec::new();
    for question in questions.iter().filter(|question| !is_checked(config, question)) {
        let open = below.iter().filter(|tier| is_open(question, tier));
        usages.extend(open.map(|tier| expected.comparison(question, tier.name(), frontier.name())));
    }
    let measured = below.iter().chain([frontier]).all(|tier| expected.is_measured(tier.name()));
    let twice = config.judge.both_orders;
    let more = (usages.len() as f64 * twice).ceil() as usize;
    let again: Vec<Usage> = usages.iter().take(more).copied().collect();
    Calls::of(name, &[usages, again].concat(), price, measured)
}

/// Whether a program judges the answers to a question, and no model.
pub(super) fn is_checked(config: &Config, question: &Question) -> bool {
    let route = question.route.as_ref().and_then(|route| config.routes.get(route));
    route.or_else(|| config.routes.get("default")).is_some_and(|route| route.judge.is_checked())
}

//! Writes the decision record while the request runs.

use std::sync::Arc;

use tokio::time::Instant;

use super::reply::{Facts, Unpassed};
use crate::budgets::{Amount, Hold};
use crate::chat::{Answer, Usage};
use crate::config::{Content, Price};
use crate::decisions::{
    Attempt, AttemptStatus, CallFailure, Cap, CheckResult, DecisionRecord, Early, EscalationReason, Outcome, Purpose,
    Signals,
};
use crate::upstream::{FailedCall, Tier, UpstreamError, Watch};

/// The record of a request under way. Whatever it shows at any moment is true: an attempt that has not ended counts as
/// given up, a request that has not ended as cancelled.
#[derive(Debug)]
pub struct Ledger {
    record: DecisionRecord,
    arrived: Instant,
    /// Beside each attempt: when it started, whether it may have cost something, and what tokens cost there.
    clocks: Vec<Clock>,
    /// What the request counts as in budgets, and what a call of unknown usage does.
    hold: Option<(Hold, Usage)>,
    content: Content,
}

#[derive(Debug, Clone)]
struct Clock {
    started: Instant,
    may_cost: bool,
    price: Option<Price>,
    /// What its calls take, once they are made.
    watch: Option<Arc<Watch>>,
}

impl Ledger {
    /// Starts with what is known before the first call; attempts, outcome, times and cost are this ledger's to fill.
    #[must_use]
    pub fn new(record: DecisionRecord, arrived: Instant) -> Self {
        let record = DecisionRecord { outcome: Outcome::Cancelled, ..record };
        Self { record, arrived, clocks: Vec::new(), hold: None, content: Content::Full }
    }

    /// With what it counts as in budgets until it has ended; a call of unknown usage counts as taking what is expected.
    #[must_use]
    pub fn holding(self, hold: Hold, expected: Usage) -> Self {
        Self { hold: Some((hold, expected)), ..self }
    }

    /// With so much of its request and its answer stored.
    #[must_use]
    pub fn storing(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// How much of its request and its answer is stored.
    pub(super) fn content(&self) -> Content {
        self.content
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// A call starts; the answer is its number.
    pub(super) fn open(&mut self, tier: &Tier, purpose: Purpose) -> usize {
        let started = Instant::now();
        self.clocks.push(Clock { started, may_cost: true, price: tier.config.price_now(), watch: None });
        self.record.attempts.push(Attempt {
            tier: tier.name().to_owned(),
            purpose,
            status: AttemptStatus::Cancelled,
            reason: None,
            signals: Signals::default(),
            checks: Vec::new(),
            usage: None,
            usage_estimated: false,
            cost_usd: None,
            started_ms: millis(self.arrived, started),
            latency_ms: 0.0,
            early: None,
            finish_reason: None,
            model: None,
            error: None,
            endpoint: None,
            failed_calls: Vec::new(),
            hedged: 0,
        });
        self.clocks.len() - 1
    }

    /// What the calls of an attempt may take; what they do take is written down with the attempt.
    pub(super) fn watch(&mut self, attempt: usize, deadline: Instant) -> Arc<Watch> {
        let watch = Arc::new(Watch::until(deadline));
        if let Some(clock) = self.clocks.get_mut(attempt) {
            clock.watch = Some(Arc::clone(&watch));
        }
        watch
    }

    /// A call gave an answer, which is not accepted yet.
    pub(super) fn answered(&mut self, attempt: usize, tier: &Tier, answer: &Answer) {
        let hedged =
            self.clocks.get(attempt).and_then(|clock| clock.watch.as_ref()).map_or(0, |watch| watch.given_up());
        self.update(attempt, |attempt| {
            attempt.status = AttemptStatus::Rejected;
            attempt.usage = answer.usage;
            attempt.hedged = hedged;
            attempt.cost_usd = answer.usage.zip(tier.config.price_now()).map(|(usage, price)| {
                // A call that was given up for this one has taken the same prompt, at the least.
                price.cost_usd(usage) + f64::from(hedged) * price.cost_usd(Usage::new(usage.input_tokens, 0))
            });
            attempt.finish_reason.clone_from(&answer.finish_reason);
            attempt.model.clone_from(&answer.model);
        });
    }

    /// A call failed.
    pub(super) fn failed(&mut self, attempt: usize, error: &UpstreamError) {
        if let Some(clock) = self.clocks.get_mut(attempt) {
            clock.may_cost = error.may_cost();
        }
        self.update(attempt, |attempt| {
            attempt.status = AttemptStatus::Failed;
            attempt.reason = Some(EscalationReason::UpstreamFailure);
            attempt.error = Some(error.to_string());
        });
    }

    /// The route that the request named.
    pub(super) fn route(&self) -> Option<&str> {
        self.record.route.as_deref()
    }

    /// How many calls were started.
    pub(super) fn calls(&self) -> usize {
        self.record.attempts.len()
    }

    /// When the request arrived.
    pub(super) fn arrived(&self) -> Instant {
        self.arrived
    }

    /// What the last whole answer took.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.record.attempts.iter().rev().find_map(|attempt| attempt.usage.filter(|_| !attempt.usage_estimated))
    }

    /// Cost in USD of the calls so far. One under way, or of unknown usage, counts as taking what is expected; one of
    /// unknown price counts nothing.
    pub(super) fn spent_usd(&self, expected: Usage) -> f64 {
        let attempts = self.record.attempts.iter().zip(&self.clocks).filter(|(_, clock)| clock.may_cost);
        let costs = attempts.map(|(attempt, clock)| match (attempt.cost_usd, clock.price) {
            (Some(cost), _) => cost,
            (None, Some(price)) => price.cost_usd(attempt.usage.unwrap_or(expected)),
            (None, None) => 0.0,
        });
        costs.sum()
    }

    /// A limit forbids the next call.
    pub(super) fn stopped(&mut self, cap: Cap) {
        self.record.cap = Some(cap);
    }

    /// An answer that did not pass is served, for want of a better one.
    pub(super) fn served_all_the_same(&mut self, attempt: usize) {
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.status = AttemptStatus::Accepted;
        }
    }

    /// What the user's checks said of an answer.
    pub(super) fn checked(&mut self, attempt: usize, results: Vec<CheckResult>) {
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.checks = results;
        }
    }

    /// The first token of a call has come.
    pub(super) fn first_token(&mut self, attempt: usize) {
        if attempt == 0 {
            self.record.ttft_uncascaded_ms.get_or_insert(millis(self.arrived, Instant::now()));
        }
    }

    /// A streamed answer is decided before its end.
    pub(super) fn decided_early(&mut self, attempt: usize, early: Early) {
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.early = Some(early);
        }
    }

    /// What would have become of an answer that was committed before its end; `None` where it would have passed.
    pub(super) fn looked_back(&mut self, attempt: usize, regret: Option<EscalationReason>) {
        if let Some(early) = self.record.attempts.get_mut(attempt).and_then(|attempt| attempt.early.as_mut()) {
            early.regret = regret;
        }
    }

    /// Every tier above failed.
    pub(super) fn fell_back(&mut self) {
        self.record.fell_back = true;
    }

    /// A call that is no longer needed is given up; `usage` is what it has taken at the least.
    pub(super) fn given_up(&mut self, attempt: usize, usage: Option<Usage>) {
        let price = self.clocks.get(attempt).and_then(|clock| clock.price);
        self.update(attempt, |attempt| {
            attempt.usage = usage;
            attempt.usage_estimated = usage.is_some();
            attempt.cost_usd = usage.and_then(|usage| Some(price?.cost_usd(usage)));
        });
    }

    /// What was measured of an answer, and whether it is served; `reason` says why it is not.
    pub(super) fn judged(&mut self, attempt: usize, signals: Signals, reason: Option<EscalationReason>) {
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.signals = signals;
            attempt.reason = reason;
            attempt.status = if reason.is_none() { AttemptStatus::Accepted } else { AttemptStatus::Rejected };
        }
    }

    /// What was measured of a sample that another one speaks for; `reason` is what a check says of it by itself.
    pub(super) fn passed_over(&mut self, attempt: usize, signals: Signals, reason: Option<EscalationReason>) {
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.signals = signals;
            attempt.reason = reason;
        }
    }

    /// The next rung is taken.
    pub(super) fn escalated(&mut self) {
        self.record.escalations += 1;
    }

    /// The first byte of the answer is ready.
    pub(super) fn first_byte(&mut self) {
        self.record.ttft_ms.get_or_insert(millis(self.arrived, Instant::now()));
    }

    /// This tier's answer goes to the client.
    pub(super) fn serves(&mut self, tier: &Tier, model: Option<&str>) {
        self.record.tier = Some(tier.name().to_owned());
        self.record.model = Some(model.unwrap_or(&tier.config.model).to_owned());
        self.record.stand_in = tier.stand_in;
    }

    /// The text that is served, kept only where the request is.
    pub(super) fn keep_answer(&mut self, text: &str) {
        if self.record.request.is_some() {
            self.record.answer = Some(text.to_owned());
        }
    }

    /// The request ends; gives the finished record.
    pub(super) fn close(&mut self, outcome: Outcome, error: Option<String>) -> DecisionRecord {
        for (attempt, clock) in self.record.attempts.iter_mut().zip(&self.clocks) {
            if attempt.status == AttemptStatus::Cancelled && attempt.latency_ms == 0.0 {
                attempt.latency_ms = millis(clock.started, Instant::now());
            }
            if let Some(watch) = &clock.watch {
                attempt.endpoint = watch.endpoint();
                attempt.failed_calls = watch.failed().iter().map(failure).collect();
            }
        }
        self.record.outcome = outcome;
        self.record.error = error;
        self.record.usage = self
            .record
            .attempts
            .iter()
            .filter_map(|attempt| attempt.usage)
            .fold(Default::default(), |sum, usage| sum + usage);
        self.record.cost_usd = self.cost_usd();
        self.record.latency_ms = millis(self.arrived, Instant::now());
        self.settle();
        self.record.clone()
    }

    /// What the headers say, as far as it is known now.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            id: self.record.id.clone(),
            tier: self.record.tier.clone().unwrap_or_default(),
            model: self.record.model.clone().unwrap_or_default(),
            escalations: self.record.escalations,
            cost_usd: self.cost_usd(),
            task_cost_usd: self.hold.as_ref().and_then(|(hold, _)| hold.task_usd()),
            stand_in: self.record.stand_in,
            unpassed: self.record.cap.map(Unpassed::Cap).or(self.record.fell_back.then_some(Unpassed::UpstreamFailure)),
        }
    }

    /// From here on budgets count what the request took.
    fn settle(&mut self) {
        let Some((_, expected)) = self.hold else { return };
        let usage = self.record.usage;
        let took = Amount {
            usd: self.spent_usd(expected),
            tokens: usage.input_tokens.saturating_add(usage.output_tokens) as f64,
        };
        self.hold.iter_mut().for_each(|(hold, _)| hold.settle(took));
    }

    /// Cost of all attempts; `None` when one that may have cost something has no known cost.
    fn cost_usd(&self) -> Option<f64> {
        let lost = |clock: &Clock| {
            clock.watch.as_ref().is_some_and(|watch| watch.failed().iter().any(|call| call.error.may_cost()))
        };
        if self.clocks.iter().any(lost) {
            return None;
        }
        let attempts = self.record.attempts.iter().zip(&self.clocks).filter(|(_, clock)| clock.may_cost);
        attempts.map(|(attempt, _)| attempt.cost_usd).sum()
    }

    fn update(&mut self, attempt: usize, change: impl FnOnce(&mut Attempt)) {
        let Some(clock) = self.clocks.get(attempt) else { return };
        if let Some(attempt) = self.record.attempts.get_mut(attempt) {
            attempt.latency_ms = millis(clock.started, Instant::now());
            change(attempt);
        }
    }
}

fn failure(call: &FailedCall) -> CallFailure {
    let error = call.error.to_string();
    CallFailure { endpoint: call.endpoint.clone(), error, latency_ms: call.took.as_secs_f64() * 1e3 }
}

fn millis(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

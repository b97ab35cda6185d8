//! What the beginning of an answer tells: whether the answer can be decided before its end.
//!
//! A prefix can show that an answer refuses, that it says it does not know, and how sure the model is of its words so
//! far. It cannot show how the answer ends: whether it is cut short, fulfils a schema, passes a check of the user's or
//! agrees with other samples. Where any of these counts, nothing is committed before the end.

use super::confidence;
use super::engine::Job;
use super::examine::Examiner;
use super::sampling;
use crate::chat::{Answer, ChatRequest};
use crate::config::{CascadeConfig, StreamConfig};
use crate::decisions::{EscalationReason, Posterior, Signals, Trigger};
use crate::upstream::Tier;

/// What may be decided of an answer before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latitude {
    /// It may be committed at a checkpoint.
    pub(super) commits: bool,
    /// It may be given up for what is seen in it.
    pub(super) escalates: bool,
    /// It may be given up for what is predicted of it, too: no check could vouch for it.
    pub(super) predicts: bool,
    /// It is decided when the time to the first token is used up, because no part of its judgement needs the whole.
    pub(super) yields: bool,
}

/// What becomes of an answer that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is held back further.
    Hold,
    /// It is passed on.
    Commit,
    /// It is given up for a higher tier.
    Escalate(EscalationReason),
}

/// Tokens after which the margin of the configuration holds as it is.
const MARGIN_AT: f64 = 16.0;

/// Log-probabilities are taken to spread by at least this, in nats: sixteen alike do not make the rest certain.
const LEAST_DEVIATION: f64 = 0.5;

impl Latitude {
    /// What the request, its route and the tiers allow; `above` are the tiers that a climb may go to.
    pub(super) fn of(job: &Job, tier: &Tier, above: &[&Tier], examiner: &Examiner) -> Self {
        let stream = &examiner.config.stream;
        let (checked, vouched) = examiner.checks.of_route(job.ledger.route());
        let yields = !checked && !needs_its_end(&job.request);
        let samples = |above: &&Tier| sampling::most(job, tier, above, job.caps.expected, &examiner.config) > 0;
        let sampled = above.last().is_some_and(samples);
        Self {
            commits: stream.early_commit && yields && !sampled,
            escalates: stream.early_escalation,
            predicts: stream.early_escalation && !vouched,
            yields,
        }
    }
}

/// Whether only the whole answer can have the form that the request demands. Where tools are declared, a text may still
/// end in a call.
fn needs_its_end(request: &ChatRequest) -> bool {
    let kind = |field: &str| {
        let value: Option<serde_json::Value> = request.get(field);
        value.and_then(|value| value.get("type").unwrap_or(&value).as_str().map(str::to_owned))
    };
    let calls = !request.tools().is_empty() && kind("tool_choice").as_deref() != Some("none");
    let several = request.get("n").unwrap_or(1_u32) > 1;
    several || calls || matches!(kind("response_format").as_deref(), Some("json_object" | "json_schema"))
}

/// Decides by the tokens that have come. At a checkpoint a prediction must be clear enough to stand against those to
/// come; when the budget is used up it must only be one.
pub(super) fn weigh(
    answer: &Answer,
    signals: Signals,
    trigger: Trigger,
    latitude: Latitude,
    config: &CascadeConfig,
) -> Verdict {
    let seen = confidence::begins_badly(answer);
    let leaning = leaning(answer, signals, config).filter(|leaning| leaning.is_clear(trigger));
    let bad = seen.or_else(|| Some(leaning.filter(|leaning| leaning.bad)?.reason));
    let may = |reason: EscalationReason| if reason.is_predicted() { latitude.predicts } else { latitude.escalates };
    if let Some(reason) = bad.filter(|reason| may(*reason)) {
        return Verdict::Escalate(reason);
    }
    let good = seen.is_none() && leaning.is_some_and(|leaning| !leaning.bad) && !answer.text.trim().is_empty();
    let commits = match trigger {
        Trigger::Checkpoint => good && latitude.commits,
        Trigger::Budget => latitude.yields,
    };
    if commits { Verdict::Commit } else { Verdict::Hold }
}

/// On which side of its line an answer is so far, and how far from it.
#[derive(Debug, Clone, Copy)]
struct Leaning {
    bad: bool,
    /// Why, if it is bad.
    reason: EscalationReason,
    /// Distance from the line, in parts of what makes it clear at a checkpoint.
    distance: f64,
}

impl Leaning {
    fn is_clear(self, trigger: Trigger) -> bool {
        trigger == Trigger::Budget || self.distance > 1.0
    }
}

/// What the artifact, else the limit of the configuration, makes of the tokens so far; `None` without log-probabilities.
fn leaning(answer: &Answer, signals: Signals, config: &CascadeConfig) -> Option<Leaning> {
    let values: Vec<f64> = confidence::logprobs(&answer.logprobs).collect();
    let mean = signals.mean_logprob.filter(|_| !values.is_empty())?;
    Some(match signals.posterior {
        Some(posterior) => of_posterior(posterior, values.len() as f64, &config.stream),
        None => of_mean(&values, mean, config),
    })
}

fn of_posterior(posterior: Posterior, tokens: f64, stream: &StreamConfig) -> Leaning {
    let worth = posterior.above - posterior.own - posterior.price;
    let distance = parts(worth.abs(), stream.margin * (MARGIN_AT / tokens).sqrt());
    Leaning { bad: posterior.climbs(), reason: EscalationReason::ExpectedGain, distance }
}

/// The tokens so far as a sample of all: the standard error of their mean.
fn of_mean(values: &[f64], mean: f64, config: &CascadeConfig) -> Leaning {
    let tokens = values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / tokens;
    let error = variance.sqrt().max(LEAST_DEVIATION) / tokens.sqrt();
    let limit = config.min_mean_logprob;
    let distance = parts((mean - limit).abs(), config.stream.standard_errors * error);
    Leaning { bad: mean < limit, reason: EscalationReason::LowLogprob, distance }
}

fn parts(distance: f64, clear: f64) -> f64 {
    // Without a margin every side is clear.
    if clear > 0.0 { distance / clear } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::TokenLogprob;

    const FREE: Latitude = Latitude { commits: true, escalates: true, predicts: true, yields: true };

    fn answer(text: &str, logprobs: &[f64]) -> Answer {
        let logprobs = logprobs.iter().map(|&logprob| TokenLogprob { logprob, ..TokenLogprob::default() }).collect();
        Answer { text: text.to_owned(), logprobs, ..Answer::default() }
    }

    fn at(trigger: Trigger, answer: &Answer, posterior: Option<Posterior>, latitude: Latitude) -> Verdict {
        let signals = Signals { posterior, ..confidence::measure(answer, None) };
        weigh(answer, signals, trigger, latitude, &CascadeConfig::default())
    }

    fn by_logprobs(logprobs: &[f64]) -> Verdict {
        at(Trigger::Checkpoint, &answer("The tower is", logprobs), None, FREE)
    }

    #[test]
    fn the_mean_log_probability_decides_where_it_is_clear_of_its_limit() {
        let low = Verdict::Escalate(EscalationReason::LowLogprob);
        // The limit is −0.7; after 16 tokens three standard errors of at least .5/√16 are .375, after 64 .1875.
        assert_eq!((by_logprobs(&[-0.3; 16]), by_logprobs(&[-0.4; 16])), (Verdict::Commit, Verdict::Hold));
        assert_eq!((by_logprobs(&[-1.1; 16]), by_logprobs(&[-1.0; 16])), (low, Verdict::Hold));
        assert_eq!((by_logprobs(&[-0.4; 64]), by_logprobs(&[-1.0; 64])), (Verdict::Commit, low));
        // The same mean of tokens that differ is less certain.
        let mixed = |low: f64, high: f64| (0..16).map(|i| if i % 2 == 0 { low } else { high }).collect::<Vec<_>>();
        assert_eq!(by_logprobs(&mixed(-0.6, 0.0)), Verdict::Commit);
        assert_eq!(by_logprobs(&mixed(-2.2, 0.0)), Verdict::Hold);
    }

    #[test]
    fn missing_and_infinite_log_probabilities_decide_nothing_by_themselves() {
        assert_eq!((by_logprobs(&[]), by_logprobs(&[f64::NAN; 64])), (Verdict::Hold, Verdict::Hold));
        // One token of no probability is no more than one of e^−20: sixteen others hold against it.
        let mut one = vec![-0.05; 128];
        one[7] = f64::NEG_INFINITY;
        assert_eq!((by_logprobs(&one[..16]), by_logprobs(&one[..64])), (Verdict::Hold, Verdict::Hold));
        let mut many = vec![-0.05; 2000];
        many[7] = f64::NEG_INFINITY;
        assert_eq!(by_logprobs(&many), Verdict::Commit);
        assert_eq!(by_logprobs(&[f64::NEG_INFINITY; 16]), Verdict::Escalate(EscalationReason::LowLogprob));
    }

    #[test]
    fn a_learned_confidence_decides_where_the_gain_is_clear_of_its_price() {
        let after = |tokens: usize, gain: f64| {
            let posterior = Posterior { own: 0.5, above: 0.5 + gain, price: 0.1 };
            // The limit of the configuration would reject all of these.
            at(Trigger::Checkpoint, &answer("The tower is", &vec![-5.0; tokens]), Some(posterior), FREE)
        };
        let climb = Verdict::Escalate(EscalationReason::ExpectedGain);
        // The margin is .2 after 16 tokens and .1 after 64.
        assert_eq!([after(16, 0.31), after(16, 0.29), after(64, 0.21)], [climb, Verdict::Hold, climb]);
        assert_eq!(
            [after(16, -0.11), after(16, -0.09), after(64, -0.01)],
            [Verdict::Commit, Verdict::Hold, Verdict::Commit]
        );
    }

    #[test]
    fn words_decide_whatever_the_log_probabilities() {
        let says = |text: &str, latitude| at(Trigger::Checkpoint, &answer(text, &[-0.01; 16]), None, latitude);
        let (refusal, unsure) = ("I'm sorry, but I can't help with that.", "I'm not sure, but it may be Lyon.");
        assert_eq!(says(refusal, FREE), Verdict::Escalate(EscalationReason::Refusal));
        assert_eq!(says(unsure, FREE), Verdict::Escalate(EscalationReason::Unsure));
        assert_eq!(says("She said \"I'm not sure", FREE), Verdict::Commit);
        assert_eq!(says(" \n", FREE), Verdict::Hold);
        // A check could vouch for what the answer says of itself, but not for a refusal.
        let vouched = Latitude { predicts: false, ..FREE };
        assert_eq!(
            (says(unsure, vouched), says(refusal, vouched)),
            (Verdict::Hold, Verdict::Escalate(EscalationReason::Refusal))
        );
        let called = Answer { tool_calls: vec![crate::chat::ToolCall::default()], ..answer(refusal, &[-0.01; 16]) };
        assert_eq!(at(Trigger::Checkpoint, &called, None, Latitude { commits: false, ..FREE }), Verdict::Hold);
    }

    #[test]
    fn what_is_not_allowed_is_not_decided() {
        let (good, bad) = (answer("The tower is", &[-0.01; 64]), answer("The tower is", &[-4.0; 64]));
        let no_commit = Latitude { commits: false, ..FREE };
        assert_eq!(at(Trigger::Checkpoint, &good, None, no_commit), Verdict::Hold);
        let neither = Latitude { escalates: false, predicts: false, ..FREE };
        assert_eq!(at(Trigger::Checkpoint, &bad, None, neither), Verdict::Hold);
    }

    #[test]
    fn when_the_budget_is_used_up_the_nearer_side_decides() {
        let by = |logprobs: &[f64], latitude| at(Trigger::Budget, &answer("The", logprobs), None, latitude);
        let low = Verdict::Escalate(EscalationReason::LowLogprob);
        assert_eq!(
            [by(&[-0.71; 4], FREE), by(&[-0.69; 4], FREE), by(&[], FREE)],
            [low, Verdict::Commit, Verdict::Commit]
        );
        let keeps = Latitude { escalates: false, predicts: false, ..FREE };
        assert_eq!(by(&[-4.0; 4], keeps), Verdict::Commit);
        assert_eq!(by(&[-0.01; 4], Latitude { yields: false, ..FREE }), Verdict::Hold);
    }
}

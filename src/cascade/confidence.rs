//! What an answer itself tells of how good it is.

use super::phrases::{begins_unsure, closed, is_refusal, states_uncertainty};
use crate::chat::{Answer, ChatRequest, TokenLogprob};
use crate::config::CascadeConfig;
use crate::decisions::{EscalationReason, Form, Signals};
use crate::policy::answer_limit;

/// Log-probabilities below this count as this: servers write −∞ as any very negative number, and one such token must
/// not outweigh all others.
pub(super) const LOWEST_LOGPROB: f64 = -20.0;

/// Measures an answer. `agreement` is the share of the samples that it speaks for, where several were drawn.
#[must_use]
pub fn measure(answer: &Answer, agreement: Option<f64>) -> Signals {
    Signals { mean_logprob: mean_logprob(&answer.logprobs), agreement, ..Signals::default() }
}

/// Why an answer is not good enough; `None` when it passes. A signal that is not there is not held against it.
///
/// What the answer says of itself comes first, then its form, then the samples, then the log-probabilities.
#[must_use]
pub fn check(
    request: &ChatRequest,
    answer: &Answer,
    signals: Signals,
    config: &CascadeConfig,
) -> Option<EscalationReason> {
    stated(request, answer).or_else(|| misshapen(answer, signals)).or_else(|| predicted(signals, config))
}

/// Whether the answer lacks the form that the request demands.
fn misshapen(answer: &Answer, signals: Signals) -> Option<EscalationReason> {
    let reason = if answer.tool_calls.is_empty() { EscalationReason::Schema } else { EscalationReason::ToolArguments };
    (signals.form == Some(Form::Invalid)).then_some(reason)
}

/// What the artifact has learned of such answers; where it has not, the limits of the configuration.
fn predicted(signals: Signals, config: &CascadeConfig) -> Option<EscalationReason> {
    if let Some(posterior) = signals.posterior {
        return posterior.climbs().then_some(EscalationReason::ExpectedGain);
    }
    let below = |signal: Option<f64>, limit: f64| signal.is_some_and(|value| value < limit);
    if below(signals.agreement, config.min_agreement) {
        return Some(EscalationReason::Disagreement);
    }
    below(signals.mean_logprob, config.min_mean_logprob).then_some(EscalationReason::LowLogprob)
}

fn stated(request: &ChatRequest, answer: &Answer) -> Option<EscalationReason> {
    let refused = answer.refusal.as_ref().is_some_and(|refusal| !refusal.trim().is_empty());
    if refused || answer.finish_reason.as_deref() == Some("content_filter") {
        return Some(EscalationReason::Refusal);
    }
    if is_truncated(request, answer) {
        return Some(EscalationReason::Truncated);
    }
    if !answer.tool_calls.is_empty() {
        // The call is the answer; what is said beside it is not judged.
        return None;
    }
    if answer.text.trim().is_empty() {
        return Some(EscalationReason::Empty);
    }
    if is_refusal(&answer.text) {
        return Some(EscalationReason::Refusal);
    }
    states_uncertainty(&answer.text).then_some(EscalationReason::Unsure)
}

/// Whether the answer was cut short by a limit that is not the client's own: a higher tier would be cut there too.
pub(super) fn is_truncated(request: &ChatRequest, answer: &Answer) -> bool {
    let at_clients_limit = match (answer_limit(request), answer.usage) {
        (Some(limit), Some(usage)) => usage.output_tokens >= limit,
        _ => false,
    };
    answer.finish_reason.as_deref() == Some("length") && !at_clients_limit
}

/// What is wrong with an answer for certain, or in its own words, as far as its beginning shows.
pub(super) fn begins_badly(answer: &Answer) -> Option<EscalationReason> {
    if answer.refusal.as_ref().is_some_and(|refusal| !refusal.trim().is_empty()) {
        return Some(EscalationReason::Refusal);
    }
    if !answer.tool_calls.is_empty() {
        return None;
    }
    let text = closed(&answer.text);
    if is_refusal(text) {
        return Some(EscalationReason::Refusal);
    }
    begins_unsure(text).then_some(EscalationReason::Unsure)
}

/// The log-probabilities that are numbers, within [`LOWEST_LOGPROB`] and 0.
pub(super) fn logprobs(tokens: &[TokenLogprob]) -> impl Iterator<Item = f64> {
    let values = tokens.iter().map(|token| token.logprob).filter(|value| !value.is_nan());
    values.map(|value| value.clamp(LOWEST_LOGPROB, 0.0))
}

pub(super) fn mean_logprob(tokens: &[TokenLogprob]) -> Option<f64> {
    let (sum, count) = logprobs(tokens).fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{ToolCall, Usage};

    fn request() -> ChatRequest {
        ChatRequest::from_prompt("how many?")
    }

    fn said(text: &str) -> Answer {
        Answer { text: text.to_owned(), finish_reason: Some("stop".to_owned()), ..Answer::default() }
    }

    fn reason(answer: &Answer) -> Option<EscalationReason> {
        check(&request(), answer, measure(answer, None), &CascadeConfig::default())
    }

    fn with_logprobs(values: &[f64]) -> Answer {
        let logprobs = values.iter().map(|&logprob| TokenLogprob { logprob, ..TokenLogprob::default() }).collect();
        Answer { logprobs, ..said("42") }
    }

    #[test]
    fn a_good_answer_passes() {
        assert_eq!(reason(&said("Forty-two.")), None);
    }

    #[test]
    fn low_log_probabilities_fire_and_high_ones_do_not() {
        assert_eq!(reason(&with_logprobs(&[-0.9, -0.6])), Some(EscalationReason::LowLogprob));
        assert_eq!(reason(&with_logprobs(&[-0.9, -0.1])), None);
    }

    #[test]
    fn infinite_and_missing_log_probabilities_are_bounded() {
        assert_eq!(mean_logprob(&with_logprobs(&[f64::NEG_INFINITY, 0.0]).logprobs), Some(-10.0));
        assert_eq!(mean_logprob(&with_logprobs(&[-9999.0, 0.0]).logprobs), Some(-10.0));
        assert_eq!(mean_logprob(&with_logprobs(&[f64::NAN]).logprobs), None);
        assert_eq!(mean_logprob(&[]), None);
        assert_eq!(reason(&with_logprobs(&vec![-0.01; 10_000])), None);
    }

    #[test]
    fn empty_fires_unless_a_tool_is_called() {
        assert_eq!(reason(&said(" \n")), Some(EscalationReason::Empty));
        let call = ToolCall { id: "1".into(), name: "f".into(), arguments: "{}".into() };
        assert_eq!(reason(&Answer { tool_calls: vec![call], ..said("") }), None);
    }

    #[test]
    fn truncation_fires_unless_the_client_set_the_limit() {
        let usage = Some(Usage::new(5, 16));
        let cut = Answer { finish_reason: Some("length".to_owned()), usage, ..said("Once upon") };
        assert_eq!(reason(&cut), Some(EscalationReason::Truncated));
        let at = |limit: u64| {
            let request = request().with("max_tokens", &limit.into());
            check(&request, &cut, Signals::default(), &CascadeConfig::default())
        };
        assert_eq!(at(16), None);
        assert_eq!(at(400), Some(EscalationReason::Truncated));
    }

    #[test]
    fn refusals_fire_by_field_filter_and_words() {
        assert_eq!(reason(&Answer { refusal: Some("no".into()), ..said("") }), Some(EscalationReason::Refusal));
        assert_eq!(reason(&Answer { refusal: Some(String::new()), ..said("yes") }), None);
        let filtered = Answer { finish_reason: Some("content_filter".into()), ..said("Well") };
        assert_eq!(reason(&filtered), Some(EscalationReason::Refusal));
        assert_eq!(reason(&said("I'm sorry, but I can't help with that.")), Some(EscalationReason::Refusal));
        assert_eq!(reason(&said("I'm not sure, maybe 42.")), Some(EscalationReason::Unsure));
    }

    #[test]
    fn disagreement_fires_below_its_limit() {
        let at = |agreement| {
            let answer = said("42");
            check(&request(), &answer, measure(&answer, Some(agreement)), &CascadeConfig::default())
        };
        assert_eq!(at(0.4), Some(EscalationReason::Disagreement));
        assert_eq!(at(0.6), None);
    }
}

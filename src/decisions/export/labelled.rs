//! Records as labelled queries: what of a log teaches which tier would do.

use serde_json::{Map, Value, json};

use super::Exported;
use crate::decisions::{Attempt, AttemptStatus, CheckVerdict, DecisionRecord};
use crate::judge::{Kind, Subject, Verdict};

/// The fields of a request that a labelled query has too.
const KEPT: [&str; 3] = ["messages", "tools", "response_format"];

/// A record as a line that `rungs train` reads; `None` where its request was not stored, or nothing is known of any answer.
///
/// An answer's score is, first of all, what somebody said of it last; else what the judge said, of both orders the mean; else
/// what was seen in it: 0 where it failed a check or had not the form that the request demands, 1 where it passed a check
/// of the user's. What was only predicted of an answer is no label.
#[must_use]
pub fn labelled(exported: &Exported) -> Option<Value> {
    let Exported { record, feedback, verdicts } = exported;
    let request = record.request.as_ref()?;
    let mut outcomes = Map::new();
    for attempt in &record.attempts {
        let served = is_served(record, attempt);
        let said = feedback.last().filter(|_| served).map(|feedback| feedback.score);
        let judged = || judged(verdicts, Subject::Served, &attempt.tier).filter(|_| served);
        if let Some(score) = said.or_else(judged).or_else(|| seen(attempt)) {
            outcomes.insert(attempt.tier.clone(), outcome(record, attempt, score, served));
        }
    }
    for verdict in verdicts {
        // What the judge bought of the cheapest tier, beside the answer that the client got.
        if let Some(tier) = verdict.tier.as_deref().filter(|_| verdict.subject == Subject::Shadow) {
            let score = judged(verdicts, Subject::Shadow, tier);
            score.into_iter().for_each(|score| add(&mut outcomes, tier, score));
        }
        // What answers are compared with is acceptable by what acceptable means: at least as good as that.
        verdict.against.iter().for_each(|tier| add(&mut outcomes, tier, 1.0));
    }
    (!outcomes.is_empty()).then(|| line(record, request, outcomes, weight(verdicts)))
}

fn add(outcomes: &mut Map<String, Value>, tier: &str, score: f64) {
    outcomes.entry(tier.to_owned()).or_insert_with(|| json!({ "score": score }));
}

fn line(record: &DecisionRecord, request: &Value, outcomes: Map<String, Value>, weight: f64) -> Value {
    let mut line = Map::new();
    line.insert("id".to_owned(), record.id.as_str().into());
    let kept = KEPT.iter().filter_map(|name| Some((*name, request.get(name)?.clone())));
    let own = [("route", &record.route), ("group", &record.task)];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, Value::from(value.as_deref()?))));
    line.extend(kept.chain(own).map(|(name, value)| (name.to_owned(), value)));
    line.insert("weight".to_owned(), weight.into());
    line.insert("outcomes".to_owned(), outcomes.into());
    line.into()
}

fn outcome(record: &DecisionRecord, attempt: &Attempt, score: f64, served: bool) -> Value {
    let mut outcome = json!({"score": score, "latency_ms": attempt.latency_ms});
    let usage = attempt.usage.filter(|_| !attempt.usage_estimated);
    let known = [
        ("cost_usd", attempt.cost_usd.map(Value::from)),
        ("input_tokens", usage.map(|usage| usage.input_tokens.into())),
        ("output_tokens", usage.map(|usage| usage.output_tokens.into())),
        ("logprob", attempt.signals.mean_logprob.map(Value::from)),
        ("answer", record.answer.as_deref().filter(|_| served).map(Value::from)),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            outcome[name] = value;
        }
    }
    outcome
}

fn is_served(record: &DecisionRecord, attempt: &Attempt) -> bool {
    attempt.status == AttemptStatus::Accepted && record.tier.as_ref() == Some(&attempt.tier)
}

/// What the judge said, of several verdicts the mean.
fn judged(verdicts: &[Verdict], subject: Subject, tier: &str) -> Option<f64> {
    let speaks = |verdict: &&Verdict| {
        verdict.subject == subject
            && verdict.tier.as_deref() == Some(tier)
            && !matches!(verdict.kind, Kind::Feedback | Kind::Anchor)
    };
    let scores: Vec<f64> = verdicts.iter().filter(speaks).map(|verdict| verdict.score).collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// What was seen in the answer itself.
fn seen(attempt: &Attempt) -> Option<f64> {
    if attempt.status == AttemptStatus::Rejected && attempt.reason.is_some_and(|reason| !reason.is_predicted()) {
        return Some(0.0);
    }
    let says = |verdict| attempt.checks.iter().any(|check| check.verdict == verdict);
    match (says(CheckVerdict::Fail), says(CheckVerdict::Pass)) {
        (true, _) => Some(0.0),
        (false, true) => Some(1.0),
        (false, false) => None,
    }
}

/// A request that was drawn to be judged with probability π speaks for 1/π of them.
fn weight(verdicts: &[Verdict]) -> f64 {
    let drawn = verdicts.iter().filter_map(|verdict| verdict.propensity).find(|propensity| *propensity > 0.0);
    drawn.map_or(1.0, f64::recip)
}

#[cfg(test)]
mod tests;

//! A record as rows: which columns copy which fields, and back from the stored JSON.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::super::receipt::{Chain, content_digest, digest};
use super::super::record::{Attempt, DecisionRecord};
use super::StoreError;
use crate::database::Bind;
use crate::judge::{self, jobs};

/// A record, ready to be inserted.
#[derive(Debug)]
pub(super) struct Row {
    /// In the order of [`decision_columns`].
    pub(super) decision: Vec<Bind>,
    /// In the order of [`attempt_columns`].
    pub(super) attempts: Vec<Vec<Bind>>,
    /// In the order of [`CONTENT_COLUMNS`]; `None` where the record has no content.
    pub(super) content: Option<Vec<Bind>>,
    /// What there is to judge of it, in the order of [`jobs::COLUMNS`].
    pub(super) jobs: Vec<Vec<Bind>>,
    /// What a receipt says of it; `None` for a record that has one.
    unsealed: Option<Digests>,
}

#[derive(Debug)]
struct Digests {
    body: String,
    content: Option<String>,
}

pub(super) const CONTENT_COLUMNS: [&str; 3] = ["decision_id", "request", "answer"];

pub(super) fn decision_columns() -> Vec<&'static str> {
    DECISION.iter().map(|(name, _)| *name).chain(["record"]).collect()
}

pub(super) fn attempt_columns() -> Vec<&'static str> {
    ["decision_id", "ordinal"].into_iter().chain(ATTEMPT.iter().map(|(name, _)| *name)).collect()
}

impl Row {
    /// Takes a record apart.
    ///
    /// # Errors
    /// When a number that every record must have is not finite: JSON cannot hold it.
    pub(super) fn new(mut record: DecisionRecord) -> Result<Self, StoreError> {
        let (request, answer) = (record.request.take(), record.answer.take());
        let unsealed = match record.receipt {
            Some(_) => None,
            None => Some(Digests {
                body: body_digest(&record).map_err(|error| refused(&record.id, &error))?,
                content: content_digest(request.as_ref(), answer.as_deref()),
            }),
        };
        let content = (request.is_some() || answer.is_some()).then(|| {
            vec![
                text(&record.id),
                maybe(request.map(|request| request.to_string()).as_deref()),
                maybe(answer.map(|answer| Value::from(answer).to_string()).as_deref()),
            ]
        });
        let json = serde_json::to_string(&record).map_err(|error| refused(&record.id, &error))?;
        let row = Self {
            decision: copies(&DECISION, &record).chain([text(&json)]).collect(),
            attempts: (0..)
                .zip(&record.attempts)
                .map(|(i, attempt)| [text(&record.id), Bind::Int(Some(i))].into_iter().chain(copies(&ATTEMPT, attempt)))
                .map(Iterator::collect)
                .collect(),
            content,
            jobs: jobs::rows(&record),
            unsealed,
        };
        match row.unfinite() {
            Some(column) => Err(refused(&record.id, &format_args!("`{column}` is not a finite number"))),
            None => Ok(row),
        }
    }

    /// Gives the record the next place in a chain, unless it has one.
    pub(super) fn seal(&mut self, chain: &mut Chain) {
        let Some(Digests { body, content }) = self.unsealed.take() else { return };
        let receipt = chain.next(&body, content.as_deref());
        if let [.., writer, sequence, Bind::Text(Some(json))] = &mut self.decision[..] {
            *writer = text(&receipt.writer);
            *sequence = count(Some(receipt.sequence));
            let receipt = serde_json::to_string(&receipt).unwrap_or_default();
            *json = format!("{},\"receipt\":{receipt}}}", json.strip_suffix('}').unwrap_or(json)).into();
        }
    }

    /// The record's id.
    pub(super) fn id(&self) -> &str {
        match self.decision.first() {
            Some(Bind::Text(Some(id))) => id,
            _ => "",
        }
    }

    /// All that the record can be put together from again: id, record, request and answer.
    pub(super) fn texts(&self) -> [Option<&Bind>; 4] {
        let content = |i: usize| self.content.as_ref()?.get(i);
        [self.decision.first(), self.decision.last(), content(1), content(2)]
    }

    /// Bytes of text: the better part of the memory that the row holds.
    pub(super) fn size(&self) -> usize {
        self.decision
            .iter()
            .chain(self.content.iter().flatten())
            .map(|bind| if let Bind::Text(Some(text)) = bind { text.len() } else { 0 })
            .sum()
    }

    fn unfinite(&self) -> Option<&'static str> {
        let bad = |bind: &Bind| matches!(bind, Bind::Real(Some(x)) if !x.is_finite());
        let of = |names: Vec<&'static str>, binds: &[Bind]| binds.iter().position(bad).map(|i| names[i]);
        of(decision_columns(), &self.decision)
            .or_else(|| self.attempts.iter().find_map(|attempt| of(attempt_columns(), attempt)))
    }
}

/// Puts a record together again from its JSON and its content.
///
/// # Errors
/// When the JSON is not a record of this version.
pub(super) fn assemble(
    id: &str,
    record: &str,
    request: Option<&str>,
    answer: Option<&str>,
) -> Result<DecisionRecord, StoreError> {
    let unreadable = |error| StoreError(format!("the stored record {id} cannot be read: {error}"));
    let mut record: DecisionRecord = serde_json::from_str(record).map_err(unreadable)?;
    record.request = request.map(serde_json::from_str).transpose().map_err(unreadable)?;
    record.answer = answer.map(serde_json::from_str).transpose().map_err(unreadable)?;
    Ok(record)
}

/// A record as named values: the columns of its row, then what was asked and answered.
pub(in crate::decisions) type Flat = Vec<(&'static str, Bind)>;

/// Takes a record apart for a table of its own.
///
/// # Errors
/// As for [`Row::new`].
pub(in crate::decisions) fn flat(mut record: DecisionRecord) -> Result<Flat, StoreError> {
    let (request, answer) = (record.request.take(), record.answer.take());
    let mut flat: Flat = decision_columns().into_iter().zip(Row::new(record)?.decision).collect();
    flat.push(("request", maybe(request.map(|request| request.to_string()).as_deref())));
    flat.push(("answer", maybe(answer.as_deref())));
    Ok(flat)
}

/// In bytes: PostgreSQL's indexes take no row of more than 2,704.
const LONGEST_LABEL: usize = 1024;

/// A column and the field that it copies.
type Column<T> = (&'static str, fn(&T) -> Bind);

const DECISION: [Column<DecisionRecord>; 31] = [
    ("id", |r| text(&r.id)),
    ("at", |r| Bind::Int(Some(r.at.as_microsecond()))),
    ("route", |r| label(r.route.as_deref())),
    ("tenant", |r| label(r.tenant.as_deref())),
    ("task", |r| label(r.task.as_deref())),
    ("key_name", |r| label(r.key.as_deref())),
    ("requested_model", |r| label(Some(&r.requested_model))),
    ("cause", |r| word(&r.cause)),
    ("outcome", |r| word(&r.outcome)),
    ("tier", |r| label(r.tier.as_deref())),
    ("model", |r| label(r.model.as_deref())),
    ("model_version", |r| label(r.model_version.as_deref())),
    ("score", |r| real(r.score)),
    ("threshold", |r| real(r.threshold)),
    ("novelty", |r| real(r.novelty)),
    ("propensity", |r| Bind::Real(Some(r.propensity))),
    ("escalations", |r| Bind::Int(Some(r.escalations.into()))),
    ("streamed", |r| Bind::Bool(r.streamed)),
    ("stand_in", |r| Bind::Bool(r.stand_in)),
    ("input_tokens", |r| count(Some(r.usage.input_tokens))),
    ("output_tokens", |r| count(Some(r.usage.output_tokens))),
    ("cached_tokens", |r| count(Some(r.usage.cached_tokens))),
    ("cost_usd", |r| real(r.cost_usd)),
    ("latency_ms", |r| Bind::Real(Some(r.latency_ms))),
    ("ttft_ms", |r| real(r.ttft_ms)),
    ("decide_ms", |r| Bind::Real(Some(r.decide_ms))),
    ("judge_propensity", |r| real(r.sampling.as_ref().map(|sampling| sampling.propensity))),
    ("judge_predicted", |r| real(r.sampling.as_ref().map(|_| judge::predicted(r)))),
    ("judge_drawn", |r| count(r.sampling.as_ref().map(|sampling| u64::from(!sampling.drawn.is_empty())))),
    // The last two and the record are filled in when it is sealed.
    ("writer", |r| maybe(r.receipt.as_ref().map(|receipt| receipt.writer.as_str()))),
    ("sequence", |r| count(r.receipt.as_ref().map(|receipt| receipt.sequence))),
];

const ATTEMPT: [Column<Attempt>; 12] = [
    ("tier", |a| label(Some(&a.tier))),
    ("purpose", |a| word(&a.purpose)),
    ("status", |a| word(&a.status)),
    ("reason", |a| word(&a.reason)),
    ("mean_logprob", |a| real(a.signals.mean_logprob)),
    ("agreement", |a| real(a.signals.agreement)),
    ("input_tokens", |a| count(a.usage.map(|usage| usage.input_tokens))),
    ("output_tokens", |a| count(a.usage.map(|usage| usage.output_tokens))),
    ("cached_tokens", |a| count(a.usage.map(|usage| usage.cached_tokens))),
    ("cost_usd", |a| real(a.cost_usd)),
    ("started_ms", |a| Bind::Real(Some(a.started_ms))),
    ("latency_ms", |a| Bind::Real(Some(a.latency_ms))),
];

fn copies<'a, T>(columns: &'a [Column<T>], of: &'a T) -> impl Iterator<Item = Bind> + 'a {
    columns.iter().map(move |(_, field)| field(of))
}

/// The hash of a record that has neither request nor answer any more.
fn body_digest(record: &DecisionRecord) -> Result<String, serde_json::Error> {
    let mut body = serde_json::to_value(record)?;
    if let Value::Object(body) = &mut body {
        body.retain(|name, _| name != "request" && name != "answer");
    }
    Ok(digest(&body))
}

fn text(text: &str) -> Bind {
    maybe(Some(text))
}

fn maybe(text: Option<&str>) -> Bind {
    Bind::Text(text.map(Arc::from))
}

/// A copy of a word that clients or upstreams choose, as it can be filtered by: without the character that PostgreSQL's
/// texts cannot hold, and no longer than an index takes.
pub(super) fn label(word: Option<&str>) -> Bind {
    let Some(word) = word.filter(|word| word.len() > LONGEST_LABEL || word.contains('\0')) else { return maybe(word) };
    text(&word.replace('\0', "\u{fffd}").chars().take(LONGEST_LABEL / 4).collect::<String>())
}

/// A value that is optional anyway: what is not finite is stored as unknown, as JSON does.
fn real(x: Option<f64>) -> Bind {
    Bind::Real(x.filter(|x| x.is_finite()))
}

fn count(n: Option<u64>) -> Bind {
    Bind::Int(n.map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
}

/// The name that an enum has in JSON; null for an absent one.
pub(super) fn word(value: &impl Serialize) -> Bind {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => text(&word),
        _ => maybe(None),
    }
}

fn refused(id: &str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError(format!("record {id} cannot be stored: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DecisionRecord {
        serde_json::from_value(serde_json::json!({
            "id": "1", "at": "2026-01-02T03:04:05Z", "requested_model": "auto", "cause": "score", "p": {},
            "rungs": ["a", "b"], "propensity": 1.0, "outcome": "served", "escalations": 0, "streamed": false,
            "stand_in": false, "usage": {"input_tokens": 1, "output_tokens": 2}, "latency_ms": 1.5, "decide_ms": 0.5,
            "config": "c", "request": {"model": "auto"}, "answer": "yes", "attempts": []
        }))
        .unwrap()
    }

    #[test]
    fn content_is_kept_apart_from_the_record() {
        let row = Row::new(record()).unwrap();
        let Some(Bind::Text(Some(json))) = row.decision.last() else { panic!("no record: {row:?}") };
        assert!(!json.contains("yes"), "{json}");
        assert_eq!(row.content.unwrap()[2], text("\"yes\""));
        assert!(Row::new(DecisionRecord { request: None, answer: None, ..record() }).unwrap().content.is_none());
    }

    #[test]
    fn a_copy_is_what_can_be_indexed() {
        assert_eq!(label(Some("a\0b")), text("a\u{fffd}b"));
        assert_eq!(label(Some(&"\u{1f980}".repeat(3000))), text(&"\u{1f980}".repeat(256)));
        assert_eq!((label(Some("plain")), label(None)), (text("plain"), maybe(None)));
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_refused_by_name() {
        let error = Row::new(DecisionRecord { propensity: f64::NAN, ..record() }).unwrap_err();
        assert!(error.0.contains("record 1") && error.0.contains("`propensity`"), "{error}");
        assert!(Row::new(DecisionRecord { novelty: Some(f64::INFINITY), ..record() }).is_ok());
    }
}

//! What was found, as labelled queries.

use std::io::Write;
use std::path::Path;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::BootstrapError;
use super::folder::{Answers, Folder};
use super::judging::{complete, is_blank};
use super::sample::Question;
use crate::database::Database;
use crate::decisions::{DecisionRecord, StoreError};
use crate::judge::verdicts::about;
use crate::labelled::{LabelledQuery, RecordedOutcome};
use crate::retrain::Taken;
use crate::retrain::labels::{Labels, Row};
use crate::retrain::said::join;
use crate::upstream::Tier;

const UNANSWERED: &str = "a tier has given no answer that can be judged, or compared with";
const UNJUDGED: &str = "it is not judged";

/// The labels of all questions that have one of every tier.
pub(super) async fn labels(
    folder: &Folder,
    tiers: &[Tier],
    questions: &[Question],
    answers: &Answers,
) -> Result<Labels, StoreError> {
    let mut labels = Labels { taken: Taken { requests: questions.len(), ..Taken::default() }, ..Labels::default() };
    for question in questions {
        let why = match complete(question, answers, tiers) {
            None => UNANSWERED,
            Some(records) => match row(&folder.database, question, &records, &mut labels.taken).await? {
                None => UNJUDGED,
                Some(row) => {
                    labels.rows.push(row);
                    continue;
                }
            },
        };
        *labels.taken.dropped.entry(why).or_default() += 1;
    }
    labels.rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.query.id.cmp(&b.query.id)));
    labels.taken.describe(&labels.rows);
    Ok(labels)
}

/// A question with a label of every tier; the highest tier's is the mean of what its comparisons say of it.
async fn row(
    database: &Database,
    question: &Question,
    records: &[&DecisionRecord],
    taken: &mut Taken,
) -> Result<Option<Row>, StoreError> {
    let mut said: IndexMap<String, Vec<f64>> = IndexMap::new();
    for record in records {
        if is_blank(record) {
            // Nobody was asked: nothing is worse than something.
            let last = records.last().and_then(|last| last.tier.clone());
            let scores = [(record.tier.clone(), 0.0), (last, 1.0)];
            scores.into_iter().for_each(|(tier, score)| said.entry(tier.unwrap_or_default()).or_default().push(score));
            continue;
        }
        let verdicts = about(database, &record.id).await?;
        for verdict in &verdicts {
            *taken.verdicts.entry(verdict.kind.name()).or_default() += 1;
        }
        for (tier, score) in join(record, &verdicts, &[]).labels {
            said.entry(tier).or_default().push(score);
        }
    }
    let outcome = |record: &&DecisionRecord| {
        let tier = record.tier.clone()?;
        let scores = said.get(&tier)?;
        let score = scores.iter().sum::<f64>() / scores.len() as f64;
        Some((tier, outcome(record, score)))
    };
    let outcomes: Option<IndexMap<String, RecordedOutcome>> = records.iter().map(outcome).collect();
    let at = records.iter().map(|record| record.at).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let query = |outcomes| LabelledQuery {
        id: question.id.clone(),
        request: question.request.clone(),
        route: question.route.clone(),
        domain: None,
        group: Some(question.group.clone()),
        split: None,
        weight: 1.0,
        outcomes,
    };
    Ok(outcomes.map(|outcomes| Row { query: query(outcomes), at, propensity: 1.0, copies: 1 }))
}

fn outcome(record: &DecisionRecord, score: f64) -> RecordedOutcome {
    let attempt = record.attempts.first();
    let usage = attempt.and_then(|attempt| attempt.usage);
    RecordedOutcome {
        score,
        cost_usd: record.cost_usd,
        input_tokens: usage.map(|usage| usage.input_tokens),
        output_tokens: usage.map(|usage| usage.output_tokens),
        latency_ms: Some(record.latency_ms),
        answer: record.answer.clone(),
        logprob: attempt.and_then(|attempt| attempt.signals.mean_logprob),
        ..RecordedOutcome::default()
    }
}

/// Writes the rows as `train` and `eval` read them; the file is whole or as it was.
pub(super) fn write(rows: &[Row], file: &Path) -> Result<(), BootstrapError> {
    let failed = |source| BootstrapError::Folder { place: file.display().to_string(), source };
    let partial = file.with_extension("partial");
    let text: String = rows.iter().map(|row| format!("{}\n", line(&row.query))).collect();
    let mut open = std::fs::File::create(&partial).map_err(failed)?;
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).map_err(failed)?;
    std::fs::rename(&partial, file).map_err(failed)
}

fn line(query: &LabelledQuery) -> Value {
    let mut line = Map::from_iter([("id".to_owned(), Value::from(query.id.as_str()))]);
    for field in ["messages", "tools", "response_format"] {
        if let Some(value) = query.request.get::<Value>(field) {
            line.insert(field.to_owned(), value);
        }
    }
    for (name, value) in [("route", &query.route), ("group", &query.group)] {
        if let Some(value) = value {
            line.insert(name.to_owned(), value.as_str().into());
        }
    }
    let outcomes: Map<String, Value> =
        query.outcomes.iter().map(|(tier, outcome)| (tier.clone(), without_null(json!(outcome)))).collect();
    line.insert("outcomes".to_owned(), outcomes.into());
    line.into()
}

fn without_null(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

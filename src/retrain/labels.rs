//! Labelled queries out of the decision log.

use std::collections::HashMap;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

use super::conversation::{conversation, question};
use super::said::{Joined, join};
use crate::chat::ChatRequest;
use crate::decisions::{DecisionRecord, DecisionStore, StoreError};
use crate::judge::Verdict;
use crate::judge::verdicts::{VerdictFilter, read};
use crate::labelled::{LabelledQuery, RecordedOutcome};

/// A request of the log with a label of both end tiers.
#[derive(Debug, Clone)]
pub struct Row {
    /// The request with its labels; its weight is 1, its group the conversation.
    pub query: LabelledQuery,
    /// When it was asked.
    pub at: Timestamp,
    /// The probability with which it was drawn to be labelled, in (0, 1].
    pub propensity: f64,
    /// How many requests were the same question.
    pub copies: usize,
}

/// What the log has to teach.
#[derive(Debug, Default)]
pub struct Labels {
    /// The rows, oldest first.
    pub rows: Vec<Row>,
    /// What was used and what was not.
    pub taken: Taken,
}

/// What of the log was used, and what was not and why.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Taken {
    /// Verdicts read, by kind.
    pub verdicts: IndexMap<&'static str, usize>,
    /// Requests that somebody or something said something of.
    pub requests: usize,
    /// Requests that were used.
    pub used: usize,
    /// Requests that were used together with one that asks the same.
    pub merged: usize,
    /// Conversations that the used ones belong to.
    pub conversations: usize,
    /// The least and the largest probability of a used one's having been drawn.
    pub propensities: Option<[f64; 2]>,
    /// The oldest and the newest used one.
    pub between: Option<[Timestamp; 2]>,
    /// Why the others were not used.
    pub dropped: IndexMap<&'static str, usize>,
}

const GONE: &str = "its record or its content is no longer kept, or was never to be";
const UNREADABLE: &str = "its request cannot be read";
const CHOSEN: &str = "it was not drawn: somebody chose to judge it, so that it stands for no others";
const ONE_SIDED: &str = "only one of the end tiers has a label: the other one's answer is not known";

/// Reads what was said since then of the answers to requests, as labels of the cheapest and the highest tier.
///
/// # Errors
/// When the log cannot be read.
pub async fn labels(
    store: &dyn DecisionStore,
    ends: [&str; 2],
    since: Option<Timestamp>,
) -> Result<Labels, StoreError> {
    let mut taken = Taken::default();
    let verdicts = verdicts(store, since, &mut taken).await?;
    taken.requests = verdicts.len();
    let mut rows: IndexMap<String, Row> = IndexMap::new();
    for (id, verdicts) in verdicts {
        match row(store, &id, &verdicts, ends).await? {
            Err(why) => *taken.dropped.entry(why).or_default() += 1,
            Ok(row) => merge(&mut rows, row, &mut taken),
        }
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.query.id.cmp(&b.query.id)));
    taken.describe(&rows);
    Ok(Labels { rows, taken })
}

/// The verdicts by their decision, in the order in which they came.
async fn verdicts(
    store: &dyn DecisionStore,
    since: Option<Timestamp>,
    taken: &mut Taken,
) -> Result<IndexMap<String, Vec<Verdict>>, StoreError> {
    let mut found: IndexMap<String, Vec<Verdict>> = IndexMap::new();
    let Some(database) = store.database() else { return Ok(found) };
    let mut filter = VerdictFilter { limit: 5000, since, ..VerdictFilter::default() };
    loop {
        let page = read(&database, &filter).await?;
        if page.verdicts.is_empty() {
            return Ok(found);
        }
        for verdict in page.verdicts {
            *taken.verdicts.entry(verdict.kind.name()).or_default() += 1;
            found.entry(verdict.decision_id.clone()).or_default().push(verdict);
        }
        filter.after = page.next;
    }
}

async fn row(
    store: &dyn DecisionStore,
    id: &str,
    verdicts: &[Verdict],
    ends: [&str; 2],
) -> Result<Result<Row, &'static str>, StoreError> {
    let Some(record) = store.get(id).await? else { return Ok(Err(GONE)) };
    let feedback = store.feedback(&[id]).await?;
    let joined = join(&record, verdicts, &feedback);
    Ok(labelled(&record, &joined, ends))
}

fn labelled(record: &DecisionRecord, joined: &Joined, ends: [&str; 2]) -> Result<Row, &'static str> {
    let request = request(record)?;
    let propensity = joined.propensity.ok_or(CHOSEN)?;
    let outcome = |tier: &str| Some((tier.to_owned(), outcome(record, tier, *joined.labels.get(tier)?)));
    let outcomes: Option<IndexMap<String, RecordedOutcome>> = ends.into_iter().map(outcome).collect();
    let query = LabelledQuery {
        id: record.id.clone(),
        group: Some(conversation(record.task.as_deref(), &request)),
        request,
        route: record.route.clone(),
        domain: None,
        split: None,
        weight: 1.0,
        outcomes: outcomes.ok_or(ONE_SIDED)?,
    };
    Ok(Row { query, at: record.at, propensity, copies: 1 })
}

/// The request of a record.
pub(super) fn request(record: &DecisionRecord) -> Result<ChatRequest, &'static str> {
    let body = record.request.as_ref().ok_or(GONE)?;
    ChatRequest::parse(body.to_string().as_bytes()).map_err(|_| UNREADABLE)
}

fn outcome(record: &DecisionRecord, tier: &str, score: f64) -> RecordedOutcome {
    let served = record.tier.as_deref() == Some(tier);
    let attempt = record.attempts.iter().rev().find(|attempt| attempt.tier == tier);
    let usage = attempt.and_then(|attempt| attempt.usage);
    RecordedOutcome {
        score,
        cost_usd: attempt.and_then(|attempt| attempt.cost_usd),
        input_tokens: usage.map(|usage| usage.input_tokens),
        output_tokens: usage.map(|usage| usage.output_tokens),
        answer: record.answer.clone().filter(|_| served),
        logprob: attempt.and_then(|attempt| attempt.signals.mean_logprob),
        ..RecordedOutcome::default()
    }
}

/// Two requests that ask the same become one that stands for both: its labels are the mean, and its draw that of either.
fn merge(rows: &mut IndexMap<String, Row>, row: Row, taken: &mut Taken) {
    let key = question(&row.query.request);
    let Some(there) = rows.get_mut(&key) else {
        rows.insert(key, row);
        return;
    };
    taken.merged += 1;
    let (old, new) = (1.0 / there.propensity, 1.0 / row.propensity);
    for (tier, outcome) in &mut there.query.outcomes {
        let other = row.query.outcomes.get(tier).map_or(outcome.score, |outcome| outcome.score);
        outcome.score = (old * outcome.score + new * other) / (old + new);
    }
    there.copies += 1;
    there.propensity = 1.0 / (old + new);
    there.at = there.at.max(row.at);
}

impl Taken {
    /// Says what the used rows are.
    pub(crate) fn describe(&mut self, rows: &[Row]) {
        let groups: std::collections::HashSet<&str> = rows.iter().map(|row| row.query.cluster()).collect();
        let propensities = rows.iter().map(|row| row.propensity * row.copies as f64);
        self.used = rows.iter().map(|row| row.copies).sum();
        self.conversations = groups.len();
        self.propensities = propensities.fold(None, |range: Option<[f64; 2]>, p| {
            Some(range.map_or([p, p], |[low, high]| [low.min(p), high.max(p)]))
        });
        self.between = rows.first().zip(rows.last()).map(|(first, last)| [first.at, last.at]);
    }
}

/// Labels by the decision that they are of.
pub(super) fn by_decision(rows: &[Row]) -> HashMap<&str, &Row> {
    rows.iter().map(|row| (row.query.id.as_str(), row)).collect()
}

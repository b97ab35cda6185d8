//! What one operating point came to, computed from the decision log and the recorded scores.

use std::collections::HashMap;

use anyhow::{Context, bail};
use indexmap::IndexMap;
use rungs_training::evaluate::Interval;
use rungs_training::evaluate::bootstrap::{RESAMPLINGS, intervals};
use serde::Serialize;

use crate::chat::Usage;
use crate::config::{Price, TierConfig};
use crate::decisions::{DecisionRecord, EscalationReason, Outcome};
use crate::labelled::{LabelledQuery, RecordedOutcome};
use crate::standin;

/// What came of sending every held-out query to one `model` of the router. Quality is the mean recorded score,
/// intervals are 95%, costs are USD.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Queries that went through the router.
    pub requests: usize,
    /// How many of them were streamed.
    pub streamed: usize,
    /// How many got an error instead of an answer.
    pub failed: usize,
    /// `cheap`, `random-mix` (of the two tiers, at the router's cost), `router+cascade`, `frontier`.
    pub policy: IndexMap<&'static str, Policy>,
    /// Quality of the router less that of `random-mix` and of `frontier`, in pairs.
    pub gain: IndexMap<&'static str, Estimate>,
    /// Answers that were rejected, by reason.
    pub escalations: IndexMap<String, usize>,
    /// Requests that ended one tier or more above their start.
    pub escalated: usize,
    /// Requests by the tier that answered.
    pub served_by: IndexMap<String, usize>,
    /// Median and 95th percentile of the whole request, milliseconds.
    pub latency_ms: [f64; 2],
    /// One escalated decision, to look at.
    pub example: Option<DecisionRecord>,
}

/// One way to choose a tier.
#[derive(Debug, Clone, Serialize)]
pub struct Policy {
    /// Mean recorded score.
    #[serde(flatten)]
    pub quality: Estimate,
    /// Cost of all requests.
    pub cost_usd: f64,
    /// Cost against always-frontier.
    pub cost_ratio: f64,
}

/// A number with its 95% interval by resampling templates; `None` where there are too few.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its interval.
    pub interval: Option<Interval>,
}

/// One request as the policies see it.
struct Row {
    group: u64,
    served: f64,
    cheap: f64,
    frontier: f64,
    cost: f64,
    cheap_cost: f64,
    frontier_cost: f64,
}

impl Run {
    /// Joins the held-out queries with their records, which are found by the query's id.
    ///
    /// # Errors
    /// When a query has no record, a cost is unknown, or an answer was served that is not recorded.
    pub(super) fn new(queries: &[LabelledQuery], records: &HashMap<&str, &DecisionRecord>) -> anyhow::Result<Self> {
        let rows = join(queries, records)?;
        let log = || queries.iter().filter_map(|query| records.get(query.id.as_str()).copied());
        let (policy, gain) = policies(&rows);
        Ok(Self {
            requests: rows.len(),
            streamed: log().filter(|record| record.streamed).count(),
            failed: log().filter(|record| record.outcome != Outcome::Served).count(),
            policy,
            gain,
            escalations: escalations(log()),
            escalated: log().filter(|record| record.escalations > 0).count(),
            served_by: tally(log().filter_map(|record| record.tier.clone())),
            latency_ms: latency(log()),
            example: log().find(|record| record.escalations > 0).cloned(),
        })
    }
}

fn join(queries: &[LabelledQuery], records: &HashMap<&str, &DecisionRecord>) -> anyhow::Result<Vec<Row>> {
    let tiers = standin::configs()?;
    let [cheap, frontier] = &tiers[..] else { bail!("the sample has {} tiers, not two", tiers.len()) };
    let mut groups = HashMap::new();
    queries
        .iter()
        .map(|query| {
            let record =
                records.get(query.id.as_str()).with_context(|| format!("{} is not in the decision log", query.id))?;
            let next = groups.len() as u64;
            Ok(Row {
                group: *groups.entry(query.cluster()).or_insert(next),
                served: served(query, record)?,
                cheap: outcome(query, &cheap.name)?.score,
                frontier: outcome(query, &frontier.name)?.score,
                cost: record.cost_usd.with_context(|| format!("the cost of {} is not known", query.id))?,
                cheap_cost: cost(query, cheap)?,
                frontier_cost: cost(query, frontier)?,
            })
        })
        .collect()
}

/// The recorded score of what the client got; an error is worth nothing.
fn served(query: &LabelledQuery, record: &DecisionRecord) -> anyhow::Result<f64> {
    let (Outcome::Served, Some(tier)) = (record.outcome, &record.tier) else { return Ok(0.0) };
    let recorded = outcome(query, tier)?;
    // A tool call is served as such, without a text.
    match record.answer.as_deref() {
        Some(text) if !text.is_empty() && recorded.answer.as_deref() != Some(text) => {
            bail!("{}: {tier} served an answer that is not recorded: {text}", query.id)
        }
        _ => Ok(recorded.score),
    }
}

fn outcome<'a>(query: &'a LabelledQuery, tier: &str) -> anyhow::Result<&'a RecordedOutcome> {
    query.outcomes.get(tier).with_context(|| format!("{} has no outcome of {tier}", query.id))
}

fn cost(query: &LabelledQuery, tier: &TierConfig) -> anyhow::Result<f64> {
    let recorded = outcome(query, &tier.name)?;
    let price: Price = tier.price_now().with_context(|| format!("{} has no price", tier.name))?;
    Ok(price.cost_usd(Usage::new(recorded.input_tokens.unwrap_or(0), recorded.output_tokens.unwrap_or(0))))
}

type Policies = IndexMap<&'static str, Policy>;
type Gains = IndexMap<&'static str, Estimate>;

fn policies(rows: &[Row]) -> (Policies, Gains) {
    let total = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>();
    let (cost, cheap, frontier) = (total(|row| row.cost), total(|row| row.cheap_cost), total(|row| row.frontier_cost));
    // The share of frontier calls that makes a random mix cost as much as the router did.
    let share = if frontier > cheap { ((cost - cheap) / (frontier - cheap)).clamp(0.0, 1.0) } else { 0.0 };
    let mix = |row: &Row| row.cheap + share * (row.frontier - row.cheap);
    let (weights, groups) = (vec![1.0; rows.len()], rows.iter().map(|row| row.group).collect::<Vec<_>>());
    let statistics = |weights: &[f64]| {
        let mean = |of: &dyn Fn(&Row) -> f64| {
            let sum: f64 = rows.iter().zip(weights).map(|(row, weight)| of(row) * weight).sum();
            let weight: f64 = weights.iter().sum();
            (weight > 0.0).then(|| sum / weight)
        };
        [
            mean(&|row| row.cheap),
            mean(&mix),
            mean(&|row| row.served),
            mean(&|row| row.frontier),
            mean(&|row| row.served - mix(row)),
            mean(&|row| row.served - row.frontier),
        ]
    };
    let values = statistics(&weights);
    let ranges = intervals(&groups, &weights, RESAMPLINGS, 0, statistics);
    let estimate = |i: usize| Estimate { value: values[i].unwrap_or(0.0), interval: ranges[i] };
    let policy = |i: usize, cost_usd: f64| Policy { quality: estimate(i), cost_usd, cost_ratio: cost_usd / frontier };
    let mixed = cheap + share * (frontier - cheap);
    (
        IndexMap::from([
            ("cheap", policy(0, cheap)),
            ("random-mix", policy(1, mixed)),
            ("router+cascade", policy(2, cost)),
            ("frontier", policy(3, frontier)),
        ]),
        IndexMap::from([("random-mix", estimate(4)), ("frontier", estimate(5))]),
    )
}

fn escalations<'a>(log: impl Iterator<Item = &'a DecisionRecord>) -> IndexMap<String, usize> {
    let reasons = log.flat_map(|record| &record.attempts).filter_map(|attempt| attempt.reason);
    tally(reasons.filter_map(|reason: EscalationReason| {
        serde_json::to_value(reason).ok().and_then(|word| word.as_str().map(str::to_owned))
    }))
}

/// How often each word comes, the most frequent first.
fn tally(words: impl Iterator<Item = String>) -> IndexMap<String, usize> {
    let mut counts = IndexMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts.sort_by(|a, n, b, m| m.cmp(n).then_with(|| a.cmp(b)));
    counts
}

fn latency<'a>(log: impl Iterator<Item = &'a DecisionRecord>) -> [f64; 2] {
    let mut all: Vec<f64> = log.map(|record| record.latency_ms).collect();
    all.sort_by(f64::total_cmp);
    [0.5, 0.95].map(|q| all.get((all.len().saturating_sub(1) as f64 * q).round() as usize).copied().unwrap_or(0.0))
}

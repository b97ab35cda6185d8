//! The figures of judging: quality with its interval, and what is known of the judge.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::anchors::{self, Standing, name_of};
use super::estimate::agreement::{Confusion, Corrected};
use super::estimate::bias::{Compared, Length, Position, length, position};
use super::estimate::{Estimate, Judged, Population, Sums, estimate};
use super::jobs::{self, Queue};
use super::verdict::{Kind, Order, Preference, Subject, Verdict};
use super::{VerdictFilter, verdicts};
use crate::database::{Database, Statement};
use crate::decisions::{StoreError, id};

/// Quality by what was judged. The mean score is that of all requests that could be judged, not of the judged ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// All requests.
    pub total: Option<Quality>,
    /// By `x-rungs-route`; those without one under the empty name.
    pub by_route: BTreeMap<String, Quality>,
    /// By the tier whose answer was served.
    pub by_tier: BTreeMap<String, Quality>,
    /// By the artifact that scored the request.
    pub by_model_version: BTreeMap<String, Quality>,
    /// Whether the judge's verdicts change with the order of the answers.
    pub position: Position,
    /// Whether the longer answer wins.
    pub length: Option<Length>,
    /// How good judges are on the anchors.
    pub anchors: Vec<Standing>,
    /// The judge and the prompt that gave the newest verdict.
    pub judge: Option<String>,
    /// The jobs.
    pub jobs: Queue,
}

/// The quality of a group of requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// By what the judge says.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// With the judge's errors taken out.
    pub corrected: Option<Corrected>,
    /// Why that cannot be said; `None` where it is.
    pub not_corrected: Option<String>,
}

/// The probability with which intervals hold the truth.
pub const LEVEL: f64 = 0.95;

/// Names beyond so many are counted together: clients choose them.
const MOST_GROUPS: usize = 1000;

/// The name under which those are counted.
const OTHERS: &str = "(others)";

/// Sums and labels of one group.
#[derive(Debug, Default)]
struct Group {
    sums: Sums,
    judged: Vec<Judged>,
}

/// Groups by route, tier and model version, and all together.
#[derive(Debug, Default)]
struct Groups {
    total: Group,
    by: [BTreeMap<String, Group>; 3],
}

/// Computes the figures of the decisions since then.
///
/// # Errors
/// When the database cannot be read.
pub async fn figures(database: &Database, since: Option<Timestamp>) -> Result<Figures, StoreError> {
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut groups = Groups::default();
    populations(database, since, &mut groups).await?;
    let found = all_since(database, since).await?;
    let newest = found.iter().rev().find(|verdict| verdict.judge.is_some());
    let judge = newest.map(|verdict| name_of(verdict.judge.as_deref(), verdict.prompt.as_deref()));
    let anchors = anchors::status(database).await?;
    let known = anchors.iter().find(|standing| Some(&standing.judge) == judge.as_ref());
    let confusion = known.map(|standing| standing.confusion).unwrap_or_default();
    let (position, length) = biases(&found);
    for verdicts in by_decision(&found).values() {
        groups.label(verdicts);
    }
    let Groups { total, by } = groups;
    let of = |prefix: &str, group: BTreeMap<String, Group>| -> BTreeMap<String, Quality> {
        let quality = |(name, group): (String, Group)| {
            let seed = format!("{prefix}/{name}");
            Some((name, group.quality(&seed, &confusion)?))
        };
        group.into_iter().filter_map(quality).collect()
    };
    let [routes, tiers, versions] = by;
    Ok(Figures {
        total: total.quality("total", &confusion),
        by_route: of("route", routes),
        by_tier: of("tier", tiers),
        by_model_version: of("model version", versions),
        position,
        length,
        anchors,
        judge,
        jobs: jobs::queue(database).await?,
    })
}

async fn populations(database: &Database, since: Timestamp, groups: &mut Groups) -> Result<(), StoreError> {
    let text = "SELECT COALESCE(route, ''), COALESCE(tier, ''), COALESCE(model_version, ''), COUNT(*), \
                CAST(SUM(judge_drawn) AS BIGINT), SUM(judge_predicted), SUM(judge_propensity), \
                MIN(-judge_predicted / judge_propensity), MAX((1.0 - judge_predicted) / judge_propensity) \
                FROM decisions WHERE id >= ? AND judge_propensity > 0 \
                GROUP BY COALESCE(route, ''), COALESCE(tier, ''), COALESCE(model_version, '')";
    for row in database.read(Statement::new(text).bind(id::first_of(since))).await? {
        let sums = Sums {
            requests: row.int(3)?.unsigned_abs(),
            drawn: row.int(4)?.unsigned_abs(),
            predicted: row.real(5)?,
            propensity: row.real(6)?,
            low: row.real(7)?.min(0.0),
            high: row.real(8)?.max(0.0),
        };
        let names = [row.text(0)?, row.text(1)?, row.text(2)?];
        groups.each(&names, |group| group.sums.merge(&sums));
    }
    Ok(())
}

/// Judges' verdicts about decisions since then, in the order in which they came.
async fn all_since(database: &Database, since: Timestamp) -> Result<Vec<Verdict>, StoreError> {
    let mut filter = VerdictFilter { limit: 10_000, since: Some(since), ..VerdictFilter::default() };
    let (first, mut found) = (id::first_of(since), Vec::new());
    loop {
        let page = verdicts::read(database, &filter).await?;
        if page.verdicts.is_empty() {
            return Ok(found);
        }
        filter.after = page.next;
        let of_judges = |verdict: &Verdict| matches!(verdict.kind, Kind::Pairwise | Kind::Rubric | Kind::Check);
        found.extend(page.verdicts.into_iter().filter(|verdict| of_judges(verdict) && verdict.decision_id >= first));
    }
}

/// Verdicts about the same answer together: one, or one in each order.
fn by_decision(found: &[Verdict]) -> BTreeMap<(&str, &'static str), Vec<&Verdict>> {
    let mut by: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for verdict in found {
        by.entry((verdict.decision_id.as_str(), verdict.subject.name())).or_default().push(verdict);
    }
    by
}

fn biases(found: &[Verdict]) -> (Position, Option<Length>) {
    let preferred = |verdict: &Verdict| match verdict.preference? {
        Preference::Win => Some(1.0),
        Preference::Tie => Some(0.5),
        Preference::Loss => Some(0.0),
    };
    let compared = |verdict: &Verdict| {
        let (preferred, first) = (preferred(verdict)?, verdict.order? == Order::First);
        Some(Compared { preferred, first, lengths: verdict.lengths })
    };
    let comparisons: Vec<Compared> = found.iter().filter_map(compared).collect();
    let pairs = by_decision(found).into_values().filter_map(|both| match &both[..] {
        [one, other] => Some([preferred(one)?, preferred(other)?]),
        _ => None,
    });
    (position(&comparisons, &pairs.collect::<Vec<_>>()), length(&comparisons))
}

impl Groups {
    fn each(&mut self, names: &[String; 3], mut change: impl FnMut(&mut Group)) {
        change(&mut self.total);
        for (groups, name) in self.by.iter_mut().zip(names) {
            let is_known = groups.len() < MOST_GROUPS || groups.contains_key(name);
            change(groups.entry(if is_known { name.as_str() } else { OTHERS }.to_owned()).or_default());
        }
    }

    /// Counts a judged answer. One that was judged in both orders has the mean of both: what one order would say on average.
    fn label(&mut self, verdicts: &[&Verdict]) {
        let Some(first) = verdicts.first() else { return };
        let Some(propensity) = first.propensity.filter(|propensity| *propensity > 0.0) else { return };
        if first.subject != Subject::Served {
            return;
        }
        let score = verdicts.iter().map(|verdict| verdict.score).sum::<f64>() / verdicts.len() as f64;
        let judged = Judged { predicted: first.predicted.unwrap_or(0.5), propensity, score };
        let names = [&first.route, &first.tier, &first.model_version].map(|name| name.clone().unwrap_or_default());
        self.each(&names, |group| group.judged.push(judged));
    }
}

impl Group {
    fn quality(self, seed: &str, confusion: &Confusion) -> Option<Quality> {
        let estimate = estimate(&Population::new(self.sums, self.judged), LEVEL, seed)?;
        let corrected = if confusion.cases() == 0 {
            Err("no anchors are judged by this judge: see `rungs judge anchors`".to_owned())
        } else {
            confusion.correct(&estimate).map_err(|refused| refused.to_string())
        };
        let not_corrected = corrected.as_ref().err().cloned();
        Some(Quality { estimate, corrected: corrected.ok(), not_corrected })
    }
}

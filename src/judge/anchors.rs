//! Anchors: answers that people have judged, and what they say of judges.

mod file;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use file::{BadAnchor, Imported, read};

use super::asking::{Matter, Opinion};
use super::bench::Bench;
use super::call::Failure;
use super::estimate::agreement::{Confusion, Rate};
use super::estimate::bias::{Compared, Position, position};
use super::jobs::{self, Job};
use super::verdict::{Kind, Preference, Subject, Verdict};
use super::verdicts::VerdictFilter;
use super::work::Progress;
use super::{verdict, verdicts};
use crate::chat::ChatRequest;
use crate::database::{Database, Statement};
use crate::decisions::{StoreError, id};

/// An answer with what people say of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anchor {
    /// Its name.
    pub id: String,
    /// What was asked.
    pub prompt: String,
    /// The answer that people judged.
    pub answer: String,
    /// The answer that they compared it with; `None` where they judged it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// What people say of it: a tie counts as acceptable. Of an answer that was judged by itself, a win is an acceptable one.
    pub gold: Preference,
    /// What judges have said of it before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<Recorded>,
}

/// What a judge said of an anchor before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The judge, and its method.
    pub judge: String,
    /// Whether it saw the other answer first; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swapped: Option<bool>,
    /// What it said.
    pub preference: Preference,
    /// What people say without this judge, who was one of them; `None` means the anchor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<Preference>,
}

/// How good a judge is on the anchors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The judge with its prompt or method.
    pub judge: String,
    /// How often it said what.
    pub confusion: Confusion,
    /// Of acceptable answers, the share that it finds acceptable.
    pub sensitivity: Option<Rate>,
    /// Of unacceptable answers, the share that it finds unacceptable.
    pub specificity: Option<Rate>,
    /// The share of all answers of which it says what people say.
    pub agreement: Option<Rate>,
    /// Whether the order of the answers counts.
    pub position: Position,
}

/// One look of a judge at one anchor.
#[derive(Debug, Clone)]
struct Look {
    anchor: String,
    gold: Preference,
    said: Preference,
    swapped: Option<bool>,
}

/// Anchors written at once.
const AT_ONCE: usize = 500;

/// Keeps anchors; one whose id is there already is replaced.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(database: &Database, anchors: &[Anchor]) -> Result<(), StoreError> {
    let now = Timestamp::now();
    for some in anchors.chunks(AT_ONCE) {
        let insert = |anchor: &Anchor| {
            let json = serde_json::to_string(anchor).map_err(|error| StoreError(format!("anchor: {error}")))?;
            let text = "INSERT INTO judge_anchors (id, imported_at, anchor) VALUES (?, ?, ?) \
                        ON CONFLICT (id) DO UPDATE SET imported_at = excluded.imported_at, anchor = excluded.anchor";
            Ok(Statement::new(text).bind(&anchor.id).bind(now).bind(json))
        };
        database.transaction(some.iter().map(insert).collect::<Result<_, StoreError>>()?).await?;
    }
    Ok(())
}

/// All anchors.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(database: &Database) -> Result<Vec<Anchor>, StoreError> {
    let rows = database.read(Statement::new("SELECT anchor FROM judge_anchors ORDER BY id")).await?;
    rows.iter().map(|row| parse(&row.text(0)?)).collect()
}

/// Has every anchor judged once more by the judge in force, by the workers; gives their number.
///
/// # Errors
/// When the database cannot be written.
pub async fn enqueue(database: &Database) -> Result<u64, StoreError> {
    let now = Timestamp::now();
    let day = now.to_zoned(TimeZone::UTC).date();
    let anchors = all(database).await?;
    for some in anchors.chunks(AT_ONCE) {
        let insert = |anchor: &Anchor| {
            let id = format!("anchor/{}/{day}", anchor.id);
            let columns = jobs::COLUMNS.join(", ");
            // An id of today: what anchors cost counts like all judging of today.
            let row = jobs::job(&id, &id::first_of(now), Subject::Anchor, now);
            let insert = Statement::new(format!("INSERT INTO judge_jobs ({columns}) VALUES (")).list(row);
            insert.and(") ON CONFLICT DO NOTHING")
        };
        database.transaction(some.iter().map(insert).collect()).await?;
    }
    Ok(anchors.len() as u64)
}

/// How good each judge is that has judged anchors, by its newest verdicts, and those whose verdicts came with the anchors.
///
/// # Errors
/// When the database cannot be read.
pub async fn status(database: &Database) -> Result<Vec<Standing>, StoreError> {
    let anchors = all(database).await?;
    let mut looks: BTreeMap<String, Vec<Look>> = BTreeMap::new();
    for anchor in &anchors {
        for recorded in &anchor.recorded {
            looks.entry(recorded.judge.clone()).or_default().push(Look {
                anchor: anchor.id.clone(),
                gold: recorded.gold.unwrap_or(anchor.gold),
                said: recorded.preference,
                swapped: recorded.swapped,
            });
        }
    }
    for (judge, found) in judged(database, &anchors).await? {
        looks.entry(judge).or_default().extend(found);
    }
    Ok(looks.into_iter().map(|(judge, looks)| standing(judge, &looks)).collect())
}

/// What judges in force have said of anchors, the newest of each order.
async fn judged(database: &Database, anchors: &[Anchor]) -> Result<BTreeMap<String, Vec<Look>>, StoreError> {
    let gold: BTreeMap<&str, Preference> = anchors.iter().map(|anchor| (anchor.id.as_str(), anchor.gold)).collect();
    let mut newest: BTreeMap<(String, String, Option<&'static str>), Look> = BTreeMap::new();
    let mut filter = VerdictFilter { limit: 10_000, kind: Some(Kind::Anchor), ..VerdictFilter::default() };
    loop {
        let page = verdicts::read(database, &filter).await?;
        if page.verdicts.is_empty() {
            break;
        }
        filter.after = page.next;
        for verdict in page.verdicts {
            let name = verdict.decision_id.strip_prefix("anchor/").unwrap_or_default().to_owned();
            let Some(gold) = gold.get(name.as_str()) else { continue };
            let judge = name_of(verdict.judge.as_deref(), verdict.prompt.as_deref());
            let said =
                verdict.preference.unwrap_or(if verdict.score > 0.5 { Preference::Win } else { Preference::Loss });
            let swapped = verdict.order.map(|order| order == verdict::Order::Last);
            let look = Look { anchor: name.clone(), gold: *gold, said, swapped };
            newest.insert((judge, name, verdict.order.map(verdict::Order::name)), look);
        }
    }
    let mut found: BTreeMap<String, Vec<Look>> = BTreeMap::new();
    for ((judge, ..), look) in newest {
        found.entry(judge).or_default().push(look);
    }
    Ok(found)
}

/// What a judge with a prompt is called.
#[must_use]
pub fn name_of(judge: Option<&str>, prompt: Option<&str>) -> String {
    format!("{} {}", judge.unwrap_or("?"), prompt.unwrap_or("?"))
}

fn standing(judge: String, looks: &[Look]) -> Standing {
    let mut confusion = Confusion::default();
    let mut by_anchor: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut compared = Vec::new();
    for look in looks {
        confusion.add(look.gold.score() > 0.5, look.said.score() > 0.5);
        if let Some(swapped) = look.swapped {
            let preferred = match look.said {
                Preference::Win => 1.0,
                Preference::Tie => 0.5,
                Preference::Loss => 0.0,
            };
            compared.push(Compared { preferred, first: !swapped, lengths: None });
            by_anchor.entry(&look.anchor).or_default().push(preferred);
        }
    }
    let pairs: Vec<[f64; 2]> = by_anchor.into_values().filter_map(|both| <[f64; 2]>::try_from(both).ok()).collect();
    Standing {
        judge,
        confusion,
        sensitivity: confusion.sensitivity(),
        specificity: confusion.specificity(),
        agreement: confusion.agreement(),
        position: position(&compared, &pairs),
    }
}

impl Bench {
    /// Has the judge in force judge an anchor.
    pub(super) async fn anchor(&self, job: &Job) -> Result<Progress, Failure> {
        let name = job.id.strip_prefix("anchor/").and_then(|rest| Some(rest.rsplit_once('/')?.0)).unwrap_or_default();
        let select = Statement::new("SELECT anchor FROM judge_anchors WHERE id = ?").bind(name);
        let rows = self.database.read(select).await?;
        let Some(row) = rows.first() else { return Err(Failure::Lasting("the anchor is gone".to_owned())) };
        let anchor = parse(&row.text(0)?)?;
        let request = ChatRequest::from_prompt(&anchor.prompt);
        let matter = Matter { request: &request, answer: &anchor.answer, arms: &[] };
        let (prompt, found) = match &anchor.other {
            Some(other) => (&self.default.pairwise, self.compare(job, &self.default.pairwise, matter, other).await?),
            None => {
                let opinion = self.grade(job, &self.default.rubric, matter).await?;
                (&self.default.rubric, opinion.map(|opinion| vec![opinion]))
            }
        };
        let Some(found) = found else { return Ok(Progress::Batched) };
        let verdicts: Vec<Verdict> =
            found.iter().enumerate().map(|(i, opinion)| of_anchor(&anchor, opinion, &prompt.version, i > 0)).collect();
        self.commit(job, &verdicts).await
    }
}

fn of_anchor(anchor: &Anchor, opinion: &Opinion, prompt: &str, second: bool) -> Verdict {
    Verdict {
        id: Uuid::now_v7().to_string(),
        decision_id: format!("anchor/{}", anchor.id),
        at: Timestamp::now(),
        route: None,
        tenant: None,
        tier: None,
        model: None,
        model_version: None,
        kind: Kind::Anchor,
        subject: Subject::Anchor,
        score: opinion.preference.score(),
        predicted: None,
        against: None,
        preference: Some(opinion.preference),
        order: opinion.order,
        second,
        lengths: opinion.lengths,
        judge: Some(opinion.judge.clone()),
        prompt: Some(prompt.to_owned()),
        propensity: None,
        drawn: Vec::new(),
        cost_usd: opinion.cost_usd,
        reason: Some(opinion.reason.clone()),
    }
}

fn parse(json: &str) -> Result<Anchor, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError(format!("a stored anchor cannot be read: {error}")))
}

//! The monitors at work: on the leader, over the log, with their state in the database.
//!
//! What was read, what the monitors made of it and what is to be told are written in one transaction: after a crash, or when
//! another router leads, the next one goes on from there, and each sample counts once.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::findings::{self, Context};
use super::monitors::Finding;
use super::read;
use super::sample::{Anchored, Judged, Served};
use super::state::{self, State};
use super::versions::Standing;
use crate::alert::event::Damage;
use crate::alert::{Scope, Signal, Status, outbox, table};
use crate::config::DriftConfig;
use crate::database::Database;
use crate::decisions::StoreError;
use crate::judge::{Kind, Verdict};
use crate::leader::Leader;
use crate::trouble::Trouble;

/// Watches until the token is cancelled, by whatever configuration is in force.
pub fn start(
    database: Database,
    config: impl Fn() -> DriftConfig + Send + 'static,
    leader: Leader,
    stop: CancellationToken,
) {
    tokio::spawn(async move {
        let (mut state, mut trouble) = (None, Trouble::default());
        while timeout(Duration::from_secs_f64(config().period_s), stop.cancelled()).await.is_err() {
            let config = config();
            if !config.enabled || !leader.is_leader() {
                state = None;
                continue;
            }
            let looked = look(&database, &config, state.take()).await;
            if let Some(error) = trouble.news(&looked) {
                tracing::warn!(error, "the monitors wait for the database");
            }
            // After an error what was committed is not known for certain: the next look begins with what is stored.
            state = looked.ok();
        }
    });
}

/// Reads what is new, to its end, and writes what the monitors make of it.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn look(database: &Database, config: &DriftConfig, state: Option<State>) -> Result<State, StoreError> {
    let mut state = match state {
        Some(state) if state.monitors.config == *config => state,
        _ => state::load(database, config).await?,
    };
    let mut has_news = acknowledge(database, &mut state).await? || state.is_new;
    loop {
        let verdicts = read::verdicts(database, &mut state.cursor).await?;
        let records = read::records(database, &mut state.cursor).await?;
        let (done, now) = (verdicts.is_empty() && records.is_empty(), Timestamp::now());
        if done && !has_news {
            return Ok(state);
        }
        has_news = false;
        let mut found = Vec::new();
        for record in &records {
            if state.sees(record.model_version.as_deref(), now) != Standing::Other {
                found.extend(state.monitors.served(&Served::of(record)));
            }
        }
        for verdict in &verdicts {
            found.extend(judge(database, &mut state, verdict, now).await?);
        }
        state.count(&records, &verdicts, now);
        let mut statements = Vec::new();
        for finding in found {
            let signal = signal(database, &state, finding).await?;
            if let Signal::Fire(event) = &signal {
                tracing::warn!(alert = event.name(), scope = %event.scope(), "ALARM: {}", event.summary());
            }
            statements.push(outbox::insert(&signal)?);
        }
        statements.extend(state.save(now)?);
        database.transaction(statements).await?;
        state.is_new = false;
    }
}

async fn judge(
    database: &Database,
    state: &mut State,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<Vec<Finding>, StoreError> {
    if verdict.kind == Kind::Anchor {
        let people = read::people(database, &verdict.decision_id).await?;
        let anchored = people.map(|people| Anchored::of(verdict, people));
        return Ok(anchored.map(|anchored| state.monitors.anchored(&anchored)).unwrap_or_default());
    }
    let Some(judged) = Judged::of(verdict) else { return Ok(Vec::new()) };
    if state.sees(verdict.model_version.as_deref(), now) == Standing::Other {
        return Ok(Vec::new());
    }
    Ok(state.monitors.judged(&judged))
}

/// What is told of a finding.
async fn signal(database: &Database, state: &State, finding: Finding) -> Result<Signal, StoreError> {
    let (key, moved, cause, suspected) = match finding {
        Finding::Cleared(key) => return Ok(Signal::Resolve(findings::fingerprint(&key))),
        Finding::Raised(key, moved, cause) => (key, moved, cause, false),
        Finding::Suspected(key, moved) => (key, moved, None, true),
    };
    // The endpoint is no column of the log, and a direction no part of a scope there.
    let scope = Scope { endpoint: None, line: None, ..key.scope.clone() };
    let mut examples = state.monitors.examples(&scope, moved.since);
    if examples.is_empty() {
        examples = read::examples(database, &scope, moved.since).await?;
    }
    let (requests, usd) = read::affected(database, &scope, moved.since).await?;
    let damage = damage(&key, &moved, requests as f64, usd);
    let model_version = state.versions.current().map(str::to_owned);
    let event = findings::event(&key, &moved, Context { cause, damage, examples, model_version });
    Ok(if suspected { Signal::Suspect(event) } else { Signal::Fire(event) })
}

/// How many requests a drift has spoiled, and what they cost; of costs, what was paid more.
fn damage(key: &super::Key, moved: &super::Moved, requests: f64, usd: Option<f64>) -> Option<Damage> {
    use super::Family;
    let rise = moved.to - moved.from;
    match key.family {
        Family::Quality | Family::Calibration | Family::Escalation | Family::Economics | Family::Upstream => {
            Some(Damage { requests: requests * rise, usd: usd.map(|usd| usd * rise) })
        }
        Family::Cost => Some(Damage { requests, usd: Some(requests * rise) }),
        Family::Inputs | Family::Latency => Some(Damage { requests, usd }),
        Family::Novelty => Some(Damage { requests: requests * rise, usd: None }),
        Family::Judge => None,
    }
}

/// Alerts that somebody has seen to since the last look.
async fn acknowledge(database: &Database, state: &mut State) -> Result<bool, StoreError> {
    let mut has_news = false;
    for alert in table::open(database).await? {
        let at = alert.acknowledged.as_ref().map(|acknowledged| acknowledged.at);
        if alert.status == Status::Pending || at.is_none_or(|at| at <= state.acknowledged) {
            continue;
        }
        state.acknowledged = at.unwrap_or(state.acknowledged);
        has_news = true;
        if let Some(key) = findings::key(&alert.event) {
            state.monitors.acknowledge(&key);
        }
    }
    Ok(has_news)
}

//! From the gate to all requests, and back: shadow, canary, champion, rollback.

use std::sync::Arc;

use jiff::Timestamp;
use rungs_training::canary::Canary;
use serde::Deserialize;

use super::holdout::Contender;
use super::labels::request;
use super::run::RetrainError;
use crate::alert::event::Change;
use crate::alert::outbox::{Signal, insert};
use crate::alert::{Event, event};
use crate::config::Config;
use crate::database::Statement;
use crate::decisions::{DecisionFilter, DecisionRecord, DecisionStore};
use crate::difficulty::Scorer;
use crate::judge::Kind;
use crate::judge::verdicts::{VerdictFilter, read};
use crate::registry::{Registry, State};

/// The probability of a harmless canary's being stopped.
const FALSE_STOPS: f64 = 0.05;

const DAY_S: f64 = 86_400.0;

/// Moves whatever is on trial one step on or out, and takes a promotion back that an alarm speaks against. To be called every
/// now and then, on the router that leads; gives what was done, in words.
///
/// # Errors
/// When the log or the registry cannot be read or written.
pub async fn advance(store: &Arc<dyn DecisionStore>, config: &Config) -> Result<Option<String>, RetrainError> {
    let Some(database) = store.database() else { return Ok(None) };
    let registry = Registry::open(database, &config.data_dir());
    if let Some(done) = take_back(&registry, config).await? {
        return Ok(Some(done));
    }
    if let Some(version) = registry.in_state(State::Canary).await? {
        return canary(&registry, &version, config).await;
    }
    match registry.in_state(State::Shadow).await? {
        Some(version) => shadow(&registry, &version, store, config).await,
        None => Ok(None),
    }
}

/// A model in shadow scores what was decided since it came there; once it has scored enough it is tried out.
async fn shadow(
    registry: &Registry,
    version: &str,
    store: &Arc<dyn DecisionStore>,
    config: &Config,
) -> Result<Option<String>, RetrainError> {
    let most = config.retrain.shadow_decisions;
    let since = registry.since(version).await?;
    let filter = DecisionFilter { limit: most.min(1000), since: Some(since), ..DecisionFilter::default() };
    let records = store.list(&filter).await?.decisions;
    let records: Vec<DecisionRecord> = records.into_iter().filter(|record| record.score.is_some()).collect();
    if records.len() < most.min(1000) as usize {
        return Ok(None);
    }
    let scorer = Scorer::of(registry.load(version).await?, config)?;
    let config = config.clone();
    let scored = tokio::task::spawn_blocking(move || Shadow::of(&records, &scorer, &config)).await;
    let reason = match scored.map_err(|_| RetrainError::BrokenOff)? {
        Ok(shadow) => shadow.text(),
        Err(error) => {
            let reason = format!("in shadow it could not score a request: {error}");
            return reject(registry, version, reason).await;
        }
    };
    registry.set(version, State::Canary, "rollout", &reason).await?;
    Ok(Some(format!("{version} is tried out on a share of the requests: {reason}")))
}

/// What a model in shadow would have done.
struct Shadow {
    requests: usize,
    otherwise: usize,
    /// Requests that went to the last tier, and that would have gone there.
    frontier: [usize; 2],
    slowest_ms: f64,
}

impl Shadow {
    fn of(
        records: &[DecisionRecord],
        scorer: &Scorer,
        config: &Config,
    ) -> Result<Self, crate::features::embedding::EmbedError> {
        let model = Contender::new(scorer, config);
        let last = config.tiers.last().map(|tier| tier.name.as_str());
        let mut shadow = Self { requests: 0, otherwise: 0, frontier: [0, 0], slowest_ms: 0.0 };
        for record in records {
            let Ok(request) = request(record) else { continue };
            let begun = std::time::Instant::now();
            let chosen = model.choose(&request)?.at == 1;
            shadow.slowest_ms = shadow.slowest_ms.max(begun.elapsed().as_secs_f64() * 1e3);
            let started = record.rungs.first().map(String::as_str) == last;
            shadow.requests += 1;
            shadow.otherwise += usize::from(chosen != started);
            shadow.frontier[0] += usize::from(started);
            shadow.frontier[1] += usize::from(chosen);
        }
        Ok(shadow)
    }

    fn text(&self) -> String {
        let share = |n: usize| 100.0 * n as f64 / self.requests.max(1) as f64;
        format!(
            "in shadow it scored {} requests, chose otherwise for {:.1} % of them (frontier {:.1} % → {:.1} %), and took {:.1} \
             ms at most",
            self.requests,
            share(self.otherwise),
            share(self.frontier[0]),
            share(self.frontier[1]),
            self.slowest_ms
        )
    }
}

/// A canary goes when it does harm, and becomes the champion when it has decided enough without.
async fn canary(registry: &Registry, version: &str, config: &Config) -> Result<Option<String>, RetrainError> {
    let since = registry.since(version).await?;
    let test = tested(registry, version, since, config).await?;
    let [(_, champion), (judged, canary)] = test.losses();
    if test.does_harm() {
        let reason = format!(
            "the canary fails more often: {:.1} % of {judged} judged answers against {:.1} % of the champion's (evidence {:.0} \
             to 1)",
            100.0 * canary,
            100.0 * champion,
            test.evidence()
        );
        return reject(registry, version, reason).await;
    }
    let decided = decided(registry, version, since).await?;
    if decided < i64::from(config.retrain.canary_decisions) {
        return Ok(None);
    }
    let reason = format!(
        "as a canary it decided {decided} requests, of which {judged} were judged, without harm that could be shown (evidence \
         {:.2} to 1)",
        test.evidence()
    );
    let before = registry.in_state(State::Champion).await?;
    registry.promote(version, "rollout", &reason).await?;
    tell(registry, Event::ModelPromoted(change(version, before, &reason))).await?;
    Ok(Some(format!("{version} is the champion: {reason}")))
}

/// The test of a canary on everything that was said of its answers and of the champion's since it is one.
async fn tested(registry: &Registry, version: &str, since: Timestamp, config: &Config) -> Result<Canary, RetrainError> {
    let champion = registry.in_state(State::Champion).await?;
    let mut canary = Canary::new(config.retrain.canary_share, 0.0, FALSE_STOPS);
    let mut filter = VerdictFilter { limit: 5000, since: Some(since), ..VerdictFilter::default() };
    loop {
        let page = read(registry.database(), &filter).await?;
        if page.verdicts.is_empty() {
            return Ok(canary);
        }
        for verdict in page.verdicts.iter().filter(|verdict| verdict.kind != Kind::Anchor && !verdict.second) {
            match verdict.model_version.as_deref() {
                Some(by) if by == version => canary.observe(true, 1.0 - verdict.score),
                by if by == champion.as_deref() => canary.observe(false, 1.0 - verdict.score),
                _ => {}
            }
        }
        filter.after = page.next;
    }
}

async fn decided(registry: &Registry, version: &str, since: Timestamp) -> Result<i64, RetrainError> {
    let select = Statement::new("SELECT COUNT(*) FROM decisions WHERE model_version = ? AND at >= ?");
    let rows = registry.database().read(select.bind(version).bind(since)).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.int(0))?)
}

async fn reject(registry: &Registry, version: &str, reason: String) -> Result<Option<String>, RetrainError> {
    let champion = registry.in_state(State::Champion).await?;
    registry.set(version, State::Retired, "rollout", &reason).await?;
    tell(registry, Event::ModelRejected(change(version, champion, &reason))).await?;
    Ok(Some(format!("{version} is retired: {reason}")))
}

/// An alarm as the table of alerts has it.
#[derive(Deserialize)]
struct Alarm {
    event: Event,
    starts_at: Timestamp,
}

/// Takes the last promotion back where an alarm that began after it stands, and it is not long ago.
async fn take_back(registry: &Registry, config: &Config) -> Result<Option<String>, RetrainError> {
    let Some(champion) = registry.in_state(State::Champion).await? else { return Ok(None) };
    let entry = registry.find(&champion).await?;
    let age = Timestamp::now().duration_since(entry.changed_at).as_secs_f64();
    // One that came back by a rollback is not taken back again: the alarm may be about something else.
    let promoted = registry.changes_of(&champion).await?;
    let by_rollback = promoted.last().is_some_and(|change| change.who == ROLLBACK);
    if entry.previous.is_none() || by_rollback || age > config.retrain.rollback_days * DAY_S {
        return Ok(None);
    }
    let select = Statement::new("SELECT alert FROM alerts WHERE status = 'firing' ORDER BY id DESC LIMIT 200");
    let rows = registry.database().read(select).await?;
    let alarms = rows.iter().filter_map(|row| serde_json::from_str::<Alarm>(&row.text(0).ok()?).ok());
    let speaks = |alarm: &Alarm| {
        let named = config.retrain.rollback_on.iter().any(|name| name == alarm.event.name());
        let judge = alarm.event.drift().is_some_and(|drift| drift.cause == Some(event::Cause::Judge));
        named && !judge && alarm.starts_at > entry.changed_at
    };
    let Some(alarm) = alarms.into_iter().find(speaks) else { return Ok(None) };
    let reason = format!("{} since its promotion: {}", alarm.event.name(), alarm.event.summary());
    let back = registry.rollback(ROLLBACK, &reason).await?;
    tell(registry, Event::ModelRejected(change(&champion, Some(back.clone()), &reason))).await?;
    Ok(Some(format!("{back} is the champion again: {reason}")))
}

/// Who takes a promotion back.
const ROLLBACK: &str = "alarm";

fn change(version: &str, champion: Option<String>, reason: &str) -> Change {
    Change { version: version.to_owned(), champion, reason: reason.to_owned(), since: Timestamp::now() }
}

async fn tell(registry: &Registry, event: Event) -> Result<(), RetrainError> {
    registry.database().execute(insert(&Signal::Fire(event))?).await?;
    Ok(())
}

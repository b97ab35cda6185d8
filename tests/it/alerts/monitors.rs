//! The monitors over a log with known truth, stopped and started again on the way.

use jiff::{Timestamp, ToSpan};
use rungs::alert::event::Cause;
use rungs::alert::{Status, keeper, table};
use rungs::config::{AlertsConfig, DriftConfig};
use rungs::decisions::DecisionRecord;
use rungs::drift::{Family, state, worker};
use rungs::judge::anchors::{self, Anchor};
use rungs::judge::{Kind, Preference, Stream, Verdict, verdicts};

use super::Place;
use crate::support::postgres::with_database;
use crate::support::record::{bare_record, settled};

fn config() -> DriftConfig {
    DriftConfig { baseline: 500, ..DriftConfig::default() }
}

/// The `n`th request of route `triage`, answered by `small`.
fn record(n: u64) -> DecisionRecord {
    DecisionRecord {
        id: format!("0190{n:028x}"),
        at: Timestamp::now() - 1.hour(),
        route: Some("triage".to_owned()),
        tier: Some("small".to_owned()),
        cost_usd: Some(0.001),
        ..bare_record(1)
    }
}

/// Judges `n` answers more; one in `every` is bad.
async fn judge(place: &Place, from: u64, n: u64, every: u64) {
    for i in from..from + n {
        let score = f64::from(i % every != 0);
        let verdict = Verdict { drawn: vec![Stream::Monitor], ..Verdict::of(&record(i), Kind::Rubric, score) };
        verdicts::add(&place.database(), &verdict).await.unwrap();
    }
}

async fn a_drop_is_found_over_restarts(place: Place) {
    for n in 0..5 {
        place.store.append(record(n)).await.unwrap();
    }
    settled(place.store.as_ref()).await;
    let (database, config) = (place.database(), config());
    // Each look without a state is another leader, who takes over from the one before.
    drop(worker::look(&database, &config, None).await.unwrap());
    for n in 5..8 {
        place.store.append(record(n)).await.unwrap();
    }
    settled(place.store.as_ref()).await;
    judge(&place, 0, 400, 10).await;
    let state = worker::look(&database, &config, None).await.unwrap();
    judge(&place, 400, 200, 10).await;
    drop(worker::look(&database, &config, Some(state)).await.unwrap());
    let statuses = state::status(&database).await.unwrap();
    let all = statuses.iter().find(|status| status.monitor == Family::Quality && status.scope.parts().count() == 0);
    let all = all.unwrap();
    assert_eq!((all.samples, all.phase.as_str(), all.normal), (600, "watching", Some(0.1)));
    assert!(all.reach.iter().any(|reach| reach.rise == 0.1 && reach.mean < 300.0), "{:?}", all.reach);
    judge(&place, 600, 400, 4).await;
    drop(worker::look(&database, &config, None).await.unwrap());
    let told = AlertsConfig::default();
    keeper::round(&database, &told, Timestamp::now()).await.unwrap();
    let alerts = table::open(&database).await.unwrap();
    let alert = alerts.iter().find(|alert| alert.event.scope().parts().count() == 0).unwrap();
    assert_eq!((alert.event.name(), alert.status), ("QualityDrift", Status::Firing));
    let drift = alert.event.drift().unwrap();
    assert!(drift.from == 0.1 && drift.interval.is_some_and(|[low, high]| low <= 0.25 && 0.25 <= high), "{drift:?}");
    assert!(!drift.examples.is_empty() && drift.damage.is_some());
    let words = alert.event.annotations();
    for name in ["summary", "since", "from", "to", "interval", "damage", "examples", "action", "cause"] {
        assert!(words.contains_key(name), "{name} is missing in {words:?}");
    }
}

#[tokio::test]
async fn a_drop_is_found_over_restarts_on_sqlite() {
    a_drop_is_found_over_restarts(Place::new().await).await;
}

#[tokio::test]
async fn a_drop_is_found_over_restarts_on_postgres() {
    with_database(|config| async move { a_drop_is_found_over_restarts(Place::with(config).await).await }).await;
}

#[tokio::test]
async fn what_was_in_the_log_before_the_first_start_is_left_out_and_nothing_counts_twice() {
    let place = Place::new().await;
    place.store.append(record(0)).await.unwrap();
    settled(place.store.as_ref()).await;
    judge(&place, 0, 10, 10).await;
    let (database, config) = (place.database(), config());
    drop(worker::look(&database, &config, None).await.unwrap());
    judge(&place, 10, 7, 10).await;
    for _ in 0..3 {
        drop(worker::look(&database, &config, None).await.unwrap());
    }
    let statuses = state::status(&database).await.unwrap();
    assert_eq!(statuses.iter().find(|status| status.monitor == Family::Quality).unwrap().samples, 7);
}

/// What the judge says of a hundred anchors; of one in `every` it says something else than people do.
async fn ask_about_anchors(place: &Place, round: u64, every: u64) {
    for n in 0..100 {
        let anchor = DecisionRecord { id: format!("anchor-{n}"), ..bare_record(n) };
        let verdict = Verdict {
            judge: Some("judge-1".to_owned()),
            prompt: Some(format!("prompt-{round}")),
            ..Verdict::of(&anchor, Kind::Anchor, f64::from(n % every != 0))
        };
        verdicts::add(&place.database(), &verdict).await.unwrap();
    }
}

/// The alert that there is after judged failures have risen from a tenth to a quarter, and the anchors were asked about again.
async fn attributed(anchors_off: u64) -> (String, Option<Cause>, bool) {
    let place = Place::new().await;
    let (database, config, told) = (place.database(), config(), AlertsConfig::default());
    let anchor = |n: u64| Anchor {
        id: format!("anchor-{n}"),
        prompt: "p".to_owned(),
        answer: "a".to_owned(),
        other: None,
        gold: Preference::Win,
        recorded: Vec::new(),
    };
    anchors::keep(&database, &(0..100).map(anchor).collect::<Vec<_>>()).await.unwrap();
    drop(worker::look(&database, &config, None).await.unwrap());
    for round in 0..3 {
        ask_about_anchors(&place, round, 10).await;
    }
    judge(&place, 0, 600, 10).await;
    judge(&place, 600, 300, 4).await;
    drop(worker::look(&database, &config, None).await.unwrap());
    keeper::round(&database, &told, Timestamp::now()).await.unwrap();
    let pending = table::open(&database).await.unwrap();
    assert!(pending.iter().all(|alert| alert.status == Status::Pending) && !pending.is_empty(), "{pending:?}");

    ask_about_anchors(&place, 3, anchors_off).await;
    drop(worker::look(&database, &config, None).await.unwrap());
    keeper::round(&database, &told, Timestamp::now()).await.unwrap();
    let open = table::open(&database).await.unwrap();
    let firing: Vec<_> = open.iter().filter(|alert| alert.status == Status::Firing).collect();
    let event = &firing.iter().find(|alert| alert.event.scope().parts().count() == 0).unwrap().event;
    assert!(firing.iter().all(|alert| alert.event.name() == event.name()), "{firing:?}");
    let voids = !rungs::drift::alarms::read(&database).await.unwrap().is_empty();
    (event.name().to_owned(), event.drift().unwrap().cause, voids)
}

#[tokio::test]
async fn a_change_of_the_judge_is_told_from_one_of_the_system_by_the_anchors() {
    let (judge, system) = (attributed(3).await, attributed(10).await);
    assert_eq!(judge, ("JudgeDrift".to_owned(), Some(Cause::Judge), false));
    assert_eq!(system, ("QualityDrift".to_owned(), Some(Cause::System), true));
}

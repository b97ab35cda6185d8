//! What is on trial, step by step, and what an alarm takes back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rungs::alert::event::Drift;
use rungs::alert::{Event, Fingerprint, keeper, table};
use rungs::config::{AlertsConfig, DriftConfig};
use rungs::database::Statement;
use rungs::decisions::{DecisionRecord, DecisionStore, open};
use rungs::drift::worker;
use rungs::judge::{Kind, Stream, Verdict, verdicts};
use rungs::registry::{Origin, Registry, State};
use rungs::retrain::rollout::advance;
use serde_json::{Value, json};

use super::kill::{judged, settings};
use crate::support::record::{bare_record, settled};
use crate::support::serving::{config, shifted};

struct Trial {
    store: Arc<dyn DecisionStore>,
    registry: Registry,
    config: rungs::config::Config,
    _folder: tempfile::TempDir,
}

/// A champion, and a model in a state.
async fn trial(state: State) -> (Trial, String) {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{}shadow_decisions = 20\ncanary_decisions = 40\ncanary_share = 0.2\n", head()) + &tail();
    let config = config(folder.path(), &toml);
    let store = open(&config.log, &config.data_dir()).await.unwrap();
    let registry = Registry::open(store.database().unwrap(), &config.data_dir());
    registry.adopt(&shifted(0.0)).await.unwrap();
    let model = shifted(0.2);
    registry.add(&model, Origin::Retrain, Some(&shifted(0.0).version())).await.unwrap();
    registry.set(&model.version(), state, "t", "t").await.unwrap();
    (Trial { store, registry, config, _folder: folder }, model.version())
}

fn head() -> String {
    let whole = settings();
    whole.split_once("[[tiers]]").unwrap().0.to_owned()
}

fn tail() -> String {
    let whole = settings();
    format!("[[tiers]]{}", whole.split_once("[[tiers]]").unwrap().1)
}

impl Trial {
    /// Requests of now that a model decided, and of whose answers a share is bad.
    async fn decided(&self, by: &str, requests: u64, bad_of_ten: u64) {
        for n in 0..requests {
            let loses = n % 10 < bad_of_ten;
            let (record, verdict) = judged(9_999, &format!("Question {n}?"), by, [f64::from(u8::from(!loses)), 1.0]);
            let record = DecisionRecord { id: uuid::Uuid::now_v7().to_string(), at: Timestamp::now(), ..record };
            let verdict = Verdict { decision_id: record.id.clone(), ..verdict };
            self.store.append(record).await.unwrap();
            verdicts::add(self.registry.database(), &verdict).await.unwrap();
        }
        settled(&*self.store).await;
    }

    async fn advance(&self) -> Option<String> {
        advance(&self.store, &self.config).await.unwrap()
    }

    async fn state_of(&self, version: &str) -> State {
        self.registry.find(version).await.unwrap().state
    }
}

#[tokio::test]
async fn a_model_goes_from_shadow_over_the_canary_to_all_requests() {
    let (trial, version) = trial(State::Shadow).await;
    trial.decided(&shifted(0.0).version(), 10, 1).await;
    assert_eq!((trial.advance().await, trial.state_of(&version).await), (None, State::Shadow));
    trial.decided(&shifted(0.0).version(), 10, 1).await;
    let done = trial.advance().await.unwrap();
    assert!(done.contains("in shadow it scored 20 requests"), "{done}");
    assert_eq!(trial.state_of(&version).await, State::Canary);
    trial.decided(&version, 30, 1).await;
    assert_eq!((trial.advance().await, trial.state_of(&version).await), (None, State::Canary));
    trial.decided(&version, 10, 1).await;
    let done = trial.advance().await.unwrap();
    assert!(done.contains("decided 40 requests"), "{done}");
    assert_eq!(trial.state_of(&version).await, State::Champion);
    assert_eq!(trial.registry.find(&version).await.unwrap().previous, Some(shifted(0.0).version()));
    assert_eq!(trial.advance().await, None);
}

#[tokio::test]
async fn a_canary_that_does_harm_is_taken_out() {
    let (trial, version) = trial(State::Canary).await;
    for _ in 0..8 {
        trial.decided(&version, 5, 9).await;
        trial.decided(&shifted(0.0).version(), 20, 0).await;
    }
    let done = trial.advance().await.unwrap();
    assert!(done.contains("the canary fails more often"), "{done}");
    assert_eq!(trial.state_of(&version).await, State::Retired);
    assert_eq!(trial.registry.in_state(State::Champion).await.unwrap(), Some(shifted(0.0).version()));
}

#[tokio::test]
async fn an_alarm_takes_a_promotion_back_once() {
    let (trial, version) = trial(State::Challenger).await;
    trial.registry.promote(&version, "t", "t").await.unwrap();
    assert_eq!(trial.advance().await, None);
    let drift = |alert: fn(Drift) -> Event| alert(Drift { figure: "judged failures".to_owned(), ..Drift::default() });
    let fire = async |event: Event| {
        let alert: Value = json!({"event": event, "starts_at": Timestamp::now()});
        let insert = "INSERT INTO alerts (id, fingerprint, status, updated_at, alert) VALUES (?, ?, 'firing', ?, ?)";
        let fingerprint: Fingerprint = event.fingerprint();
        let insert = Statement::new(insert).bind(uuid::Uuid::now_v7().to_string()).bind(format!("{fingerprint:?}"));
        trial.registry.database().execute(insert.bind(Timestamp::now()).bind(alert.to_string())).await.unwrap();
    };
    // One that is not on the list does nothing.
    fire(drift(Event::CostDrift)).await;
    assert_eq!(trial.advance().await, None);
    tokio::time::sleep(Duration::from_millis(2)).await;
    fire(drift(Event::QualityDrift)).await;
    let done = trial.advance().await.unwrap();
    assert!(done.contains(&format!("{} is the champion again: QualityDrift", shifted(0.0).version())), "{done}");
    assert_eq!(trial.state_of(&version).await, State::Retired);
    assert_eq!(trial.advance().await, None);
}

/// Judges `n` answers that a model decided; one in `every` is bad.
async fn judges(trial: &Trial, by: &str, from: u64, n: u64, every: u64) {
    for i in from..from + n {
        let record = DecisionRecord {
            id: format!("0190{i:028x}"),
            tier: Some("small".to_owned()),
            model_version: Some(by.to_owned()),
            ..bare_record(1)
        };
        let score = f64::from(i % every != 0);
        let verdict = Verdict { drawn: vec![Stream::Monitor], ..Verdict::of(&record, Kind::Rubric, score) };
        verdicts::add(trial.registry.database(), &verdict).await.unwrap();
    }
}

#[tokio::test]
async fn the_monitors_own_alarm_takes_a_promotion_back() {
    let (trial, version) = trial(State::Challenger).await;
    let (database, old) = (trial.registry.database().clone(), shifted(0.0).version());
    let monitors = DriftConfig { baseline: 500, ..DriftConfig::default() };
    let state = worker::look(&database, &monitors, None).await.unwrap();
    judges(&trial, &old, 0, 600, 10).await;
    let state = worker::look(&database, &monitors, Some(state)).await.unwrap();
    trial.registry.promote(&version, "t", "t").await.unwrap();
    // As good as before: nothing happens.
    judges(&trial, &version, 600, 100, 10).await;
    let state = worker::look(&database, &monitors, Some(state)).await.unwrap();
    keeper::round(&database, &AlertsConfig::default(), Timestamp::now()).await.unwrap();
    assert_eq!(trial.advance().await, None);
    // Half of them fail under the new model.
    for part in 0..60 {
        judges(&trial, &version, 1000 + part * 10, 10, 2).await;
    }
    drop(worker::look(&database, &monitors, Some(state)).await.unwrap());
    keeper::round(&database, &AlertsConfig::default(), Timestamp::now()).await.unwrap();
    let alerts = table::open(&database).await.unwrap();
    let alarm = alerts.iter().find(|alert| alert.event.name() == "QualityDrift").expect("the monitors notice");
    assert_eq!(alarm.event.drift().unwrap().model_version.as_ref(), Some(&version));
    let done = trial.advance().await.unwrap();
    assert!(done.contains(&format!("{old} is the champion again: QualityDrift since its promotion")), "{done}");
    assert_eq!(trial.state_of(&version).await, State::Retired);
    assert_eq!(trial.registry.in_state(State::Champion).await.unwrap(), Some(old));
    assert_eq!(trial.advance().await, None);
}

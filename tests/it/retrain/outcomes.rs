//! What is written down of an attempt that passes the gate without becoming the champion.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rungs::alert::table::AlertFilter;
use rungs::alert::{keeper, table, webhook};
use rungs::config::{AlertsConfig, Config, Rollout};
use rungs::database::{Database, Statement};
use rungs::decisions::open;
use rungs::registry::{Attempt, Origin, Outcome, Registry, State};
use rungs::retrain::{Ask, run};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::certificate::poor;
use super::kill::{fill, settings};
use crate::support::hook::{Hook, SECRET};
use crate::support::serving::config;

async fn outcomes(database: &Database) -> Vec<String> {
    let rows = database.read(Statement::new("SELECT outcome FROM retrain_attempts ORDER BY id")).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

/// Both decisions of the gate reach the alerts and a receiver, with their reasons.
async fn is_told(database: &Database, folder: &Path) {
    let (hook, secret) = (Hook::start(&[]).await, folder.join("secret"));
    std::fs::write(&secret, SECRET).unwrap();
    let receiver = format!("name = 'ops'\nurl = '{}'\nsecret_file = [{secret:?}]\nallow_private = true", hook.url());
    let alerts: AlertsConfig = toml::from_str(&format!("group_s = 0.0\n[[receivers]]\n{receiver}")).unwrap();
    keeper::round(database, &alerts, Timestamp::now()).await.unwrap();
    let (listed, _) = table::list(database, &AlertFilter { limit: 10, before: None, status: None }).await.unwrap();
    let names: Vec<_> = listed.iter().map(|alert| alert.event.name()).collect();
    assert!(names.contains(&"ModelPromoted") && names.contains(&"ModelRejected"), "{names:?}");

    let stop = CancellationToken::new();
    webhook::start(database.clone(), move || alerts.clone(), stop.clone());
    let told = hook.told(2).await;
    stop.cancel();
    let of =
        |name: &str| told.iter().map(|call| &call.body["alerts"][0]).find(|alert| alert["labels"]["alertname"] == name);
    for (name, reason) in [("ModelPromoted", "utility +"), ("ModelRejected", "not shown to be better")] {
        let summary = of(name).unwrap()["annotations"]["summary"].as_str().unwrap();
        assert!(summary.contains(reason), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_on_trial_and_one_that_waits_are_told_from_a_champion() {
    let folder = tempfile::tempdir().unwrap();
    let model = poor(folder.path());
    let config = config(folder.path(), &format!("[model]\npath = \"{}\"\n{}", model.display(), settings()));
    let store = open(&config.log, &config.data_dir()).await.unwrap();
    fill(&*store, 800).await;
    let database = store.database().unwrap();
    let registry = Registry::open(database.clone(), &config.data_dir());
    let attempt = async |rollout: Rollout, seed: u64| {
        let retrain = rungs::config::RetrainConfig { rollout, ..config.retrain.clone() };
        let config = Config { retrain, ..config.clone() };
        let report = run(Arc::clone(&store), &config, &Ask { seed, ..Ask::default() }, &|_| ()).await.unwrap();
        eprintln!("{}", report.text());
        (report.outcome, report.state, report.attempt)
    };
    assert_eq!(attempt(Rollout::Canary, 0).await, (Outcome::OnTrial, Some(State::Shadow), 1));
    // Each of them has spent its part of the error, whatever became of it.
    assert_eq!(attempt(Rollout::Manual, 1).await, (Outcome::Waiting, Some(State::Challenger), 2));
    assert_eq!(attempt(Rollout::All, 2).await, (Outcome::Promoted, Some(State::Champion), 3));
    // Another seed makes another model of the same log, which is no better.
    assert_eq!(attempt(Rollout::All, 3).await.0, Outcome::Refused);
    assert_eq!(outcomes(&database).await, ["on_trial", "waiting", "promoted", "refused"]);
    is_told(&database, folder.path()).await;

    let entries = registry.list().await.unwrap();
    assert!(entries.iter().filter(|entry| entry.state == State::Champion).all(|entry| entry.origin == Origin::Retrain));

    // What was written down before they were told apart is put right by its report.
    for state in ["shadow", "challenger", "champion"] {
        let report = json!({"state": state, "reason": "better"});
        let old = Attempt::now("v", None, Outcome::Promoted, "better".to_owned(), report);
        registry.conclude(&old, Origin::Retrain, None, None).await.unwrap();
    }
    let migration = include_str!("../../../src/decisions/migrations/sqlite/0050_attempts_on_trial.sql");
    let plain: String = migration.lines().filter(|line| !line.starts_with("--")).collect();
    for statement in plain.split(';').filter(|statement| !statement.trim().is_empty()) {
        database.execute(Statement::new(statement.to_owned())).await.unwrap();
    }
    assert_eq!(outcomes(&database).await[4..], ["on_trial", "waiting", "promoted"]);
    store.close().await.unwrap();
}

//! What is written down of an attempt that passes the gate without becoming the champion.

use std::sync::Arc;

use rungs::config::{Config, Rollout};
use rungs::database::{Database, Statement};
use rungs::decisions::open;
use rungs::registry::{Attempt, Origin, Outcome, Registry, State};
use rungs::retrain::{Ask, run};
use serde_json::json;

use super::certificate::poor;
use super::kill::{fill, settings};
use crate::support::serving::config;

async fn outcomes(database: &Database) -> Vec<String> {
    let rows = database.read(Statement::new("SELECT outcome FROM retrain_attempts ORDER BY id")).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
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
    assert_eq!(outcomes(&database).await, ["on_trial", "waiting", "promoted"]);
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
    assert_eq!(outcomes(&database).await[3..], ["on_trial", "waiting", "promoted"]);
    store.close().await.unwrap();
}

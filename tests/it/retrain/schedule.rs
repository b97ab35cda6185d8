//! Retraining by the clock and by request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use rungs::database::Statement;
use rungs::leader::Leader;
use rungs::retrain::worker;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::kill::{fill, settings};
use crate::support::client;
use crate::support::serving::{Serving, admin, config, shifted};

/// A router with a log of judged requests and the worker of `rungs serve`, which looks at the clock more often.
async fn serving(folder: &tempfile::TempDir, more: &str) -> (Serving, DropGuard) {
    let toml = format!("{}{}", admin(), settings().replace("[retrain]\n", &format!("[retrain]\n{more}\n")));
    let serving = Serving::start(config(folder.path(), &toml), shifted(0.0)).await;
    fill(&*serving.store, 240).await;
    let stop = CancellationToken::new();
    let (store, current) = (Arc::clone(&serving.store), serving.current.clone());
    let asked = current.retrains();
    tokio::spawn(worker::work(store, current, asked, (Leader::always(), Duration::from_millis(20)), stop.clone()));
    (serving, stop.drop_guard())
}

async fn attempts(serving: &Serving) -> Vec<(String, String)> {
    let select = Statement::new("SELECT outcome, reason FROM retrain_attempts ORDER BY id");
    let rows = serving.registry.database().read(select).await.unwrap();
    rows.iter().map(|row| (row.text(0).unwrap(), row.text(1).unwrap())).collect()
}

/// Waits until there are so many attempts.
async fn tried(serving: &Serving, times: usize) {
    let start = Instant::now();
    while attempts(serving).await.len() < times {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", attempts(serving).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_tries_at_once_where_nobody_ever_did_and_then_every_so_many_days() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, _stop) = serving(&folder, "every_days = 7.0").await;
    tried(&serving, 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(attempts(&serving).await.len(), 1);
    let since = |days: i64| Timestamp::now() - (days * 24).hours();
    let set = |at: Timestamp| {
        serving.registry.database().execute(Statement::new("UPDATE retrain_attempts SET at = ?").bind(at))
    };
    set(since(6)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(attempts(&serving).await.len(), 1, "a week is not over");
    set(since(8)).await.unwrap();
    tried(&serving, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_tried_is_not_tried_again_at_every_look() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, _stop) = serving(&folder, "every_days = 7.0\nreplay = ['/no/such/file.jsonl']").await;
    let begun = Instant::now();
    // The right to retrain is taken for as long as it is tried, and that is soon over.
    while serving.current.retraining().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never tried");
        tokio::task::yield_now().await;
    }
    while serving.current.retraining().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never over");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..400 {
        assert!(serving.current.retraining().is_some(), "it is tried again");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(attempts(&serving).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_asks_for_a_retraining_and_for_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, stop) = serving(&folder, "every_days = 0.0").await;
    let anybody = client().post(format!("{}/admin/retrain", serving.url)).send().await.unwrap();
    assert_eq!(anybody.status(), 401);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(attempts(&serving).await, [], "nobody asked");
    let (status, body) = serving.admin("/admin/retrain").await;
    assert_eq!((status, body), (202, json!({"retrain": "started"})));
    let (status, body) = serving.admin("/admin/retrain").await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("retraining")), "{body}");
    tried(&serving, 1).await;
    let [(outcome, reason)] = &attempts(&serving).await[..] else { panic!("one attempt") };
    eprintln!("{outcome}: {reason}");
    if outcome == "promoted" {
        let champion = serving.registry.in_state(rungs::registry::State::Champion).await.unwrap().unwrap();
        serving.serves(&champion).await;
        assert_ne!(champion, shifted(0.0).version());
    }
    let begun = Instant::now();
    while serving.admin("/admin/retrain").await.0 == 409 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the right to retrain was not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tried(&serving, 2).await;
    // A router that is ending says so.
    drop(stop);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(serving.admin("/admin/retrain").await.0, 501);
}

//! Two thousand requests through the router, a part of them judged by a worker that is killed twice.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rungs::database::Database;
use rungs::decisions::{DecisionFilter, DecisionRecord, DecisionStore};
use rungs::judge::{Subject, Verdict, figures, jobs, verdicts};
use serde_json::json;

use super::scripted::{Upstream, is_right, judged_router};
use crate::support::command::{json_of, text};
use crate::support::record::settled;

const REQUESTS: usize = 2000;

fn worker(config: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rungs"));
    command.args(["judge", "run", "--config", text(config)]).env("RUNGS_DATA_DIR", config.parent().unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

async fn done(database: &Database, count: u64) {
    let start = Instant::now();
    while jobs::queue(database).await.unwrap().done < count {
        let queue = jobs::queue(database).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(300), "not {count} done: {queue:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn records(store: &dyn DecisionStore) -> Vec<DecisionRecord> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = store.list(&DecisionFilter { limit: 1000, before, ..Default::default() }).await.unwrap();
        all.extend(page.decisions);
        before = page.next;
        if before.is_none() {
            return all;
        }
    }
}

/// Whether the served answer is acceptable: right, or no worse than the large model's.
fn is_acceptable(record: &DecisionRecord) -> bool {
    let request = record.request.as_ref().unwrap();
    let question = request["messages"][0]["content"].as_str().unwrap();
    let own = is_right(record.model.as_ref().unwrap(), question);
    own || (record.tier.as_deref() == Some("small") && !is_right("large-1", question))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_drawn_decision_is_judged_once_whatever_befalls_the_worker() {
    let (tiers, judge) = (Upstream::start().await, Upstream::start().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = "[cascade]\nenabled = false\n[judge]\nmonitor_rate = 0.05\nlearn_rate = 0.03\n\
                    counterfactual = false\nboth_orders = 0.3\nmax_flip_rate = 1.0\nmax_spend_share = 0.3\n\
                    requests_per_minute = 1200\nlease_s = 5.0\nretry_pause_s = 0.1\nworkers = 2";
    let (router, file) = judged_router(folder.path(), settings, &tiers, &judge).await;
    let ask = async |n: usize| {
        let text = format!("{}what is {n}?", if n.is_multiple_of(4) { "hard: " } else { "" });
        let response = router.ask(&text, json!({})).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap();
    };
    futures_util::stream::iter(0..REQUESTS).for_each_concurrent(16, ask).await;
    settled(&*router.store).await;
    let database = router.store.database().unwrap();
    let all = records(&*router.store).await;
    let drawn: Vec<&DecisionRecord> = all
        .iter()
        .filter(|record| record.sampling.as_ref().is_some_and(|sampling| !sampling.drawn.is_empty()))
        .collect();
    let count = drawn.len() as u64;
    assert!(all.len() == REQUESTS && (60..=140).contains(&count), "{count} of {} were drawn", all.len());

    let capped = |record: &&DecisionRecord| record.sampling.as_ref().unwrap().capped < 1.0;
    assert!(drawn.iter().any(capped), "the cap lowers the rates");

    for part in [count / 4, count / 2] {
        let mut child = worker(&file);
        done(&database, part).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let killed_at = jobs::queue(&database).await.unwrap();
    assert!(killed_at.done < count, "the worker was done before it was killed");
    let mut child = worker(&file);
    done(&database, count).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let mut both = 0;
    for record in &all {
        let found: Vec<Verdict> = verdicts::about(&database, &record.id).await.unwrap();
        let is_drawn = drawn.iter().any(|one| one.id == record.id);
        assert!(found.len() <= 2 && found.is_empty() != is_drawn, "{}: {found:?}", record.id);
        assert!(found.iter().all(|verdict| verdict.subject == Subject::Served));
        if let [one, other] = &found[..] {
            assert!(one.order != other.order && other.second && !one.second);
            both += 1;
        }
        if let Some(verdict) = found.first() {
            assert_eq!(verdict.score > 0.5, is_acceptable(record), "{record:?} {verdict:?}");
            assert_eq!(verdict.propensity, record.sampling.as_ref().map(|sampling| sampling.propensity));
        }
    }
    assert!(both > 0, "some were judged in both orders");

    let spent: f64 = all.iter().map(|record| record.cost_usd.unwrap()).sum();
    // What the upstreams were really asked: nothing that a killed worker had under way is forgotten here.
    let asked = (tiers.calls() - REQUESTS as u64) as f64 * (100.0 * 10.0 + 20.0 * 20.0) + judge.calls() as f64 * 120.0;
    assert!(asked / 1e6 <= 0.3 * spent, "{} of {spent}", asked / 1e6);
    let queue = jobs::queue(&database).await.unwrap();
    assert!(queue.spent_usd <= asked / 1e6 + 1e-9, "{queue:?}");

    let truth = all.iter().filter(|record| is_acceptable(record)).count() as f64 / REQUESTS as f64;
    let quality = figures::figures(&database, None).await.unwrap().total.unwrap().estimate;
    println!("truth {truth}, found {quality:?}");
    assert!(quality.interval[0] <= truth && truth <= quality.interval[1], "{truth}: {quality:?}");
    assert_eq!((quality.requests, quality.judged, quality.drawn), (REQUESTS as u64, count, count));

    // The same figures in each place that tells them.
    let stats: serde_json::Value = router.get("/v1/stats").await.json().await.unwrap();
    let report = json_of(&["report", "--config", text(&file), "--json"]);
    let status = json_of(&["judge", "status", "--config", text(&file), "--json"]);
    for told in [&stats["judge"], &report["judge"], &status] {
        assert_eq!((&told["total"]["judged"], &told["jobs"]["done"]), (&json!(count), &json!(count)), "{told}");
    }
    let (said, _) = crate::support::command::said(&["report", "--config", text(&file)]);
    assert!(said.contains("by a judge") && said.contains(&format!("by {count} judged of 2000 requests")), "{said}");
}

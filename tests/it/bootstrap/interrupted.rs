//! Runs that are killed, and two at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rungs::config::LogConfig;
use rungs::database::Statement;
use rungs::decisions::open;
use rungs::judge::jobs::queue;
use serde_json::{Value, json};

use super::configured;
use crate::judge::scripted::{Manner, Upstream};
use crate::support::command::text;

const PROMPTS: usize = 300;
const WORKERS: u64 = 4;

fn started(config: &Path, prompts: &Path, out: &Path) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("rungs"));
    command.args([
        "bootstrap",
        "--config",
        text(config),
        "--data",
        text(prompts),
        "--out",
        text(out),
        "--yes",
        "--json",
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn ended(child: Child) -> (Option<i32>, Value, String) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), summary, String::from_utf8(output.stderr).unwrap())
}

/// Answers that are kept, and answers that are judged.
async fn kept(out: &Path) -> (u64, u64) {
    let store = open(&LogConfig::default(), out).await.unwrap();
    let database = store.database().unwrap();
    let rows = database.read(Statement::new("SELECT COUNT(*) FROM decisions")).await.unwrap();
    let kept = (rows[0].int(0).unwrap().unsigned_abs(), queue(&database).await.unwrap().done);
    store.close().await.unwrap();
    kept
}

fn prompts(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("prompts.txt");
    let line = |n: usize| match n % 2 {
        0 => format!("Please compute in detail what {} times the sum of {n} odd numbers is\n", n % 7),
        _ => format!("who wrote book {n}?\n"),
    };
    std::fs::write(&file, (0..PROMPTS).map(line).collect::<String>()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_goes_on_and_pays_nothing_twice_but_what_was_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let (tiers, judge) = (Upstream::start().await, Upstream::start().await);
    let config = configured(folder.path(), &["small", "large"], &tiers.url, &judge.url, "");
    let (prompts, out) = (prompts(folder.path()), folder.path().join("whole"));
    let begun = Instant::now();
    let (_, whole, error) = ended(started(&config, &prompts, &out)).await;
    let takes = begun.elapsed();
    let (n, before) = (PROMPTS as u64, [tiers.calls(), judge.calls()]);
    assert_eq!((&whole["rows"], before), (&json!(PROMPTS), [2 * n, n]), "{error}");

    let out = folder.path().join("killed");
    let mut known = (0, 0);
    let mut lost = 0;
    for _ in 0..6 {
        let mut child = started(&config, &prompts, &out);
        // Until something new is kept, so that each kill comes about at another point of the work.
        let start = Instant::now();
        let calls = tiers.calls() + judge.calls();
        while tiers.calls() + judge.calls() < calls + n / 3 && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < takes + Duration::from_secs(60), "nothing is called");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = kept(&out).await;
        assert!(now.0 >= known.0 && now.1 >= known.1, "{now:?} after {known:?}");
        known = now;
        let paid = tiers.calls() + judge.calls() - before[0] - before[1];
        // A job's verdict is kept with its end; calls that were answered in between are kept with the job.
        assert!(paid - lost <= known.0 + known.1 + 2 * WORKERS, "{paid} paid, {lost} lost before, {known:?} kept");
        lost = paid - known.0 - known.1;
    }
    let (_, summary, error) = ended(started(&config, &prompts, &out)).await;
    assert_eq!(kept(&out).await, (2 * n, n), "{error}");
    let paid = tiers.calls() + judge.calls() - before[0] - before[1];
    eprintln!("killed 6 times: {} of {paid} calls were made twice; a whole run takes {takes:.1?}", paid - 3 * n);
    assert!(paid <= 3 * n + 6 * WORKERS, "{paid}");
    assert_eq!((&summary["rows"], &summary["failed"]), (&json!(PROMPTS), &json!([])));
    // The labels are those of the run that nothing befell.
    let labels = |summary: &Value| {
        let text = std::fs::read_to_string(summary["labelled"].as_str().unwrap()).unwrap();
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            let score = |tier: &str| row["outcomes"][tier]["score"].as_f64().unwrap();
            (row["id"].as_str().unwrap().to_owned(), [score("small"), score("large")].map(|score| score > 0.5))
        };
        text.lines().map(row).collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(labels(&summary), labels(&whole));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_in_one_folder_are_not_let_at_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (tiers, judge) = (Upstream::start().await, Upstream::start().await);
    judge.behaves(Manner::Slow);
    let config = configured(folder.path(), &["small", "large"], &tiers.url, &judge.url, "");
    let (prompts, out) = (prompts(folder.path()), folder.path().join("out"));
    let mut first = started(&config, &prompts, &out);
    while judge.calls() == 0 {
        assert!(first.try_wait().unwrap().is_none(), "it has ended");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (code, _, error) = ended(started(&config, &prompts, &out)).await;
    assert!(code == Some(2) && error.contains("another bootstrap is at work"), "{code:?} {error}");
    first.kill().unwrap();
    first.wait().unwrap();
}

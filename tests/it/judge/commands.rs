//! `rungs judge` as its users run it, and where its verdicts are shown.

use std::path::Path;

use rungs::config::Config;
use rungs::decisions::open;
use serde_json::{Value, json};

use super::scripted::{Manner, Upstream};
use super::worker::drawn;
use crate::support::command::{json_of, refusal, said, text};
use crate::support::record::settled;
use crate::support::router::{Router, two_tiers};

/// A configuration with a judge, and the log in the same folder.
async fn settings(folder: &Path, judge: &Upstream) -> (Upstream, String) {
    let tiers = Upstream::start().await;
    let settings = format!(
        "data_dir = {folder:?}\n[log]\nurl = 'sqlite://{}/rungs.db'\n[upstreams]\nretries = 0\n\
         [judge]\nboth_orders = 0.0\nretry_pause_s = 0.0\nmax_attempts = 1\n\
         [judge.tier]\nname = 'judge'\nmodel = 'judge-1'\nbase_url = '{}'\nprice = {{ input = 1.0, output = 1.0 }}",
        folder.display(),
        judge.url
    );
    let toml = two_tiers(&settings, &tiers.url, &tiers.url);
    std::fs::write(folder.join("rungs.toml"), &toml).unwrap();
    (tiers, toml)
}

fn with<'a>(what: &[&'a str], config: &'a str) -> Vec<&'a str> {
    [&["judge"], what, &["--config", config]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_aside_is_shown_brought_back_and_judged() {
    let (folder, judge) = (tempfile::tempdir().unwrap(), Upstream::start().await);
    let (_tiers, _) = settings(folder.path(), &judge).await;
    let file = folder.path().join("rungs.toml");
    let settings = Config::load(Some(&file)).unwrap();
    let store = open(&settings.log, folder.path()).await.unwrap();
    for n in 1..=3 {
        store.append(drawn(n, "small", "what is 7?", "right")).await.unwrap();
    }
    settled(&*store).await;
    store.close().await.unwrap();

    let config = text(&file);
    let judge_with = |what: &[&'static str]| with(what, config);
    let run = judge_with(&["run", "--once", "--json"]);
    judge.behaves(Manner::Broken);
    let done = json_of(&run);
    assert_eq!((&done["judged"], &done["failed"]), (&json!(0), &json!(3)), "{done}");
    let status = json_of(&judge_with(&["status", "--json"]));
    let dead: Vec<&str> = status["dead"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!((dead.len(), &status["jobs"]["dead"]), (3, &json!(3)), "{status}");
    let (shown, _) = said(&judge_with(&["status"]));
    assert!(dead.iter().all(|id| shown.contains(id)) && shown.contains("500"), "{shown}");

    let (code, error) = refusal(&with(&["requeue", "nobody"], config));
    assert!(code == 2 && error.contains("nobody"), "{error}");
    let (_, brought) = said(&with(&["requeue", dead[0]], config));
    assert!(brought.contains("1 jobs"), "{brought}");
    judge.behaves(Manner::Honest);
    assert_eq!(json_of(&run)["judged"], json!(1));
    let (_, brought) = said(&judge_with(&["requeue"]));
    assert!(brought.contains("2 jobs"), "{brought}");
    assert_eq!(json_of(&run)["judged"], json!(2));

    let status = json_of(&judge_with(&["status", "--json"]));
    assert_eq!((&status["jobs"]["dead"], &status["jobs"]["done"]), (&json!(0), &json!(3)), "{status}");
    assert_eq!((&status["total"]["judged"], &status["total"]["mean"]), (&json!(3), &json!(1.0)), "{status}");
    let page = folder.path().join("report.html");
    said(&["report", "--config", text(&file), "--html", text(&page)]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("no anchors are judged by this judge"),
        "the page tells what is judged, and how good the judge is"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_in_force_judges_the_anchors_once_a_day() {
    let (folder, judge) = (tempfile::tempdir().unwrap(), Upstream::start().await);
    let (_tiers, _) = settings(folder.path(), &judge).await;
    let (config, file) = (folder.path().join("rungs.toml"), folder.path().join("anchors.jsonl"));
    // The judge goes by the word `right`, people do not in two of the eight.
    let rows: Vec<String> = [(1, "right", "left"), (1, "right", "left"), (1, "right", "left"), (1, "left", "right")]
        .iter()
        .chain(&[(2, "left", "right"), (2, "left", "right"), (2, "left", "right"), (2, "right", "left")])
        .enumerate()
        .map(|(n, (gold, one, two))| json!({"id": n.to_string(), "prompt": "p", "answer_1": one, "answer_2": two, "gold": gold}))
        .map(|row: Value| format!("{row}\n"))
        .collect();
    std::fs::write(&file, rows.concat()).unwrap();
    let anchors = |what: &[&str]| {
        let args = [&["judge", "anchors"], what, &["--config", text(&config)]].concat();
        said(&args)
    };
    anchors(&["import", text(&file)]);
    let (_, told) = anchors(&["judge"]);
    assert!(told.contains("8 anchors"), "{told}");
    let run = ["judge", "run", "--once", "--json", "--config", text(&config)];
    assert_eq!(json_of(&run)["judged"], json!(8));
    anchors(&["judge"]);
    assert_eq!(json_of(&run)["judged"], json!(0), "once a day is enough");
    let status: Value = serde_json::from_str(&anchors(&["status", "--json"]).0).unwrap();
    let standing = &status["judges"][0];
    assert_eq!(
        (&standing["sensitivity"]["share"], &standing["specificity"]["share"]),
        (&json!(0.75), &json!(0.75)),
        "{standing}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feedback_is_a_verdict_of_the_decision() {
    let (folder, judge) = (tempfile::tempdir().unwrap(), Upstream::start().await);
    let (_tiers, toml) = settings(folder.path(), &judge).await;
    let router = Router::with(&toml).await;
    let answer = router.ask("what is 7?", json!({})).await;
    let id = answer.headers()["x-rungs-decision-id"].to_str().unwrap().to_owned();
    answer.bytes().await.unwrap();
    settled(&*router.store).await;
    let url = format!("{}/v1/decisions/{id}", router.url);
    let decision = async || router.client.get(&url).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(decision().await["verdicts"], json!([]));
    let said = json!({"decision_id": id, "score": 0.25, "comment": "so-so"});
    router
        .client
        .post(format!("{}/v1/feedback", router.url))
        .json(&said)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let decision = decision().await;
    let verdict = &decision["verdicts"][0];
    assert_eq!((&verdict["kind"], &verdict["score"]), (&json!("feedback"), &json!(0.25)), "{decision}");
    assert_eq!((&verdict["propensity"], &decision["feedback"][0]["comment"]), (&Value::Null, &json!("so-so")));
}

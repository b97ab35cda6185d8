//! Models are exchanged under load.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rungs::decisions::{DecisionFilter, DecisionRecord};
use rungs::difficulty::Scorer;
use rungs::registry::{Origin, State};
use serde_json::{Value, json};

use crate::support::command::{said, text};
use crate::support::model::saying;
use crate::support::postgres::with_database;
use crate::support::router::{patient, question, two_tiers};
use crate::support::serving::{Serving, admin, config, shifted};
use crate::support::{client, record};

/// The questions that are asked under load: scored by each model in its own way.
fn asked(i: usize) -> String {
    format!("Explain in {} steps why the sum of {i} odd numbers is a square.", i % 7)
}

/// Asks until told to stop; gives the ids and the model versions of the answers, all of which have to be good.
async fn load(url: String, from: usize, stop: Arc<AtomicBool>) -> Vec<(String, String)> {
    let (client, mut answered) = (client(), Vec::new());
    for i in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let mut body = question(&asked(from + i), json!({}));
        body["stream"] = json!(i % 3 == 0);
        let response = client.post(format!("{url}/v1/chat/completions")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        answered.push((header("x-rungs-decision-id"), header("x-rungs-model-version")));
        let body = response.text().await.unwrap();
        assert!(body.contains("from"), "{body}");
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_promotions_and_rollbacks_under_load_drop_and_mix_nothing_and_every_score_comes_again() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let folder = tempfile::tempdir().unwrap();
    let tiers = two_tiers(&admin(), &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let serving = Serving::start(config(folder.path(), &patient(&tiers)), shifted(0.0)).await;
    let challenger = shifted(-1.5);
    serving.registry.add(&challenger, Origin::Added, None).await.unwrap();
    let versions = [shifted(0.0).version(), challenger.version()];

    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> =
        (0..4).map(|task| tokio::spawn(load(serving.url.clone(), task * 100_000, Arc::clone(&stop)))).collect();
    let begun = Instant::now();
    for _ in 0..25 {
        let (status, body) = serving.admin(&format!("/admin/models/{}/promote", versions[1])).await;
        assert_eq!((status, &body["serving"]), (200, &json!(versions[1])), "{body}");
        let (status, body) = serving.admin("/admin/models/rollback").await;
        assert_eq!((status, &body["serving"]), (200, &json!(versions[0])), "{body}");
    }
    let took = begun.elapsed();
    stop.store(true, Ordering::SeqCst);
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.unwrap());
    }
    eprintln!("50 changes in {took:.1?} under {} requests", answered.len());
    assert!(took.as_secs() < 60);
    record::settled(&*serving.store).await;
    let records = all(&serving).await;
    assert_eq!(records.len(), answered.len());
    let mut by_version: HashMap<String, Vec<DecisionRecord>> = HashMap::new();
    for (id, version) in &answered {
        let record = records.iter().find(|record| record.id == *id).expect("every answer has its record");
        assert_eq!(record.model_version.as_ref(), Some(version));
        by_version.entry(version.clone()).or_default().push(record.clone());
    }
    assert!(versions.iter().all(|version| by_version[version].len() > 5), "both models served");
    for (version, records) in by_version {
        scores_again(&serving, &version, &records).await;
    }
}

async fn all(serving: &Serving) -> Vec<DecisionRecord> {
    let (mut filter, mut records) = (DecisionFilter { limit: 1000, ..DecisionFilter::default() }, Vec::new());
    loop {
        let page = serving.store.list(&filter).await.unwrap();
        records.extend(page.decisions);
        filter.before = page.next;
        if filter.before.is_none() {
            return records;
        }
    }
}

/// `rungs score` gives the score of each record from the record and the model that it names.
async fn scores_again(serving: &Serving, version: &str, records: &[DecisionRecord]) {
    serving.registry.load(version).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for record in records {
        let messages = &record.request.as_ref().unwrap()["messages"];
        let row = json!({"id": record.id, "messages": messages, "outcomes": {"none": {"score": 0}}});
        writeln!(file, "{row}").unwrap();
    }
    let model = serving.registry.folder(version);
    let (lines, _) = said(&["score", "--model", text(&model), "--data", text(&path)]);
    let scores: HashMap<String, Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["id"].as_str().unwrap().to_owned(), line))
        .collect();
    assert_eq!(scores.len(), records.len());
    for record in records {
        let line = &scores[&record.id];
        let (then, now) = (record.score.unwrap(), line["score"].as_f64().unwrap());
        assert!((then - now).abs() < 1e-9, "{} by {version}: {then} then, {now} now", record.id);
        let p: Vec<f64> = line["p"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).collect();
        for (then, now) in record.p.values().zip(p) {
            assert!((then.get() - now).abs() < 1e-9);
        }
    }
}

#[tokio::test]
async fn only_the_operator_changes_models_and_is_told_what_is_wrong() {
    let model = saying("from").await;
    let url = format!("{}/v1", model.uri());
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(config(folder.path(), &two_tiers(&admin(), &url, &url)), shifted(0.0)).await;
    let anybody = client().post(format!("{}/admin/models/rollback", serving.url)).send().await.unwrap();
    assert_eq!(anybody.status(), 401);
    assert_eq!(serving.admin("/admin/models/rollback").await.0, 409);
    let (status, body) = serving.admin("/admin/models/0123456789ab/promote").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("model_not_found")), "{body}");
    // A model of another embedder is in the registry but cannot serve here: what served goes on.
    let mut foreign = shifted(0.3);
    foreign.embedder.fingerprint = "0".repeat(64);
    serving.registry.add(&foreign, Origin::Added, None).await.unwrap();
    let (status, body) = serving.admin(&format!("/admin/models/{}/promote", foreign.version())).await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("model_refused")), "{body}");
    assert_eq!(serving.current.version(), shifted(0.0).version());
    let listed = client().get(format!("{}/admin/models", serving.url)).bearer_auth("rk-admin").send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["serving"], shifted(0.0).version());
    assert_eq!(serving.admin("/admin/retrain").await.0, 501);
}

#[tokio::test]
async fn a_canary_decides_its_share_and_every_record_names_the_model_that_decided() {
    let model = saying("from").await;
    let url = format!("{}/v1", model.uri());
    let folder = tempfile::tempdir().unwrap();
    let toml = two_tiers(&format!("{}[retrain]\ncanary_share = 0.3\n", admin()), &url, &url);
    let serving = Serving::start(config(folder.path(), &toml), shifted(0.0)).await;
    let canary = shifted(-1.5);
    serving.registry.adopt(&shifted(0.0)).await.unwrap();
    serving.registry.add(&canary, Origin::Added, None).await.unwrap();
    serving.registry.set(&canary.version(), State::Canary, "t", "t").await.unwrap();
    rungs::registry::follow::apply(&serving.registry, &serving.current).await.unwrap();
    for i in 0..120 {
        let body = question(&asked(i), json!({}));
        let response = client().post(format!("{}/v1/chat/completions", serving.url)).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
    record::settled(&*serving.store).await;
    let (mut by_canary, scorer) = (0, Scorer::of(canary.clone(), &serving.config).unwrap());
    for record in all(&serving).await {
        if record.model_version == Some(canary.version()) {
            by_canary += 1;
            let body = record.request.as_ref().unwrap().to_string();
            let request = rungs::chat::ChatRequest::parse(body.as_bytes()).unwrap();
            assert!((scorer.score(&request).unwrap().score - record.score.unwrap()).abs() < 1e-9);
        } else {
            assert_eq!(record.model_version, Some(shifted(0.0).version()));
        }
    }
    // 120 draws of .3: 36, give or take three standard deviations.
    assert!((21..=51).contains(&by_canary), "{by_canary}");
}

#[tokio::test]
async fn every_router_on_one_database_follows_within_a_second() {
    with_database(|log| async move {
        let model = saying("from").await;
        let url = format!("{}/v1", model.uri());
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, two] = folders.each_ref().map(|folder| {
            let config = config(folder.path(), &two_tiers(&admin(), &url, &url));
            Serving::start(rungs::config::Config { log: log.clone(), ..config }, shifted(0.0))
        });
        let (one, two) = (one.await, two.await);
        let challenger = shifted(0.4);
        one.registry.add(&challenger, Origin::Added, None).await.unwrap();
        let mut took = Vec::new();
        for _ in 0..4 {
            let begun = Instant::now();
            assert_eq!(one.admin(&format!("/admin/models/{}/promote", challenger.version())).await.0, 200);
            two.serves(&challenger.version()).await;
            took.push(begun.elapsed());
            let begun = Instant::now();
            assert_eq!(two.admin("/admin/models/rollback").await.0, 200);
            one.serves(&shifted(0.0).version()).await;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        println!("both routers served the other model after {took:?}");
        // Machines that run tests are busy: half of the times count.
        assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
        one.store.close().await.unwrap();
        two.store.close().await.unwrap();
    })
    .await;
}

//! New prices and new tiers: what is fitted again, and what is not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rungs::decisions::{DecisionRecord, open};
use rungs::judge::{Verdict, verdicts};
use rungs::registry::Outcome;
use rungs::retrain::{Ask, run};
use serde_json::{Value, json};

use super::kill::{fill, judged, settings};
use crate::support::client;
use crate::support::command::text;
use crate::support::labelled::rows;
use crate::support::model::saying;
use crate::support::record::settled;
use crate::support::router::question;
use crate::support::serving::{ADMIN, admin, config};

/// `rungs serve` until it is dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    async fn start(config: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rungs"));
        command.args(["serve", "--config", text(config), "--bind", &format!("127.0.0.1:{port}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (served, start) = (Self { child, url: format!("http://127.0.0.1:{port}") }, Instant::now());
        while client().get(format!("{}/healthz", served.url)).send().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "it does not serve");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        served
    }

    /// Model version, score, tiers of the plan, and the cost.
    async fn ask(&self) -> (String, f64, Value, f64) {
        let body = question("Explain why the sum of 7 odd numbers is odd.", json!({}));
        let response = client().post(format!("{}/v1/chat/completions", self.url)).json(&body).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (version, cost) = (header("x-rungs-model-version"), header("x-rungs-cost-usd").parse().unwrap());
        let id = header("x-rungs-decision-id");
        let record = client().get(format!("{}/v1/decisions/{id}", self.url)).bearer_auth(ADMIN).send().await.unwrap();
        let record: Value = record.json().await.unwrap();
        let record = record.get("decision").unwrap_or(&record).clone();
        (version, record["score"].as_f64().unwrap(), record["p"].clone(), cost)
    }

    async fn reload(&self) {
        let asked = client().post(format!("{}/admin/reload", self.url)).bearer_auth(ADMIN).send().await.unwrap();
        assert_eq!(asked.status(), 200, "{}", asked.text().await.unwrap());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_price_and_a_new_tier_hold_from_the_next_reload_on_without_a_fit() {
    let folder = tempfile::tempdir().unwrap();
    let model = saying("as asked").await;
    let tier = |name: &str, price: &str| {
        format!("[[tiers]]\nname = '{name}'\nmodel = '{name}'\nbase_url = '{}/v1'\n{price}\n", model.uri())
    };
    let at = |price: f64| format!("price = {{ input = {price:?}, output = {price:?} }}");
    let head = format!("{}[policy]\nthreshold = 1.0\n[cascade]\nenabled = false\n", admin());
    let both = |small: &str| format!("{head}{}{}", tier("small", small), tier("large", &at(10.0)));
    config(folder.path(), &both(&at(1.0)));
    let served = Served::start(&folder.path().join("rungs.toml")).await;
    let first = served.ask().await;

    config(folder.path(), &both(&at(3.0)));
    served.reload().await;
    let dearer = served.ask().await;
    assert_eq!((&dearer.0, dearer.1, &dearer.2), (&first.0, first.1, &first.2), "the same model says the same");
    assert!((dearer.3 - 3.0 * first.3).abs() < 1e-12, "{} {}", dearer.3, first.3);

    // One that holds from a day on that has come.
    let changes =
        format!("{}\nprice_changes = [{{ from = \"2026-01-01\", price = {{ input = 5.0, output = 5.0 }} }}]", at(3.0));
    config(folder.path(), &both(&changes));
    served.reload().await;
    let changed = served.ask().await;
    assert!(changed.0 == first.0 && (changed.3 - 5.0 * first.3).abs() < 1e-12, "{} {}", changed.3, first.3);

    // A tier above: until it has labels of its own, the nearest head speaks for it.
    config(folder.path(), &format!("{}{}", both(&at(1.0)), tier("huge", &at(50.0))));
    served.reload().await;
    let third = served.ask().await;
    assert_eq!((&third.0, third.2.as_object().unwrap().len()), (&first.0, 3), "{}", third.2);
    assert_eq!(third.2["small"], first.2["small"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_tier_is_learned_once_it_has_labels_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let toml = settings();
    let old = config(folder.path(), &toml);
    let store = open(&old.log, &old.data_dir()).await.unwrap();
    fill(&*store, 240).await;
    let attempt = async |config: &rungs::config::Config| {
        run(Arc::clone(&store), config, &Ask { dry_run: true, ..Ask::default() }, &|_| ()).await.unwrap()
    };
    let before = attempt(&old).await;
    assert_eq!(before.labels.used, 240);

    let new = config(folder.path(), &toml.replace("name = \"large\"", "name = \"huge\""));
    let without = attempt(&new).await;
    assert_eq!((without.outcome, without.labels.used), (Outcome::Nothing, 0));
    assert!(without.reason.contains("0 labelled conversations"), "{}", without.reason);
    let (why, n) = without.labels.dropped.first().unwrap();
    assert!(*n == 240 && why.contains("only one of the end tiers"), "{why}");

    for (n, row) in rows(240, 1000).into_iter().enumerate() {
        let score = |tier: &str| row["outcomes"][tier]["score"].as_f64().unwrap();
        let (record, verdict) =
            judged(n as i64, row["prompt"].as_str().unwrap(), "v", [score("small"), score("large")]);
        let record = DecisionRecord { id: uuid::Uuid::now_v7().to_string(), ..record };
        let verdict = Verdict { decision_id: record.id.clone(), against: Some("huge".to_owned()), ..verdict };
        store.append(record).await.unwrap();
        verdicts::add(&store.database().unwrap(), &verdict).await.unwrap();
    }
    settled(&*store).await;
    let learned = attempt(&new).await;
    assert_eq!(learned.labels.used, 240);
    assert!(learned.challenger.is_some() && learned.findings.is_some(), "{}", learned.reason);
    let slopes: Vec<&str> = learned.findings.as_ref().unwrap().slopes.iter().map(|slope| slope.tier.as_str()).collect();
    assert_eq!(slopes, ["small", "huge"]);
    store.close().await.unwrap();
}

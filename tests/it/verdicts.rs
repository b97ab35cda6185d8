//! What an artifact says of itself, in force: no routing by noise, and no promise that is not kept.

use std::path::Path;
use std::sync::Arc;

use rungs::config::Config;
use rungs::difficulty::Scorer;
use rungs::policy::{Cause, Scoring};
use serde_json::{Value, json};

use crate::support::command::{said, text};
use crate::support::labelled::{noise, rows, write};
use crate::support::model::saying;
use crate::support::router::{self, Router, header, two_tiers};

fn train(rows: &[Value], dir: &Path) {
    let data = write(&dir.join("a.jsonl"), rows);
    said(&["train", "--cheap", "small", "--frontier", "large", "--data", text(&data), "--out", text(dir)]);
}

/// The artifact in a folder, in force over two tiers.
async fn served(dir: &Path, toml: &str) -> Router {
    let config: Config = toml::from_str(&format!("[model]\npath = {:?}", text(dir))).unwrap();
    let scorer: Arc<dyn Scoring> = Arc::new(Scorer::open(&config).unwrap());
    Router::scored_by(scorer, toml, None).await
}

#[tokio::test]
async fn an_artifact_of_noise_is_served_and_not_routed_by() {
    let dir = tempfile::tempdir().unwrap();
    train(&noise(400), dir.path());
    let (small, large) = (saying("small").await, saying("large").await);
    let url = |server: &wiremock::MockServer| format!("{}/v1", server.uri());
    for fallback in ["cheap", "frontier"] {
        let policy = format!("[policy]\nfallback = \"{fallback}\"\nthreshold = \"balanced\"");
        let router = served(dir.path(), &two_tiers(&policy, &url(&small), &url(&large))).await;
        let tier = if fallback == "cheap" { "small" } else { "large" };
        for question in ["Question 1", "Question 2", "Prove that there are infinitely many primes."] {
            let said = router.route(question, json!({})).await;
            assert_eq!((&said["tier"], &said["signal"]), (&json!(tier), &json!("none")), "{said}");
            assert_eq!((&said["plan"]["cause"], &said["threshold"]), (&json!("fallback"), &Value::Null), "{said}");

            let response = router.ask(question, json!({})).await;
            assert_eq!(header(&response, "x-rungs-tier"), tier);
            let record = router.record(&response).await;
            assert_eq!((record.cause, record.threshold, record.tier.as_deref()), (Cause::Fallback, None, Some(tier)));
            assert!(record.score.is_some(), "what the heads say is kept, for what learns from the log");
            assert_eq!(router::text(response).await, tier);
        }
        let auto: Value = router.get("/v1/models/auto").await.json().await.unwrap();
        assert_eq!((&auto["routing"]["signal"], &auto["routing"]["threshold"]), (&json!("none"), &Value::Null));
    }
}

#[tokio::test]
async fn a_certificate_holds_for_what_it_was_given_for_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    train(&rows(400, 0), dir.path());
    let unseen = write(&dir.path().join("b.jsonl"), &rows(1200, 1000));
    said(&["calibrate", "--model", text(dir.path()), "--data", text(&unseen), "--max-quality-loss", "0.02"]);

    let toml = |more: &str| two_tiers(more, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1");
    let certificate = async |toml: &str, name: &str| -> Value {
        let model = served(dir.path(), toml).await.get(&format!("/v1/models/{name}")).await;
        model.json::<Value>().await.unwrap()["routing"]["certificate"].clone()
    };
    let plain = toml("[cascade]\nenabled = false");
    let held = certificate(&plain, "auto").await;
    assert_eq!(held, json!({"epsilon": 0.02, "delta": 0.1, "loss": "quality_lost", "holds": true, "void_because": []}));
    let by_hand = toml("[cascade]\nenabled = false\n[policy]\nthreshold = 0.45");
    for (toml, name, reason) in [
        (&plain, "auto:economy", "the threshold is"),
        (&by_hand, "auto", "the threshold is +0.4500"),
        (&toml(""), "auto", "cascade.enabled"),
        (&plain.replace("name = \"large\"", "name = \"other\""), "auto", "small → other"),
    ] {
        let found = certificate(toml, name).await;
        let because = found["void_because"].as_array().unwrap();
        assert!(found["holds"] == false && because.len() == 1, "{found}");
        assert!(because[0].as_str().unwrap().contains(reason), "{found}");
    }

    let router = served(dir.path(), &plain).await;
    assert_eq!(router.route("Who wrote it?", json!({})).await["certificate"]["holds"], true);
    for (more, reason) in [
        (json!({"model": "small"}), "named a tier"),
        (json!({"metadata": {"x-rungs-max-tier": "small"}}), "x-rungs-max-tier"),
    ] {
        let found = router.route("Who wrote it?", more).await["certificate"].clone();
        assert!(found["holds"] == false && found["void_because"][0].as_str().unwrap().contains(reason), "{found}");
    }
}

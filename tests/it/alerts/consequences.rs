//! What an alarm does to what is served.

use std::sync::Arc;

use rungs::alert::Signal;
use rungs::chat::ChatRequest;
use rungs::config::AlertsConfig;
use rungs::config::Preset;
use rungs::difficulty::Score;
use rungs::difficulty::calibrated::{Certificate, Loss};
use rungs::features::embedding::EmbedError;
use rungs::policy::{Certified, Scoring};
use serde_json::{Value, json};

use super::{Place, drift};
use crate::support::model::saying;
use crate::support::router::{ByWord, Router, header, question, two_tiers};

/// Scores by the word, with a certificate for the threshold .5.
struct WithCertificate {
    by_word: ByWord,
    certificate: Certificate,
    heads: [String; 2],
}

impl WithCertificate {
    fn new() -> Arc<Self> {
        let certificate = Certificate {
            epsilon: 0.02,
            delta: 0.1,
            loss: Loss::QualityLost,
            n: 1,
            observed_loss: 0.0,
            seed: 0,
            void_if: vec![],
        };
        let heads = ["small", "large"].map(str::to_owned);
        Arc::new(Self { by_word: ByWord { has_signal: true }, certificate, heads })
    }
}

impl Scoring for WithCertificate {
    fn score(&self, request: &ChatRequest) -> Result<Score, EmbedError> {
        let mut score = self.by_word.score(request)?;
        // Between the usual threshold and the careful one.
        if request.messages()[0].text.starts_with("middling") {
            score.score = 0.2;
        }
        score.p = score.p.into_values().zip(&self.heads).map(|(p, head)| (head.clone(), p)).collect();
        Ok(score)
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn version(&self) -> &str {
        "certified"
    }

    fn threshold(&self, preset: Preset) -> f64 {
        self.by_word.threshold(preset)
    }

    fn has_signal(&self) -> bool {
        true
    }

    fn certified(&self) -> Option<Certified<'_>> {
        Some(Certified { certificate: &self.certificate, threshold: 0.5, heads: &self.heads, weighs: false })
    }
}

/// A router over a log in which this alarm of the route `triage` stands, or none.
async fn router(place: &Place, consequence: &str) -> Router {
    let (small, large) = (saying("small").await, saying("large").await);
    let more = format!("[cascade]\nenabled = false\n[drift]\nconsequence = '{consequence}'");
    let toml = two_tiers(&more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    // The servers end with the test.
    std::mem::forget((small, large));
    Router::scored_by(WithCertificate::new(), &toml, Some(Arc::clone(&place.store))).await
}

async fn alarmed() -> Place {
    let place = Place::new().await;
    place.tell(&Signal::Fire(drift("triage"))).await;
    place.round(&AlertsConfig::default(), 0).await;
    place
}

async fn tier(router: &Router, text: &str, route: &str) -> (String, String) {
    let response = router.ask(text, json!({"metadata": {"x-rungs-route": route}})).await;
    (header(&response, "x-rungs-tier"), header(&response, "x-rungs-certificate"))
}

#[tokio::test]
async fn an_alarm_voids_the_certificate_wherever_it_is_shown_until_somebody_has_seen_to_it() {
    let held = router(&Place::new().await, "propose_retrain").await;
    assert_eq!(tier(&held, "easy", "triage").await, ("small".to_owned(), "holds".to_owned()));

    let place = alarmed().await;
    let void = router(&place, "propose_retrain").await;
    assert_eq!(tier(&void, "easy", "triage").await, ("small".to_owned(), "void".to_owned()));
    let stats: Value = void.get("/v1/stats").await.json().await.unwrap();
    let (certificate, alarms) = (&stats["drift"]["certificate"], &stats["drift"]["alarms"]);
    assert_eq!((&certificate["holds"], &stats["drift"]["consequence"]), (&json!(false), &json!("propose_retrain")));
    assert!(certificate["void_because"][0].as_str().unwrap().contains("QualityDrift"), "{certificate}");
    assert_eq!(alarms[0]["scope"], json!({"route": "triage"}));
    let decided = void.client.post(format!("{}/v1/route", void.url)).json(&question("easy", json!({}))).send().await;
    assert_eq!(decided.unwrap().json::<Value>().await.unwrap()["certificate"]["holds"], false);

    // Over, and not acknowledged: still void. Acknowledged: it holds again.
    place.tell(&Signal::Resolve(drift("triage").fingerprint())).await;
    place.round(&AlertsConfig::default(), 100).await;
    let over = router(&place, "propose_retrain").await;
    assert_eq!(tier(&over, "easy", "other").await.1, "void");
    let alerts: Value = over.get("/v1/alerts?status=resolved").await.json().await.unwrap();
    let alert = alerts["alerts"][0]["id"].as_str().unwrap().to_owned();
    place.tell(&Signal::Acknowledge { alert, comment: None }).await;
    place.round(&AlertsConfig::default(), 101).await;
    assert_eq!(tier(&router(&place, "propose_retrain").await, "easy", "triage").await.1, "holds");
}

#[tokio::test]
async fn by_policy_the_route_is_routed_more_carefully_or_to_the_frontier() {
    let place = alarmed().await;
    let proposes = router(&place, "propose_retrain").await;
    assert_eq!(tier(&proposes, "easy", "triage").await.0, "small");
    let raises = router(&place, "raise_operating_point").await;
    // At the quality point, 0, whatever gains anything goes to the frontier.
    assert_eq!(
        (tier(&raises, "easy", "triage").await.0, tier(&raises, "easy", "other").await.0),
        ("large".into(), "small".into())
    );
    let frontier = router(&place, "frontier").await;
    assert_eq!(
        (tier(&frontier, "easy", "triage").await.0, tier(&frontier, "easy", "other").await.0),
        ("large".into(), "small".into())
    );
}

#[tokio::test]
async fn alerts_are_listed_and_acknowledged_by_the_operator_alone() {
    let place = alarmed().await;
    let key = "rk-admin";
    let hash = String::from(rungs::config::KeyHash::of(key));
    let small = saying("small").await;
    let url = format!("{}/v1", small.uri());
    let toml = two_tiers(&format!("[auth]\nadmin_key_sha256 = '{hash}'"), &url, &url);
    let router = Router::scored_by(WithCertificate::new(), &toml, Some(Arc::clone(&place.store))).await;
    assert_eq!(router.get("/v1/alerts").await.status(), 401);
    let get = |path: &str| router.client.get(format!("{}{path}", router.url)).bearer_auth(key).send();
    let listed: Value = get("/v1/alerts?limit=1").await.unwrap().json().await.unwrap();
    let alert = &listed["alerts"][0];
    assert_eq!((&alert["status"], &alert["labels"]["route"]), (&json!("firing"), &json!("triage")));
    assert!(alert["annotations"]["action"].is_string() && listed["next"].is_null(), "{listed}");
    assert_eq!(get("/v1/alerts?status=loud").await.unwrap().status(), 400);

    let id = alert["id"].as_str().unwrap();
    let ack = |id: &str| router.client.post(format!("{}/admin/alerts/{id}/ack", router.url));
    assert_eq!(ack(id).send().await.unwrap().status(), 401);
    assert_eq!(ack("none").bearer_auth(key).send().await.unwrap().status(), 404);
    assert_eq!(ack(id).bearer_auth(key).body("{\"note\": 1}").send().await.unwrap().status(), 400);
    assert_eq!(ack(id).bearer_auth(key).json(&json!({"comment": "on it"})).send().await.unwrap().status(), 202);
    place.round(&AlertsConfig::default(), 5).await;
    let seen: Value = get(&format!("/v1/alerts/{id}")).await.unwrap().json().await.unwrap();
    assert_eq!(seen["acknowledged"]["comment"], "on it");
}

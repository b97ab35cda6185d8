//! A cascade that does not pay is switched off by measurement; one that does stays on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rungs::policy::Cause;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer};

use crate::support::model::{completion_with_logprob, received, saying, whole};
use crate::support::router::{Router, header, two_tiers_at};

/// A small tier whose log-probabilities are low for `low` of ten answers, whatever it is asked.
async fn unsure(low: usize) -> MockServer {
    let server = MockServer::start().await;
    let calls = AtomicUsize::new(0);
    let respond = move |_: &wiremock::Request| {
        // 7 and 10 have no common factor: every ten calls show each remainder once, in a mixed order.
        let is_low = calls.fetch_add(1, Ordering::SeqCst) * 7 % 10 < low;
        whole(&completion_with_logprob("42", if is_low { -3.0 } else { -0.01 }))
    };
    Mock::given(method("POST")).respond_with(respond).mount(&server).await;
    server
}

/// Calls of `large` cost twice as much as those of `small`: the economic line is at one half.
fn twice_as_dear(small: &MockServer, large: &MockServer, more: &str) -> String {
    two_tiers_at(2.0, more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()))
}

async fn cascade(router: &Router) -> Value {
    let stats: Value = router.get("/v1/stats").await.json().await.unwrap();
    stats["routes"][0]["cascades"][0].clone()
}

#[tokio::test]
async fn a_confidence_that_is_noise_switches_the_cascade_off_and_a_restart_remembers() {
    let (small, large) = (unsure(8).await, saying("from large").await);
    let toml = twice_as_dear(&small, &large, "");
    let router = Router::with(&toml).await;
    for _ in 0..50 {
        router.ask("easy", json!({})).await;
    }
    let state = cascade(&router).await;
    assert_eq!((&state["from"], &state["to"], &state["on"]), (&json!("small"), &json!("large"), &json!(false)));
    assert_eq!(state["why"], "80.0% of 50 requests climbed: above the economic line of 50.0%");

    let mut straight = 0;
    for _ in 0..20 {
        let response = router.ask("easy", json!({})).await;
        let record = router.record(&response).await;
        assert_eq!(header(&response, "x-rungs-tier") == "large", record.tier.as_deref() == Some("large"));
        match record.cause {
            Cause::CascadeOff => {
                assert_eq!((record.rungs, record.escalations, record.propensity), (vec!["large".to_owned()], 0, 0.95));
                straight += 1;
            }
            cause => assert_eq!((cause, record.propensity), (Cause::Probe, 0.05)),
        }
    }
    assert!(straight >= 10 && received(&small).await.len() == 70 - straight);
    // A tier that the client names is no cascade's business.
    let direct = router.ask("easy", json!({"model": "small"})).await;
    assert_eq!(header(&direct, "x-rungs-tier"), "small");

    let again = Router::start(&toml, true, Some(Arc::clone(&router.store))).await;
    assert_eq!(cascade(&again).await["on"], false);
}

#[tokio::test]
async fn a_confidence_that_tells_keeps_it_on() {
    let (small, large) = (unsure(2).await, saying("from large").await);
    let router = Router::with(&twice_as_dear(&small, &large, "")).await;
    for _ in 0..100 {
        router.ask("easy", json!({})).await;
    }
    let state = cascade(&router).await;
    assert_eq!((&state["on"], &state["requests"], &state["escalation_rate"]), (&json!(true), &json!(100), &json!(0.2)));
    assert!((state["economic_line"].as_f64().unwrap() - 0.5).abs() < 1e-9);
    let stats: Value = router.get("/v1/stats").await.json().await.unwrap();
    let route = &stats["routes"][0];
    assert_eq!((&route["route"], &route["requests"], &route["escalations"]), (&Value::Null, &json!(100), &json!(20)));
    let [small, large] = &route["tiers"].as_array().unwrap()[..] else { panic!("{route}") };
    assert_eq!((&small["calls"], &small["served"], &small["rejected"]), (&json!(100), &json!(80), &json!(20)));
    assert_eq!((&large["tier"], &large["calls"], &large["served"]), (&json!("large"), &json!(20), &json!(20)));
    // 100 × 1e-4 USD at `small` and 20 × 2e-4 at `large`.
    assert!((route["cost_usd"].as_f64().unwrap() - 0.014).abs() < 1e-9);
}

#[tokio::test]
async fn nothing_is_switched_off_where_the_operator_says_so() {
    let (small, large) = (unsure(10).await, saying("from large").await);
    let router = Router::with(&twice_as_dear(&small, &large, "[cascade]\nswitch_off = false")).await;
    for _ in 0..60 {
        router.ask("easy", json!({})).await;
    }
    assert_eq!(received(&small).await.len(), 60);
}

//! Routing that respects what a request needs and what its client and its route allow.

use rungs::policy::Cause;
use serde_json::{Value, json};

use crate::support::model::{received, saying};
use crate::support::router::{Router, error, header, question, two_tiers};

async fn with(more: &str, small_lacks: &str) -> (wiremock::MockServer, wiremock::MockServer, Router) {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let toml = two_tiers(more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let toml = toml.replacen("logprobs = true", &format!("lacks = {small_lacks}"), 1);
    let router = Router::with(&toml).await;
    (small, large, router)
}

async fn tier(router: &Router, body: Value, headers: &[(&str, &str)]) -> (String, Option<Cause>) {
    let request = router.client.post(format!("{}/v1/chat/completions", router.url)).json(&body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    if response.status() != 200 {
        return (error(response).await.1, None);
    }
    let record = router.record(&response).await;
    (header(&response, "x-rungs-tier"), Some(record.cause))
}

#[tokio::test]
async fn what_a_tier_lacks_is_asked_of_another() {
    let (small, _large, router) = with("", "[\"vision\", \"tools\", \"json_schema\"]").await;
    let image = json!([{"type": "text", "text": "easy"}, {"type": "image_url", "image_url": {"url": "https://h/i"}}]);
    let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    for more in [
        json!({"messages": [{"role": "user", "content": image}]}),
        json!({ "response_format": schema }),
        json!({ "tools": [tool] }),
    ] {
        let asked = tier(&router, question("easy", more.clone()), &[]).await;
        assert_eq!(asked, ("large".to_owned(), Some(Cause::Capability)), "{more}");
        let mut direct = question("easy", more);
        direct["model"] = "small".into();
        assert_eq!(tier(&router, direct, &[]).await, ("capability_missing".to_owned(), None));
    }
    assert!(received(&small).await.is_empty());
    let plain = tier(&router, question("easy", json!({})), &[]).await;
    assert_eq!(plain, ("small".to_owned(), Some(Cause::Score)));
}

#[tokio::test]
async fn a_floor_of_quality_is_kept() {
    let (_small, _large, router) = with("", "[]").await;
    let at =
        async |quality: &str| tier(&router, question("easy", json!({})), &[("x-rungs-min-quality", quality)]).await;
    assert_eq!(at("0.8").await, ("small".to_owned(), Some(Cause::Score)));
    assert_eq!(at("0.85").await, ("large".to_owned(), Some(Cause::Floor)));
    assert_eq!(at("1").await, ("large".to_owned(), Some(Cause::Floor)));
    for wrong in ["2", "-0.1", "NaN", "high"] {
        assert_eq!(at(wrong).await.1, None, "{wrong}");
    }
    let metadata = json!({"metadata": {"x-rungs-min-quality": "0.85"}});
    assert_eq!(tier(&router, question("easy", metadata), &[]).await.0, "large");
}

#[tokio::test]
async fn routes_have_rules_that_a_named_tier_is_free_of() {
    let rules = "[routes.triage]\nmax_tier = \"small\"\n[routes.legal]\nmin_tier = \"large\"\n[routes.default]\nmin_quality = 0.85";
    let (_small, _large, router) = with(rules, "[]").await;
    let at = async |route: &str, text: &str, model: &str| {
        tier(&router, question(text, json!({ "model": model })), &[("x-rungs-route", route)]).await
    };
    assert_eq!(at("triage", "hard", "auto").await, ("small".to_owned(), Some(Cause::Score)));
    assert_eq!(at("legal", "easy", "auto").await, ("large".to_owned(), Some(Cause::Floor)));
    assert_eq!(at("other", "easy", "auto").await, ("large".to_owned(), Some(Cause::Floor)));
    assert_eq!(at("triage", "easy", "large").await, ("large".to_owned(), Some(Cause::Direct)));
}

#[tokio::test]
async fn exploration_starts_its_share_elsewhere_writes_down_the_chance_and_leaves_conversations_alone() {
    let (_small, _large, router) = with("[retrain]\nexplore = 0.2\n[cascade]\nenabled = false", "[]").await;
    for (text, planned, other) in [("easy", "small", "large"), ("hard", "large", "small")] {
        let mut explored = 0;
        for _ in 0..200 {
            let plan = router.route(text, json!({})).await["plan"].clone();
            if plan["cause"] == "explore" {
                explored += 1;
                assert_eq!((&plan["rungs"][0], &plan["propensity"]), (&json!(other), &json!(0.2)));
            } else {
                assert_eq!((&plan["rungs"][0], &plan["propensity"]), (&json!(planned), &json!(0.8)));
            }
        }
        // 200 draws of .2: 40, give or take four standard deviations.
        assert!((18..=62).contains(&explored), "{explored} of 200 {text}");
    }
    let turns = json!({"messages": [
        {"role": "user", "content": "easy"}, {"role": "assistant", "content": "?"}, {"role": "user", "content": "more"},
    ]});
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]});
    for more in [turns, tools, json!({"model": "large"})] {
        for _ in 0..60 {
            let plan = router.route("easy", more.clone()).await["plan"].clone();
            assert!(plan["cause"] != "explore" && plan["propensity"] == 1.0, "{plan}");
        }
    }
}

//! Observe mode: requests go where their clients sent them, and the record says what would have been done.

use rungs::policy::Cause;
use serde_json::json;

use crate::support::model::{received, saying};
use crate::support::router::{Router, error, header, two_tiers_at};

async fn observing(share: &str) -> (wiremock::MockServer, wiremock::MockServer, Router) {
    observing_with(share, "").await
}

async fn observing_with(share: &str, more: &str) -> (wiremock::MockServer, wiremock::MockServer, Router) {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let more =
        format!("[policy]\nrouted_share = {share}\n[aliases]\n\"large-1\" = \"auto\"\n\"gpt\" = \"auto\"\n{more}");
    let toml = two_tiers_at(10.0, &more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let router = Router::with(&toml).await;
    (small, large, router)
}

#[tokio::test]
async fn nothing_is_routed_and_the_record_says_what_would_have_been() {
    let (small, large, router) = observing("0.0").await;
    for model in ["large-1", "gpt", "auto"] {
        let response = router.ask("easy", json!({ "model": model })).await;
        assert_eq!(header(&response, "x-rungs-tier"), "large", "{model}");
        let record = router.record(&response).await;
        assert_eq!((record.cause, record.propensity, record.attempts.len()), (Cause::Observed, 1.0, 1));
        assert!(record.score.is_some() && !record.p.is_empty());
        let observed = record.observed.unwrap();
        assert_eq!((observed.rungs, observed.cause), (vec!["small".to_owned(), "large".to_owned()], Cause::Score));
        // The same tokens at a tenth of the price.
        assert!((observed.cost_usd.unwrap() * 10.0 - record.cost_usd.unwrap()).abs() < 1e-12);
    }
    // The highest tier's own request is no other than it would have been.
    let hard = router.record(&router.ask("hard", json!({})).await).await;
    assert_eq!(hard.observed.unwrap().rungs, ["large"]);
    // Who names a tier gets it, and nothing is observed of that.
    let direct = router.record(&router.ask("easy", json!({"model": "small"})).await).await;
    assert!((direct.cause, direct.observed) == (Cause::Direct, None));
    assert_eq!((received(&small).await.len(), received(&large).await.len()), (1, 4));
}

#[tokio::test]
async fn a_share_is_routed_and_every_record_has_its_propensity() {
    let (_small, _large, router) = observing("0.25").await;
    let mut routed = 0;
    for n in 0..120 {
        let record = router.record(&router.ask(&format!("easy {n}"), json!({})).await).await;
        let expected = if record.cause == Cause::Observed { 0.75 } else { 0.25 };
        assert_eq!((record.propensity, record.observed.is_some()), (expected, expected > 0.5), "{record:?}");
        routed += u32::from(record.cause == Cause::Score);
    }
    // Binomial, 120 times a quarter: outside of this less than once in a million.
    assert!((10..=55).contains(&routed), "{routed} of 120 were routed");
}

#[tokio::test]
async fn what_routing_would_refuse_goes_where_its_client_sent_it() {
    let large = saying("from large").await;
    for (share, expected) in [("0.0", (200, "large")), ("1.0", (400, ""))] {
        // The route's rule keeps it from the only tier that can see.
        let more = format!("[policy]\nrouted_share = {share}\n[routes.default]\nmax_tier = \"small\"");
        let toml = two_tiers_at(10.0, &more, "http://127.0.0.1:1", &format!("{}/v1", large.uri()));
        let router = Router::with(&toml.replacen("logprobs = true", "lacks = [\"vision\"]", 1)).await;
        let image =
            json!([{"type": "text", "text": "easy"}, {"type": "image_url", "image_url": {"url": "https://h/i"}}]);
        let answer = router.ask("easy", json!({"messages": [{"role": "user", "content": image}]})).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-rungs-tier").as_str()), expected, "{share}");
        if expected.0 == 200 {
            let record = router.record(&answer).await;
            assert_eq!((record.cause, record.observed), (Cause::Observed, None));
        }
    }
}

#[tokio::test]
async fn a_budget_that_is_spent_is_kept_to_in_either_way() {
    let budget = |name: &str, more: &str| {
        format!("[[budgets]]\nname = \"{name}\"\nper = \"tenant\"\nonly = [\"{name}\"]\nhard_tokens = 120\n{more}\n")
    };
    let budgets = budget("refused", "") + &budget("moved", "when_over = \"cheap\"");
    let (small, large, router) = observing_with("0.0", &budgets).await;
    let ask = async |tenant: &str| {
        let request =
            router.client.post(format!("{}/v1/chat/completions", router.url)).header("x-rungs-tenant", tenant);
        let body = json!({"model": "large-1", "max_tokens": 10, "messages": [{"role": "user", "content": "easy"}]});
        request.json(&body).send().await.unwrap()
    };
    for tenant in ["refused", "moved"] {
        let within = router.record(&ask(tenant).await).await;
        assert_eq!((within.cause, within.tier.as_deref()), (Cause::Observed, Some("large")), "{tenant}");
    }
    assert_eq!(error(ask("refused").await).await, (429, "budget_exceeded".to_owned()));
    let moved = router.record(&ask("moved").await).await;
    assert_eq!((moved.cause, moved.tier.as_deref(), moved.observed), (Cause::Budget, Some("small"), None));
    assert_eq!((moved.budget.as_deref(), moved.propensity), (Some("moved"), 1.0));
    assert_eq!((received(&small).await.len(), received(&large).await.len()), (1, 2));
}

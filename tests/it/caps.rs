//! The limits of one request: what would pass one is not called, and the best answer at hand is served.

use rungs::decisions::{AttemptStatus, Cap, EscalationReason};
use rungs::policy::Cause;
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::model::{received, saying};
use crate::support::router::{Router, error, header, text, two_tiers_at};

async fn over(small: &MockServer, large: &MockServer, more: &str) -> Router {
    Router::with(&two_tiers_at(10.0, more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()))).await
}

fn at_most(usd: &str) -> Value {
    json!({"metadata": {"x-rungs-max-cost-usd": usd}})
}

#[tokio::test]
async fn the_climb_stops_where_the_next_call_would_cost_too_much() {
    // The answer of `small` takes 60 fresh, 40 cached and 10 output tokens: 1e-4 USD; the same of `large` takes 1e-3.
    let unsure = "I'm not sure, perhaps 42.";
    for stream in [false, true] {
        let (small, large) = (saying(unsure).await, saying("from large").await);
        let router = over(&small, &large, "").await;
        let mut more = at_most("0.00105");
        more["stream"] = stream.into();
        let response = router.ask("easy", more).await;
        assert_eq!(
            (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-escalations").as_str()),
            ("small", "0")
        );
        let record = router.ended(response).await;
        assert_eq!((record.cap, record.error), (Some(Cap::Cost), None));
        let attempt = &record.attempts[0];
        assert_eq!((attempt.status, attempt.reason), (AttemptStatus::Accepted, Some(EscalationReason::Unsure)));
        assert!(received(&large).await.is_empty());
    }
    let (small, large) = (saying(unsure).await, saying("from large").await);
    let router = over(&small, &large, "").await;
    assert_eq!(text(router.ask("easy", at_most("0.002")).await).await, "from large");
}

#[tokio::test]
async fn the_plan_starts_no_tier_that_costs_too_much() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = over(&small, &large, "").await;
    let response = router.ask("hard", at_most("0.003")).await;
    assert_eq!(router.record(&response).await.cause, Cause::MaxCost);
    assert_eq!(text(response).await, "from small");
    for refused in [router.ask("easy", at_most("0.0000001")).await, router.ask("easy", at_most("0")).await] {
        assert_eq!(error(refused).await, (400, "max_cost_exceeded".to_owned()));
    }
    assert_eq!(router.ask("easy", at_most("much")).await.status(), 400);
    assert!(received(&large).await.is_empty());
}

#[tokio::test]
async fn the_operators_limits_hold_too() {
    let (small, large) = (saying("I'm not sure.").await, saying("from large").await);
    let router = over(&small, &large, "[cascade]\nmax_cost_usd = 0.00105").await;
    let record = router.ended(router.ask("easy", at_most("1.0")).await).await;
    assert_eq!((record.tier.as_deref(), record.cap), (Some("small"), Some(Cap::Cost)));
    let router = over(&small, &large, "[cascade]\nmax_calls = 1").await;
    let record = router.ended(router.ask("easy", json!({})).await).await;
    assert_eq!((record.tier.as_deref(), record.cap, record.attempts.len()), (Some("small"), Some(Cap::Calls), 1));
}

#[tokio::test]
async fn without_an_answer_at_hand_the_limit_is_an_error_that_says_so() {
    let large = saying("from large").await;
    let down = MockServer::start().await;
    let router = over(&down, &large, "[cascade]\nmax_calls = 1").await;
    let response = router.ask("easy", json!({})).await;
    let record = router.record(&response).await;
    assert_eq!(error(response).await, (502, "max_calls_exceeded".to_owned()));
    assert_eq!(record.cap, Some(Cap::Calls));
}

//! A conversation that goes on stays at its tier while going would cost more than it brings.

use rungs::policy::Cause;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::router::{Router, header, two_tiers_at};

/// An upstream whose answers take so many tokens of input, some read from its cache.
async fn counting(input: u64, cached: u64) -> MockServer {
    let server = MockServer::start().await;
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": input, "completion_tokens": 50, "total_tokens": input + 50,
                  "prompt_tokens_details": {"cached_tokens": cached}},
    });
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    server
}

/// The second tier costs 1.6 times as much as the first, and a tenth of that for what is cached.
fn config(small: &MockServer, large: &MockServer, more: &str) -> String {
    let toml = two_tiers_at(1.6, more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    toml.replace("cached_input = 0.8", "cached_input = 0.16").replace("cached_input = 0.5", "cached_input = 1.0")
}

/// The first turn is hard, which its scorer sees in the first message alone: later ones begin with another word.
fn turn(later: bool) -> Value {
    let long = "many words ".repeat(2_000);
    let mut messages = vec![json!({"role": "user", "content": format!("hard {long}")})];
    if later {
        messages = vec![
            json!({"role": "user", "content": format!("easy {long}")}),
            json!({"role": "assistant", "content": "done"}),
            json!({"role": "user", "content": "commit it"}),
        ];
    }
    json!({"model": "auto", "messages": messages})
}

async fn ask(router: &Router, session: &str, later: bool) -> (String, Cause) {
    let request = router.client.post(format!("{}/v1/chat/completions", router.url)).json(&turn(later));
    let response = request.header("x-session-id", session).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let record = router.record(&response).await;
    assert!(record.conversation.is_some());
    (header(&response, "x-rungs-tier"), record.cause)
}

#[tokio::test]
async fn a_follow_up_stays_with_the_model_that_did_the_work() {
    let (small, large) = (counting(6_000, 0).await, counting(6_000, 5_900).await);
    let router = Router::with(&config(&small, &large, "")).await;
    assert_eq!(ask(&router, "a", false).await, ("large".to_owned(), Cause::Score));
    assert_eq!(ask(&router, "a", true).await, ("large".to_owned(), Cause::Sticky));
    // Another session goes where its score sends it, and so does one that begins anew.
    assert_eq!(ask(&router, "b", true).await, ("small".to_owned(), Cause::Score));
    assert_eq!(ask(&router, "b", false).await, ("large".to_owned(), Cause::Score));
    assert!(small.received_requests().await.unwrap().len() == 1);
}

#[tokio::test]
async fn a_cache_that_is_never_hit_holds_nothing() {
    let (small, large) = (counting(6_000, 0).await, counting(6_000, 0).await);
    let router = Router::with(&config(&small, &large, "")).await;
    let mut stayed = 0;
    for turn in 0..12 {
        let (tier, cause) = ask(&router, "a", turn > 0).await;
        stayed += u32::from(cause == Cause::Sticky);
        if turn > 0 && tier == "small" {
            break;
        }
    }
    assert!((1..10).contains(&stayed), "stayed {stayed} times with a cache that was never hit");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let (small, large) = (counting(6_000, 0).await, counting(6_000, 5_900).await);
    let router = Router::with(&config(&small, &large, "[stickiness]\nenabled = false")).await;
    assert_eq!(ask(&router, "a", false).await.0, "large");
    assert_eq!(ask(&router, "a", true).await, ("small".to_owned(), Cause::Score));
}

//! `POST /v1/responses`: the Responses API over tiers of either dialect.

use reqwest::Response;
use rungs::decisions::Outcome;
use serde_json::{Value, json};

use crate::anthropic::{claude, router};
use crate::support::hostile::{self, head, send};
use crate::support::model::{events, received, saying};
use crate::support::router::{Router, error, header};

async fn post(router: &Router, body: &Value) -> Response {
    router.client.post(format!("{}/v1/responses", router.url)).json(body).send().await.unwrap()
}

fn events_of(body: &str) -> Vec<Value> {
    let event = |event: &str| {
        let (kind, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(kind, format!("event: {}", data["type"].as_str().unwrap()));
        data
    };
    body.split_terminator("\n\n").filter(|event| !event.starts_with(':')).map(event).collect()
}

async fn both() -> (wiremock::MockServer, Router) {
    let (small, large) = (saying("from small").await, claude("from large").await);
    let router = router(&format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())).await;
    (small, router)
}

#[tokio::test]
async fn either_tier_answers_in_the_words_of_the_api() {
    let (small, router) = both().await;
    for (input, tier) in [("easy", "small"), ("hard", "large")] {
        let body = json!({"model": "auto", "input": input, "max_output_tokens": 64, "metadata": {"x-rungs-route": "r", "team": "a"}});
        let response = post(&router, &body).await;
        assert_eq!(header(&response, "x-rungs-tier"), tier);
        let record = router.record(&response).await;
        assert_eq!((record.route.as_deref(), record.usage.input_tokens), (Some("r"), 100));
        let told: Value = response.json().await.unwrap();
        assert_eq!((&told["object"], &told["status"]), (&json!("response"), &json!("completed")));
        assert_eq!(told["output"][0]["content"][0]["text"], format!("from {tier}"));
        assert_eq!((&told["usage"]["input_tokens"], &told["usage"]["output_tokens"]), (&json!(100), &json!(10)));
    }
    let sent: Value = serde_json::from_str(&received(&small).await[0]).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["metadata"]), (&json!(64), &json!({"team": "a"})));
}

#[tokio::test]
async fn streams_end_with_the_whole_response_and_its_cost() {
    let (_small, router) = both().await;
    for (input, tier) in [("easy", "small"), ("hard", "large")] {
        let body = post(&router, &json!({"input": input, "stream": true})).await.text().await.unwrap();
        let events = events_of(&body);
        let last = events.last().unwrap();
        assert_eq!((&events[0]["type"], &last["type"]), (&json!("response.created"), &json!("response.completed")));
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], format!("from {tier}"));
        assert_eq!(last["response"]["usage"]["x_rungs"]["tier"], tier);
        let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
        assert_eq!(deltas.map(|event| event["delta"].as_str().unwrap()).collect::<String>(), format!("from {tier}"));
        assert_eq!(router.newest().await.outcome, Outcome::Served);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_fails_and_a_wrong_request_is_told() {
    let half: String = events(&["half", " an"]).split_inclusive("\n\n").take(2).collect();
    let broken = hostile::start(vec![head("text/event-stream"), send(half)]).await;
    let router = Router::over("http://127.0.0.1:1/v1", &broken).await;
    let body = post(&router, &json!({"input": "hard", "stream": true})).await.text().await.unwrap();
    assert_eq!(events_of(&body).last().unwrap()["type"], "response.failed");
    assert!(body.contains("half") && !body.contains("response.completed"), "{body}");
    for wrong in [json!({}), json!({"input": "a", "previous_response_id": "r"}), json!({"input": "a", "model": 7})] {
        assert_eq!(error(post(&router, &wrong).await).await.0, 400, "{wrong}");
    }
}

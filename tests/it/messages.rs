//! `POST /v1/messages`: Anthropic's clients, whatever the tier speaks.

use reqwest::Response;
use rungs::decisions::Outcome;
use serde_json::{Value, json};

use crate::anthropic::{claude, events, message, router};
use crate::support::hostile::{self, head, send};
use crate::support::model::{answering, completion, received, saying, whole};
use crate::support::router::{Router, header, two_tiers};

async fn post(router: &Router, body: &Value) -> Response {
    let request = router.client.post(format!("{}/v1/messages", router.url)).header("anthropic-beta", "x-1");
    request.json(body).send().await.unwrap()
}

fn question(text: &str, more: Value) -> Value {
    let mut request = json!({"model": "auto", "max_tokens": 64, "messages": [{"role": "user", "content": text}]});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    request
}

/// Status and `type` of an error in Anthropic's shape.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["type"] == "error" && body["error"]["message"].is_string(), "{body}");
    (status, body["error"]["type"].as_str().unwrap().to_owned())
}

fn events_of(body: &str) -> Vec<Value> {
    let event = |event: &str| {
        let (kind, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(kind, format!("event: {}", data["type"].as_str().unwrap()));
        data
    };
    let events = body.split_terminator("\n\n").filter(|event| !event.starts_with(':')).map(event);
    events.filter(|event| event["type"] != "ping").collect()
}

async fn both() -> (wiremock::MockServer, wiremock::MockServer, Router) {
    let (small, large) = (saying("from small").await, claude("from large").await);
    let router = router(&format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())).await;
    (small, large, router)
}

#[tokio::test]
async fn a_tier_of_openais_answers_in_anthropics_words() {
    let (small, _large, router) = both().await;
    let body = question("easy", json!({"system": "Be brief.", "top_k": 5, "metadata": {"x-rungs-route": "triage"}}));
    let response = post(&router, &body).await;
    let said = ["tier", "model", "cost-usd", "warning"].map(|name| header(&response, &format!("x-rungs-{name}")));
    assert_eq!(said, ["small", "served-model", "0.000100000", "not carried over to the tier small: top_k"]);
    let record = router.record(&response).await;
    assert_eq!((record.route.as_deref(), record.tier.as_deref()), (Some("triage"), Some("small")));
    assert_eq!(record.request.unwrap()["messages"][0], json!({"role": "system", "content": "Be brief."}));
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (&body["type"], &body["stop_reason"], &body["model"]),
        (&json!("message"), &json!("end_turn"), &json!("served-model"))
    );
    assert_eq!(body["content"], json!([{"type": "text", "text": "from small"}]));
    assert_eq!((&body["usage"]["input_tokens"], &body["usage"]["cache_read_input_tokens"]), (&json!(60), &json!(40)));
    let sent: Value = serde_json::from_str(&received(&small).await[0]).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["logprobs"], sent.get("metadata")), (&json!(64), &json!(true), None));
}

#[tokio::test]
async fn a_tier_of_the_same_dialect_is_asked_and_quoted_word_for_word() {
    let (_small, large, router) = both().await;
    let body = question(
        "hard",
        json!({"model": "large", "top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 32},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]}),
    );
    let response = post(&router, &body).await;
    assert_eq!(
        (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-warning").as_str()),
        ("large", "")
    );
    assert_eq!(response.json::<Value>().await.unwrap(), message("from large"));
    let asked = &large.received_requests().await.unwrap()[0];
    assert_eq!(asked.headers["anthropic-beta"], "x-1");
    let mut expected = body;
    expected["model"] = "large-1".into();
    assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), expected);
}

#[tokio::test]
async fn streams_have_anthropics_events_from_either_tier() {
    let (_small, _large, router) = both().await;
    for (text, tier, said) in [("easy", "small", "from small"), ("hard", "large", "from large")] {
        let response = post(&router, &question(text, json!({"stream": true}))).await;
        assert_eq!(header(&response, "x-rungs-tier"), tier);
        let record_id = header(&response, "x-rungs-decision-id");
        let events = events_of(&response.text().await.unwrap());
        let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        let expected = [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(kinds, expected, "{tier}");
        assert_eq!(events[2]["delta"], json!({"type": "text_delta", "text": said}));
        assert_eq!(events[4]["delta"]["stop_reason"], "end_turn");
        assert_eq!(
            (&events[4]["usage"]["output_tokens"], &events[4]["usage"]["x_rungs"]["tier"]),
            (&json!(10), &json!(tier))
        );
        assert_eq!(router.store.get(&record_id).await.unwrap().unwrap().outcome, Outcome::Served);
    }
}

#[tokio::test]
async fn tools_go_there_and_back() {
    let mut answer = completion("");
    answer["choices"][0]["message"]["content"] = Value::Null;
    answer["choices"][0]["finish_reason"] = "tool_calls".into();
    answer["choices"][0]["message"]["tool_calls"] = json!([{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ghent\"}"}}]);
    let small = answering(whole(&answer)).await;
    let router = Router::over(&format!("{}/v1", small.uri()), "http://127.0.0.1:1/v1").await;
    let tool = json!({"name": "weather", "input_schema": {"type": "object", "required": ["city"]}});
    let body: Value = post(&router, &question("easy", json!({"tools": [tool]}))).await.json().await.unwrap();
    assert_eq!(body["stop_reason"], "tool_use");
    let call = json!({"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ghent"}});
    assert_eq!(body["content"], json!([call]));
}

#[tokio::test]
async fn errors_have_anthropics_shape_wherever_they_come_from() {
    let (_small, _large, router) = both().await;
    assert_eq!(
        refusal(post(&router, &json!({"model": "auto"})).await).await,
        (400, "invalid_request_error".to_owned())
    );
    let unknown = post(&router, &question("easy", json!({"model": "gpt-9"}))).await;
    assert_eq!(refusal(unknown).await, (404, "not_found_error".to_owned()));
    assert_eq!(refusal(router.get("/v1/messages").await).await, (405, "not_found_error".to_owned()));
    let toml = two_tiers(
        "[server]\nmax_body_bytes = 100\n[upstreams]\nretries = 0",
        "http://127.0.0.1:1",
        "http://127.0.0.1:1",
    );
    let small = Router::with(&toml).await;
    let large = post(&small, &question(&"x".repeat(200), json!({}))).await;
    assert_eq!(refusal(large).await, (413, "request_too_large".to_owned()));
    let alone = Router::with(&toml.replace("max_body_bytes = 100", "")).await;
    let failed = post(&alone, &question("hard", json!({}))).await;
    assert!(!header(&failed, "x-rungs-decision-id").is_empty());
    assert_eq!(refusal(failed).await, (502, "api_error".to_owned()));
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_event() {
    let half: String = events(&["half", " an"]).split_inclusive("\n\n").take(4).collect();
    let broken = hostile::start(vec![head("text/event-stream"), send(half)]).await;
    let router = router("http://127.0.0.1:1/v1", &broken).await;
    let body = post(&router, &question("hard", json!({"stream": true}))).await.text().await.unwrap();
    let events = events_of(&body);
    assert_eq!(events.last().unwrap()["type"], "error");
    assert!(body.contains("half") && !body.contains("message_stop"), "{body}");
}

#[tokio::test]
async fn tokens_are_counted_without_a_call() {
    let (small, large, router) = both().await;
    let body = json!({"model": "auto", "messages": [{"role": "user", "content": "four words are here"}]});
    let request = router.client.post(format!("{}/v1/messages/count_tokens", router.url)).json(&body);
    let counted: Value = request.send().await.unwrap().json().await.unwrap();
    assert!((4..20).contains(&counted["input_tokens"].as_u64().unwrap()), "{counted}");
    assert!(received(&small).await.is_empty() && received(&large).await.is_empty());
}

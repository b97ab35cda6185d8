//! Tiers that speak Anthropic's dialect.

use std::time::Duration;

use rungs::decisions::Outcome;
use serde_json::{Value, json};
use wiremock::matchers::{header as has_header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::hostile::{self, Act, head, send};
use crate::support::model::{received, saying, sse};
use crate::support::router::{Router, error, header, text, two_tiers};

/// A message that says `text`; 40 of its 100 tokens were in the cache, 20 are written to it.
pub(crate) fn message(text: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
        "stop_sequence": null, "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 40,
        "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20, "output_tokens": 10}})
}

/// The events of the same, as Anthropic streams them.
pub(crate) fn events(pieces: &[&str]) -> String {
    let mut start = message("");
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    let delta =
        |piece| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}});
    events.extend(pieces.iter().map(delta));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 10}}),
        json!({"type": "message_stop"}),
    ]);
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}

/// An upstream that says `text`, whole or streamed, to those who have the key.
pub(crate) async fn claude(text: &'static str) -> MockServer {
    let server = MockServer::start().await;
    let respond = move |request: &wiremock::Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let whole = ResponseTemplate::new(200).set_body_json(message(text));
        if body["stream"] == true { sse(&events(&[text])) } else { whole }
    };
    let mock = Mock::given(method("POST")).and(path("/v1/messages")).and(has_header("anthropic-version", "2023-06-01"));
    mock.and(has_header("x-api-key", "sk-ant")).respond_with(respond).mount(&server).await;
    server
}

/// `large` speaks Anthropic's dialect.
pub(crate) async fn router(small: &str, large: &str) -> Router {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk-ant").unwrap();
    let key = format!("kind = \"anthropic\"\napi_key_file = {:?}", folder.path().join("key").display().to_string());
    let toml = two_tiers("[upstreams]\nretries = 0", small, large)
        .replace("model = \"large-1\"", &format!("model = \"large-1\"\n{key}"));
    Router::with(&toml).await
}

async fn over(server: &MockServer) -> Router {
    router("http://127.0.0.1:1/v1", &format!("{}/v1", server.uri())).await
}

#[tokio::test]
async fn openais_clients_get_openais_answers() {
    let server = claude("four").await;
    let router = over(&server).await;
    let response = router.ask("hard", json!({"seed": 7, "max_tokens": 5})).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-rungs-model")), (200, "claude-x".to_owned()));
    assert_eq!(header(&response, "x-rungs-warning"), "not carried over to the tier large: seed");
    let record = router.record(&response).await;
    let usage = record.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.cached_tokens), (100, 10, 40));
    assert_eq!(usage.cache_write_5m_tokens, 20);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "four");
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 40);
    let sent: Value = serde_json::from_str(&received(&server).await[0]).unwrap();
    let said = json!([{"role": "user", "content": [{"type": "text", "text": "hard"}]}]);
    assert_eq!(sent, json!({"model": "large-1", "max_tokens": 5, "messages": said}));
}

#[tokio::test]
async fn openais_clients_get_openais_streams() {
    let router = over(&claude("four").await).await;
    let body = router.ask("hard", json!({"stream": true, "stream_options": {"include_usage": true}})).await;
    let body = body.text().await.unwrap();
    let chunks: Vec<&str> = body.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(chunks.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        chunks[..chunks.len() - 1].iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(deltas[..3], [&json!({"role": "assistant", "content": ""}), &json!({"content": "four"}), &json!({})]);
    let usage = &chunks[3]["usage"];
    assert_eq!((chunks.len(), &usage["prompt_tokens"], &usage["completion_tokens"]), (4, &json!(100), &json!(10)));
    assert_eq!(router.newest().await.usage.cache_write_5m_tokens, 20);
}

#[tokio::test]
async fn an_overloaded_tier_falls_back_and_alone_says_so() {
    let busy = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let server = MockServer::start().await;
    let mock = Mock::given(method("POST")).respond_with(ResponseTemplate::new(529).set_body_json(&busy));
    mock.mount(&server).await;
    let router = over(&server).await;
    for stream in [false, true] {
        let response = router.ask("hard", json!({"stream": stream})).await;
        assert_eq!(error(response).await, (503, "upstream_overloaded".to_owned()));
    }
    assert!(router.newest().await.error.unwrap().contains("Overloaded"));
}

#[tokio::test]
async fn what_a_dialect_cannot_say_is_not_sent() {
    let server = claude("never").await;
    let router = over(&server).await;
    let tool = json!({"type": "custom", "custom": {"name": "shell"}});
    let response = router.ask("any", json!({"model": "large", "tools": [tool]})).await;
    assert_eq!(error(response).await, (400, "not_carried_over".to_owned()));
    let response = router.ask("any", json!({"model": "large", "n": 2})).await;
    assert_eq!(error(response).await, (400, "capability_missing".to_owned()));
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn streams_that_break_never_look_complete() {
    let all = events(&["half", " an", " answer"]);
    let until = |n: usize| all.split_inclusive("\n\n").take(n).collect::<String>();
    let overloaded =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    for (name, end) in [
        ("cut", vec![]),
        ("an error", vec![send(overloaded)]),
        ("garbage", vec![send("data: {]\n\n")]),
        ("hangs", vec![Act::Hang]),
    ] {
        let late = hostile::start([vec![head("text/event-stream"), send(until(5))], end.clone()].concat()).await;
        let router = router("http://127.0.0.1:1/v1", &late).await;
        let body = router.ask("hard", json!({"stream": true})).await.text().await.unwrap();
        assert!(
            body.contains("half") && body.contains("data: {\"error\":{") && !body.contains("[DONE]"),
            "{name}: {body}"
        );
        assert_eq!(router.newest().await.outcome, Outcome::Failed, "{name}");
    }
    let early = hostile::start(vec![head("text/event-stream"), send(until(2)), send(overloaded)]).await;
    let fallback = saying("from elsewhere").await;
    let toml =
        two_tiers("", &early, &format!("{}/v1", fallback.uri())).replacen("logprobs = true", "kind = \"anthropic\"", 1);
    let router = Router::with(&toml).await;
    let body = router.ask("easy", json!({"stream": true})).await.text().await.unwrap();
    assert!(body.contains("from elsewhere") && !body.contains("busy"), "{body}");
}

#[tokio::test]
async fn an_azure_endpoint_has_its_query_and_its_key_header() {
    let server = MockServer::start().await;
    let mock = Mock::given(method("POST")).and(path("/openai/deployments/d/chat/completions"));
    let mock =
        mock.and(wiremock::matchers::query_param("api-version", "2024-10-21")).and(has_header("api-key", "sk-az"));
    let answer = ResponseTemplate::new(200).set_body_json(crate::support::model::completion("from azure"));
    mock.respond_with(answer).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-az").unwrap();
    let base = format!("{}/openai/deployments/d?api-version=2024-10-21", server.uri());
    let toml = two_tiers("", "http://127.0.0.1:1", &base);
    let toml = format!("{toml}api_key_header = \"api-key\"\napi_key_file = {:?}\n", key.display().to_string());
    let router = Router::with(&toml).await;
    let start = std::time::Instant::now();
    assert_eq!(text(router.ask("hard", json!({})).await).await, "from azure");
    assert!(start.elapsed() < Duration::from_secs(10));
}

//! Well-behaved upstreams.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A completion that says `text`.
pub(crate) fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}},
    })
}

/// A completion whose tokens all have this log-probability.
pub(crate) fn completion_with_logprob(text: &str, logprob: f64) -> Value {
    let mut completion = completion(text);
    completion["choices"][0]["logprobs"] =
        json!({"content": [{"token": text, "logprob": logprob, "top_logprobs": []}]});
    completion
}

/// The events of a stream that says the pieces, with usage at its end.
pub(crate) fn events(pieces: &[&str]) -> String {
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(pieces.iter().map(|piece| chunk(json!({ "content": piece }), Value::Null)));
    events.push(chunk(json!({}), "stop".into()));
    let mut usage = head();
    usage["choices"] = json!([]);
    usage["usage"] = json!({"prompt_tokens": 100, "completion_tokens": 10});
    events.push(usage);
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>() + "data: [DONE]\n\n"
}

fn chunk(delta: Value, finish_reason: Value) -> Value {
    let mut chunk = head();
    chunk["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish_reason}]);
    chunk["usage"] = Value::Null;
    chunk
}

fn head() -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served-model"})
}

/// An upstream that answers every call alike.
pub(crate) async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(response).mount(&server).await;
    server
}

/// An upstream that answers by what it is asked, in the shape that it is asked for.
pub(crate) async fn saying(text: &'static str) -> MockServer {
    replying(move |_, _| text.to_owned()).await
}

/// An upstream whose text is made from the request and the number of calls before it.
pub(crate) async fn replying(reply: impl Fn(&Value, usize) -> String + Send + Sync + 'static) -> MockServer {
    let server = MockServer::start().await;
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let respond = move |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let text = reply(&body, calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        if body["stream"] == true { sse(&events(&[&text])) } else { whole(&completion(&text)) }
    };
    Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(respond).mount(&server).await;
    server
}

pub(crate) fn whole(completion: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(completion)
}

pub(crate) fn sse(events: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(events.as_bytes(), "text/event-stream")
}

/// The bodies that the upstream was sent.
pub(crate) async fn received(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect()
}

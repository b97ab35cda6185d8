//! Failures that are survived: retries, further endpoints, breakers; and those that are told apart.

use std::time::{Duration, Instant};

use rungs::decisions::{AttemptStatus, Outcome};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::hostile::{self, Act, head, send};
use crate::support::model::{answering, events, received, saying};
use crate::support::router::{Router, error, header, text, two_tiers};

/// An upstream that answers so many calls with `first`, and all others with a good answer.
async fn at_first(first: ResponseTemplate, times: u64) -> MockServer {
    let server = saying("recovered").await;
    let mock = Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(first);
    mock.with_priority(1).up_to_n_times(times).mount(&server).await;
    server
}

/// Only `large` is asked; it has these further endpoints.
async fn large(url: &str, more: &str, endpoints: &[&str]) -> Router {
    let further: String = endpoints.iter().map(|url| format!("[[tiers.endpoints]]\nbase_url = \"{url}\"\n")).collect();
    Router::with(&(two_tiers(more, "http://127.0.0.1:1", url) + &further)).await
}

async fn ask(router: &Router, stream: bool) -> reqwest::Response {
    router.ask("hard", json!({"model": "large", "stream": stream})).await
}

#[tokio::test]
async fn a_failure_that_passes_is_not_noticed_and_on_the_record() {
    for status in [429, 500, 503] {
        for stream in [false, true] {
            let server = at_first(ResponseTemplate::new(status), 2).await;
            let router = large(&format!("{}/v1", server.uri()), "", &[]).await;
            let response = ask(&router, stream).await;
            assert_eq!(response.status(), 200, "{status} {stream}");
            let record = router.ended(response).await;
            let attempt = &record.attempts[0];
            assert_eq!((record.attempts.len(), attempt.failed_calls.len(), record.outcome), (1, 2, Outcome::Served));
            assert!(attempt.failed_calls[0].error.contains(&status.to_string()));
            assert_eq!(attempt.endpoint.as_deref(), server.uri().strip_prefix("http://"));
            assert!(record.cost_usd.is_some() || stream, "refusals cost nothing");
        }
    }
}

#[tokio::test]
async fn the_pause_that_the_upstream_asks_for_is_made() {
    let server = at_first(ResponseTemplate::new(429).insert_header("retry-after", "1"), 1).await;
    let router = large(&format!("{}/v1", server.uri()), "", &[]).await;
    let start = Instant::now();
    assert_eq!(text(ask(&router, false).await).await, "recovered");
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_left_to_the_client() {
    let server = answering(ResponseTemplate::new(429).insert_header("retry-after", "30")).await;
    let router = large(&format!("{}/v1", server.uri()), "", &[]).await;
    let start = Instant::now();
    let response = ask(&router, false).await;
    assert_eq!(header(&response, "retry-after"), "30");
    assert_eq!(error(response).await, (429, "rate_limit_exceeded".to_owned()));
    assert!(start.elapsed() < Duration::from_secs(5) && received(&server).await.len() == 1);
}

#[tokio::test]
async fn no_pause_outlasts_the_requests_time() {
    let server = answering(ResponseTemplate::new(500)).await;
    let more = "[server]\nrequest_timeout_s = 2\n[upstreams]\nretries = 9\nretry_pause_s = 0.1";
    let router = large(&format!("{}/v1", server.uri()), more, &[]).await;
    let start = Instant::now();
    assert_eq!(error(ask(&router, false).await).await, (502, "upstream_error".to_owned()));
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn another_endpoint_makes_good_what_one_does_wrong() {
    let bare = |status: &str| vec![send(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))];
    for (name, script) in [
        ("a wrong key", bare("401 Unauthorized")),
        ("a wrong address", bare("404 Not Found")),
        ("its own failure", bare("500 Internal Server Error")),
        ("closes at once", vec![]),
        ("garbage", vec![head("application/json"), send("{]")]),
        ("a stream that breaks before it says anything", vec![head("text/event-stream"), send("data: {]\n\n")]),
    ] {
        let (broken, good) = (hostile::start(script).await, saying("from elsewhere").await);
        let router = large(&broken, "", &[&format!("{}/v1", good.uri())]).await;
        for stream in [false, true] {
            let response = ask(&router, stream).await;
            assert_eq!(response.status(), 200, "{name} {stream}");
            assert!(response.text().await.unwrap().contains("from elsewhere"), "{name} {stream}");
        }
        let record = router.newest().await;
        assert_eq!(record.attempts.len(), 1, "{name}");
        assert_eq!(record.attempts[0].endpoint.as_deref(), good.uri().strip_prefix("http://"), "{name}");
    }
}

#[tokio::test]
async fn the_routers_own_key_is_told_apart_from_the_clients() {
    for status in [401, 403] {
        let server = answering(ResponseTemplate::new(status).set_body_string("sk-1")).await;
        let router = large(&format!("{}/v1", server.uri()), "", &[]).await;
        let response = ask(&router, false).await;
        let body: Value = response.json().await.unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("`large`") && message.contains("the router's configuration"), "{message}");
        assert_eq!(body["error"]["code"], "upstream_misconfigured");
        assert_eq!(received(&server).await.len(), 1, "a wrong key is not tried again");
        let good = saying("good").await;
        let auto = Router::over(&format!("{}/v1", server.uri()), &format!("{}/v1", good.uri())).await;
        assert_eq!(text(auto.ask("easy", json!({})).await).await, "good");
    }
}

#[tokio::test]
async fn an_upstream_that_keeps_failing_is_left_alone_until_it_is_well_again() {
    let server = at_first(ResponseTemplate::new(500), 3).await;
    let more = "[upstreams]\nretries = 0\nbreaker_failures = 3\nbreaker_pause_s = 0.5";
    let router = large(&format!("{}/v1", server.uri()), more, &[]).await;
    for _ in 0..3 {
        assert_eq!(error(ask(&router, false).await).await.0, 502);
    }
    let start = Instant::now();
    let refused = ask(&router, true).await;
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    assert_eq!(header(&refused, "retry-after"), "1");
    let record = router.record(&refused).await;
    assert_eq!((record.outcome, record.cost_usd), (Outcome::Failed, Some(0.0)));
    assert_eq!(error(refused).await, (503, "upstream_unavailable".to_owned()));
    assert_eq!(received(&server).await.len(), 3, "nothing is sent meanwhile");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(text(ask(&router, false).await).await, "recovered");
}

#[tokio::test]
async fn a_tier_that_flaps_never_reaches_the_client() {
    let good = |text: &str| vec![head("text/event-stream"), send(events(&[text]))];
    let cut = vec![head("text/event-stream")];
    let scripts = vec![cut.clone(), good("one"), vec![], good("two"), cut, good("three")];
    let flapping = hostile::changing(scripts).await;
    let fallback = saying("from large").await;
    let router = Router::over(&flapping, &format!("{}/v1", fallback.uri())).await;
    for _ in 0..6 {
        let response = router.ask("easy", json!({"stream": true})).await;
        assert_eq!(response.status(), 200);
        let id = header(&response, "x-rungs-decision-id");
        let body = response.text().await.unwrap();
        assert!(body.ends_with("data: [DONE]\n\n") && !body.contains("error"), "{body}");
        let record = router.store.get(&id).await.unwrap().unwrap();
        assert_eq!((record.outcome, record.attempts[0].tier.as_str()), (Outcome::Served, "small"));
    }
}

#[tokio::test]
async fn a_storm_of_refusals_is_not_answered_with_one_of_retries() {
    let server = answering(ResponseTemplate::new(429)).await;
    let fallback = saying("from large").await;
    let toml = two_tiers(
        "[upstreams]\nretries = 1\nretry_pause_s = 0.01",
        &format!("{}/v1", server.uri()),
        &format!("{}/v1", fallback.uri()),
    );
    let router = Router::with(&toml).await;
    for _ in 0..20 {
        let response = router.ask("easy", json!({})).await;
        assert_eq!(router.record(&response).await.attempts[0].status, AttemptStatus::Failed);
        assert_eq!(text(response).await, "from large");
    }
    let calls = received(&server).await.len();
    assert!(calls <= 7, "{calls} calls of an upstream that refuses all");
}

#[tokio::test]
async fn success_with_an_odd_finish_reason_is_a_failure() {
    for reason in ["error", "insufficient_system_resource", "quota_exceeded"] {
        let answer = json!({"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": reason}]});
        let small = answering(ResponseTemplate::new(200).set_body_json(&answer)).await;
        let large = saying("from large").await;
        let router = Router::over(&format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())).await;
        let response = router.ask("easy", json!({})).await;
        let record = router.record(&response).await;
        assert!(record.attempts[0].error.as_ref().unwrap().contains(reason), "{:?}", record.attempts[0]);
        assert_eq!(text(response).await, "from large");
    }
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_refused_at_once() {
    let large = hostile::start(vec![
        head("text/event-stream"),
        send(events(&["one"]).split_inclusive("\n\n").take(2).collect::<String>()),
        Act::Hang,
    ])
    .await;
    let router = Router::with(&two_tiers("[server]\nmax_concurrent_requests = 2", "http://127.0.0.1:1", &large)).await;
    let held = [ask(&router, true).await, ask(&router, true).await];
    let refused = ask(&router, false).await;
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(error(refused).await, (503, "overloaded".to_owned()));
    assert_eq!(router.get("/healthz").await.status(), 200);
    drop(held);
    let start = Instant::now();
    while ask(&router, true).await.status() != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "the places come back when the clients go");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_of_the_upstream() {
    for stream in [false, true] {
        let (url, left) = hostile::listening(vec![head("text/event-stream"), send(": wait\n\n")]).await;
        let router = large(&url, "", &[]).await;
        let asked = tokio::time::timeout(Duration::from_millis(300), ask(&router, stream)).await;
        assert!(asked.is_err(), "the upstream says nothing");
        tokio::time::timeout(Duration::from_secs(5), left).await.expect("the call ends").unwrap();
        let record = router.newest().await;
        assert_eq!((record.outcome, record.attempts[0].status), (Outcome::Cancelled, AttemptStatus::Cancelled));
    }
}

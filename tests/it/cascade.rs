//! The climb: what makes an answer fail, and what the client never gets to see of it.

use std::time::{Duration, Instant};

use rungs::decisions::{AttemptStatus, EscalationReason, Outcome};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::support::hostile::{self, Act};
use crate::support::model::{answering, completion, completion_with_logprob, events, received, saying, sse, whole};
use crate::support::router::{Router, error, header, patient, text, two_tiers};

async fn over(small: &MockServer, large: &MockServer, more: &str) -> Router {
    Router::with(&two_tiers(more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()))).await
}

fn with_finish(text: &str, reason: &str) -> Value {
    let mut completion = completion(text);
    completion["choices"][0]["finish_reason"] = reason.into();
    completion
}

fn with_calls() -> Value {
    let mut completion = completion("");
    completion["choices"][0]["message"]["tool_calls"] =
        json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    completion
}

#[tokio::test]
async fn each_check_fires_and_the_next_rung_answers() {
    let mut refused = completion("");
    refused["choices"][0]["message"]["refusal"] = "I will not.".into();
    for (answer, reason) in [
        (completion_with_logprob("42", -2.5), EscalationReason::LowLogprob),
        (completion("I'm not sure, but perhaps 42."), EscalationReason::Unsure),
        (completion("I'm sorry, but I can't help with that."), EscalationReason::Refusal),
        (refused, EscalationReason::Refusal),
        (completion(" \n "), EscalationReason::Empty),
        (with_finish("Once upon a", "length"), EscalationReason::Truncated),
    ] {
        let (small, large) = (answering(whole(&answer)).await, saying("from large").await);
        let router = over(&small, &large, "").await;
        let response = router.ask("easy", json!({})).await;
        assert_eq!(
            (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-escalations").as_str()),
            ("large", "1")
        );
        let record = router.record(&response).await;
        let attempts: Vec<_> = record.attempts.iter().map(|a| (a.tier.as_str(), a.status, a.reason)).collect();
        assert_eq!(
            attempts,
            [("small", AttemptStatus::Rejected, Some(reason)), ("large", AttemptStatus::Accepted, None)]
        );
        // Both calls are paid for: twice 60 × 1.00 + 40 × 0.50 + 10 × 2.00 millionths.
        assert!((record.cost_usd.unwrap() - 2e-4).abs() < 1e-12);
        assert_eq!(text(response).await, "from large");
    }
}

#[tokio::test]
async fn an_answer_that_did_not_pass_is_better_than_none() {
    let (unsure, broken) = (saying("I'm not sure, but perhaps 42.").await, answering(ResponseTemplate::new(500)).await);
    let hanging = hostile::start(vec![Act::Hang]).await;
    let slow = "[server]\nrequest_timeout_s = 0.5";
    for (large, more) in [(format!("{}/v1", broken.uri()), ""), (hanging, slow)] {
        let router = Router::with(&two_tiers(more, &format!("{}/v1", unsure.uri()), &large)).await;
        for stream in [false, true] {
            let response = router.ask("easy", json!({ "stream": stream })).await;
            assert_eq!((response.status().as_u16(), header(&response, "x-rungs-tier").as_str()), (200, "small"));
            assert_eq!(header(&response, "x-rungs-unpassed"), "upstream_failure");
            let record = router.record(&response).await;
            assert!(response.text().await.unwrap().contains("perhaps 42"));
            assert_eq!((record.outcome, record.fell_back, record.escalations), (Outcome::Served, true, 1));
            let attempts: Vec<_> = record.attempts.iter().map(|a| (a.status, a.reason)).collect();
            let [served, failed] = &attempts[..] else { panic!("{attempts:?}") };
            assert_eq!(*served, (AttemptStatus::Accepted, Some(EscalationReason::Unsure)));
            assert!(matches!(failed.0, AttemptStatus::Failed | AttemptStatus::Cancelled), "{failed:?}");
        }
    }
}

#[tokio::test]
async fn good_answers_stay_on_the_first_rung() {
    for answer in [
        completion_with_logprob("42", -0.1),
        completion("42"),
        with_calls(),
        with_finish("He said \"I don't know\".", "stop"),
    ] {
        let (small, large) = (answering(whole(&answer)).await, saying("from large").await);
        let router = over(&small, &large, "").await;
        let response = router.ask("easy", json!({})).await;
        assert_eq!(header(&response, "x-rungs-tier"), "small", "{answer}");
        assert!(received(&large).await.is_empty());
    }
}

#[tokio::test]
async fn with_the_cascade_off_only_failures_climb() {
    let (small, large) = (saying("I'm not sure.").await, saying("from large").await);
    let router = over(&small, &large, "[cascade]\nenabled = false").await;
    assert_eq!(text(router.ask("easy", json!({})).await).await, "I'm not sure.");
    let (small, large) = (answering(ResponseTemplate::new(500)).await, saying("from large").await);
    let router = over(&small, &large, "[cascade]\nenabled = false").await;
    for stream in [false, true] {
        let response = router.ask("easy", json!({ "stream": stream })).await;
        assert_eq!(header(&response, "x-rungs-tier"), "large");
    }
}

#[tokio::test]
async fn log_probabilities_are_asked_for_and_taken_out_again() {
    let (small, large) = (answering(whole(&completion_with_logprob("42", -0.25))).await, saying("l").await);
    let router = over(&small, &large, "").await;
    let response = router.ask("easy", json!({})).await;
    assert_eq!(router.record(&response).await.attempts[0].signals.mean_logprob, Some(-0.25));
    let body: Value = response.json().await.unwrap();
    assert!(body["choices"][0].get("logprobs").is_none(), "{body}");
    assert!(received(&small).await[0].contains(r#""logprobs":true"#));
    let asked: Value = router.ask("easy", json!({"logprobs": true})).await.json().await.unwrap();
    assert_eq!(asked["choices"][0]["logprobs"]["content"][0]["logprob"], -0.25);
    // The last rung is not checked, and so not asked.
    router.ask("hard", json!({})).await;
    assert!(!received(&large).await[0].contains("logprobs"));
}

#[tokio::test]
async fn nothing_of_a_rejected_stream_reaches_the_client() {
    let rejected = "I'm not sure. SECRET DRAFT";
    let (small, large) = (answering(sse(&events(&[rejected]))).await, saying("from large").await);
    let router = over(&small, &large, "").await;
    let response = router.ask("easy", json!({"stream": true})).await;
    assert_eq!(
        (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-escalations").as_str()),
        ("large", "1")
    );
    let body = response.text().await.unwrap();
    assert!(body.contains("from large") && body.ends_with("data: [DONE]\n\n"), "{body}");
    assert!(!body.contains("SECRET") && !body.contains("sure"), "{body}");
}

#[tokio::test]
async fn an_accepted_stream_is_replayed_in_the_upstreams_own_chunks() {
    let (small, large) = (answering(sse(&events(&["from", " small"]))).await, saying("from large").await);
    let router = over(&small, &large, "").await;
    let more = json!({"stream": true, "stream_options": {"include_usage": true}});
    let body = router.ask("easy", more).await.text().await.unwrap();
    let upstream = events(&["from", " small"]);
    let chunks = |text: &str| text.split_terminator("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let (sent, own) = (chunks(&body), chunks(&upstream));
    assert_eq!(sent.len(), own.len());
    assert_eq!(sent[..own.len() - 2], own[..own.len() - 2]);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_and_leaves_a_record() {
    for stream in [false, true] {
        let hanging = hostile::start(vec![Act::Hang]).await;
        let toml = patient(&two_tiers("", &hanging, &hanging));
        let router = Router::with(&toml).await;
        let left =
            tokio::time::timeout(Duration::from_millis(200), router.ask("easy", json!({ "stream": stream }))).await;
        assert!(left.is_err(), "the upstream hangs");
        let record = router.newest().await;
        assert_eq!((record.outcome, record.attempts[0].status), (Outcome::Cancelled, AttemptStatus::Cancelled));
        assert!(record.attempts[0].latency_ms >= 100.0 && record.cost_usd.is_none());
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_stream_is_recorded_too() {
    let start = events(&["once", " upon"]).split("data: [DONE]").next().unwrap().replace("\"stop\"", "null");
    let slow = hostile::start(vec![hostile::head("text/event-stream"), hostile::send(start), Act::Hang]).await;
    let router = Router::with(&patient(&two_tiers("", &slow, &slow))).await;
    let mut response = router.ask("hard", json!({"stream": true})).await;
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    let record = router.newest().await;
    assert_eq!((record.outcome, record.tier.as_deref()), (Outcome::Cancelled, Some("large")));
}

#[tokio::test]
async fn the_requests_own_time_is_kept_whatever_the_tiers_allow() {
    let hanging = hostile::start(vec![Act::Hang]).await;
    let toml = two_tiers("[server]\nrequest_timeout_s = 0.3", &hanging, &hanging);
    let router = Router::with(&toml).await;
    for stream in [false, true] {
        let start = Instant::now();
        let response = router.ask("easy", json!({ "stream": stream })).await;
        let record = router.record(&response).await;
        assert_eq!(error(response).await, (504, "request_timeout".to_owned()));
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!((record.outcome, record.attempts.len()), (Outcome::Failed, 1));
    }
}

//! Self-consistency: which samples are drawn, which answer they elect, and what they cost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rungs::decisions::{AttemptStatus, EscalationReason, Purpose};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::model::{completion, events, received, replying, saying, sse, whole};
use crate::support::router::{Router, header, patient, text, two_tiers};

/// Whatever the prices.
const ALWAYS: &str = "[cascade]\nmin_price_ratio = 0";

async fn over(small: &MockServer, large: &MockServer, more: &str) -> Router {
    Router::with(&patient(&two_tiers(more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())))).await
}

/// An upstream whose calls say these texts in turn; what comes after hangs.
async fn saying_in_turn(texts: &'static [&'static str]) -> MockServer {
    let server = MockServer::start().await;
    let calls = AtomicUsize::new(0);
    let respond = move |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let said = texts.get(calls.fetch_add(1, Ordering::SeqCst));
        let text = said.copied().unwrap_or_default();
        let reply = if body["stream"] == true { sse(&events(&[text])) } else { whole(&completion(text)) };
        if said.is_some() { reply } else { reply.set_delay(Duration::from_secs(30)) }
    };
    Mock::given(method("POST")).respond_with(respond).mount(&server).await;
    server
}

#[tokio::test]
async fn the_majority_of_the_samples_is_served() {
    for stream in [false, true] {
        let small = replying(|body, _| match body["temperature"].as_f64() {
            Some(0.7) => "The answer is 1,000.".to_owned(),
            _ => "The answer is 7.".to_owned(),
        })
        .await;
        let large = saying("from large").await;
        let router = over(&small, &large, ALWAYS).await;
        let response = router.ask("easy", json!({"stream": stream, "seed": 1, "temperature": 0})).await;
        let record = router.record(&response).await;
        assert!(response.text().await.unwrap().contains("The answer is 1,000."));
        let attempts: Vec<_> = record.attempts.iter().map(|a| (a.purpose, a.status)).collect();
        assert_eq!(
            attempts,
            [
                (Purpose::Answer, AttemptStatus::Rejected),
                (Purpose::Sample, AttemptStatus::Accepted),
                (Purpose::Sample, AttemptStatus::Rejected)
            ]
        );
        assert_eq!(record.attempts[1].signals.agreement, Some(2.0 / 3.0));
        assert_eq!(received(&small).await.iter().filter(|body| body.contains("seed")).count(), 1);
    }
}

#[tokio::test]
async fn samples_that_disagree_escalate() {
    let small = replying(|_, call| format!("The answer is {call}.")).await;
    let large = saying("from large").await;
    let router = over(&small, &large, ALWAYS).await;
    let response = router.ask("easy", json!({})).await;
    let record = router.record(&response).await;
    assert_eq!((record.tier.as_deref(), record.attempts.len()), (Some("large"), 4));
    assert_eq!(record.attempts[0].reason, Some(EscalationReason::Disagreement));
    assert_eq!(record.attempts[0].signals.agreement, Some(1.0 / 3.0));
}

#[tokio::test]
async fn drawing_stops_when_the_votes_are_decided_and_the_rest_is_given_up() {
    for stream in [false, true] {
        let (small, large) = (saying_in_turn(&["The answer is 7.", "7"]).await, saying("from large").await);
        let router = over(&small, &large, ALWAYS).await;
        let start = Instant::now();
        let response = router.ask("easy", json!({"stream": stream})).await;
        assert_eq!(header(&response, "x-rungs-tier"), "small");
        let record = router.ended(response).await;
        assert!(start.elapsed() < Duration::from_secs(20), "nobody waits for the third");
        let statuses: Vec<_> = record.attempts.iter().map(|attempt| attempt.status).collect();
        assert_eq!(statuses[..1], [AttemptStatus::Accepted]);
        assert_eq!(statuses.iter().filter(|status| **status == AttemptStatus::Cancelled).count(), 1);
        assert_eq!(record.attempts[0].signals.agreement, Some(1.0));
        // Of the call that was given up the prompt is known, and paid for: whole answers tell of 40 cached tokens.
        let prompt = if stream { 1e-4 } else { 8e-5 };
        assert!((record.cost_usd.unwrap() - (3.0 * prompt + 2.0 * 2e-5)).abs() < 1e-12, "{:?}", record.cost_usd);
    }
}

#[tokio::test]
async fn answers_in_other_words_are_one_answer_where_their_meaning_is() {
    let small = saying_in_turn(&[
        "The parcel will be delivered to your home on Monday morning.",
        "Your parcel will be delivered to your home on Monday morning.",
        "The parcel will be delivered to your home on Friday evening.",
    ])
    .await;
    let router = over(&small, &saying("from large").await, ALWAYS).await;
    let record = router.ended(router.ask("easy", json!({})).await).await;
    let agreement = record.attempts.iter().find_map(|attempt| attempt.signals.agreement);
    assert!(agreement == Some(1.0) || agreement == Some(2.0 / 3.0), "{agreement:?}");
    assert_eq!(record.tier.as_deref(), Some("small"));
}

#[tokio::test]
async fn no_sample_is_drawn_that_could_not_pay_or_tell() {
    let long = || "It depends on many things that differ from case to case. ".repeat(12);
    for (more, request, answer) in [
        ("", json!({}), "7".to_owned()),
        ("[cascade]\nmin_price_ratio = 0\nsamples = 1", json!({}), "7".to_owned()),
        ("[cascade]\nmin_price_ratio = 0\nmax_calls = 2", json!({}), "7".to_owned()),
        (ALWAYS, json!({"n": 2}), "7".to_owned()),
        (ALWAYS, json!({}), long()),
        (ALWAYS, json!({}), "I'm not sure, perhaps 7.".to_owned()),
    ] {
        let said = answer.clone();
        let (small, large) = (replying(move |_, _| said.clone()).await, saying("from large").await);
        let router = over(&small, &large, more).await;
        text(router.ask("easy", request).await).await;
        assert_eq!(received(&small).await.len(), 1, "{more} {answer}");
    }
}

#[tokio::test]
async fn a_sample_that_fails_has_no_vote() {
    let small = MockServer::start().await;
    let respond = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if body["temperature"] == 0 { whole(&completion("7")) } else { ResponseTemplate::new(500) }
    };
    Mock::given(method("POST")).respond_with(respond).mount(&small).await;
    let router = over(&small, &saying("from large").await, ALWAYS).await;
    let response = router.ask("easy", json!({"temperature": 0})).await;
    let record = router.record(&response).await;
    assert_eq!(text(response).await, "7");
    let statuses: Vec<_> = record.attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [AttemptStatus::Accepted, AttemptStatus::Failed, AttemptStatus::Failed]);
    assert_eq!(record.attempts[0].signals.agreement, None);
}

//! Checks that the user brings: their verdict outranks what is predicted, and a flaky one does no harm.

#![cfg(unix)]

use std::time::{Duration, Instant};

use rungs::decisions::{AttemptStatus, CheckVerdict, EscalationReason};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::model::{answering, completion, completion_with_logprob, events, received, saying, sse, whole};
use crate::support::router::{Router, header, question, text, two_tiers};

async fn over(small: &MockServer, large: &MockServer, more: &str) -> Router {
    Router::with(&two_tiers(more, &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()))).await
}

/// A check of every route.
fn check(body: &str) -> String {
    format!("[[routes.default.checks]]\nname = \"c\"\n{body}\n")
}

fn shell(script: &str) -> String {
    check(&format!("command = [\"sh\", \"-c\", '''{script}''']"))
}

/// Which tier answers, why the first one did not, and what the check said.
async fn become_of(answer: &Value, checks: &str) -> (String, Option<EscalationReason>, CheckVerdict) {
    let (small, large) = (answering(whole(answer)).await, saying("from large").await);
    let router = over(&small, &large, checks).await;
    let response = router.ask("easy", json!({})).await;
    let attempt = router.record(&response).await.attempts.swap_remove(0);
    (header(&response, "x-rungs-tier"), attempt.reason, attempt.checks[0].verdict)
}

#[tokio::test]
async fn a_verdict_outranks_what_is_predicted() {
    let (sure, unsure) = (completion_with_logprob("42", -0.01), completion_with_logprob("42", -3.0));
    let (up, down) = (|reason| ("large".to_owned(), Some(reason)), ("small".to_owned(), None));
    for (answer, script, expected, verdict) in [
        (&sure, "exit 1", up(EscalationReason::Check), CheckVerdict::Fail),
        (&unsure, "exit 0", down.clone(), CheckVerdict::Pass),
        (&completion("I'm not sure, perhaps 42."), "exit 0", down.clone(), CheckVerdict::Pass),
        (&unsure, "exit 2", up(EscalationReason::LowLogprob), CheckVerdict::Abstain),
        (&sure, "exit 2", down.clone(), CheckVerdict::Abstain),
        (&sure, "exit 9", down.clone(), CheckVerdict::Abstain),
    ] {
        let (tier, reason, said) = become_of(answer, &shell(script)).await;
        assert_eq!(((tier, reason), said), (expected, verdict), "{script}");
    }
    let only_faults = shell("exit 0") + "vouches = false\n";
    assert_eq!(become_of(&unsure, &only_faults).await.1, Some(EscalationReason::LowLogprob));
}

#[tokio::test]
async fn every_kind_of_check_speaks() {
    let object = completion(r#"{"n": 7}"#);
    for (checks, verdict) in [
        (check("must_match = '\"n\": \\d'"), CheckVerdict::Pass),
        (check("must_match = 'm'"), CheckVerdict::Fail),
        (check("must_not_match = 'm'"), CheckVerdict::Pass),
        (check("must_not_match = 'n'"), CheckVerdict::Fail),
        (check("schema = '{\"required\": [\"n\"]}'"), CheckVerdict::Pass),
        (check("schema = '{\"required\": [\"m\"]}'"), CheckVerdict::Fail),
        (shell("grep -q easy.*n.*7.*small"), CheckVerdict::Pass),
        (shell("echo 0.4") + "min_score = 0.5", CheckVerdict::Fail),
        (shell("echo 0.6") + "min_score = 0.5", CheckVerdict::Pass),
        (shell("true") + "min_score = 0.5", CheckVerdict::Abstain),
    ] {
        assert_eq!(become_of(&object, &checks).await.2, verdict, "{checks}");
    }
}

#[tokio::test]
async fn what_a_check_cannot_make_good_is_not_asked_of_it() {
    let (small, large) = (answering(whole(&completion(" "))).await, saying("from large").await);
    let router = over(&small, &large, &shell("exit 0")).await;
    let response = router.ask("easy", json!({})).await;
    let record = router.record(&response).await;
    assert_eq!(record.attempts[0].reason, Some(EscalationReason::Empty));
    assert!(record.attempts.iter().all(|attempt| attempt.checks.is_empty()));
}

#[tokio::test]
async fn a_route_has_its_own_checks_and_all_others_the_default_ones() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let checks = shell("exit 1") + "[[routes.lenient.checks]]\nname = \"l\"\nmust_match = 'small'";
    let router = over(&small, &large, &checks).await;
    for (route, expected) in [(Some("lenient"), "from small"), (Some("unknown"), "from large"), (None, "from large")] {
        let metadata = route.map_or(json!({}), |route| json!({"metadata": {"x-rungs-route": route}}));
        assert_eq!(text(router.ask("easy", metadata).await).await, expected, "{route:?}");
    }
}

#[tokio::test]
async fn an_endpoint_is_given_request_and_answer() {
    let judge = MockServer::start().await;
    let verdict = ResponseTemplate::new(200).set_body_json(json!({"verdict": "fail", "score": 0.1}));
    Mock::given(method("POST")).respond_with(verdict).mount(&judge).await;
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = over(&small, &large, &check(&format!("url = \"{}\"", judge.uri()))).await;
    let response = router.ask("easy", json!({"seed": 12, "metadata": {"x-rungs-route": "r"}})).await;
    let attempt = router.record(&response).await.attempts.swap_remove(0);
    assert_eq!((attempt.status, attempt.reason), (AttemptStatus::Rejected, Some(EscalationReason::Check)));
    assert_eq!((attempt.checks[0].name.as_str(), attempt.checks[0].score), ("c", Some(0.1)));
    let given: Value = serde_json::from_str(&received(&judge).await[0]).unwrap();
    assert_eq!((&given["tier"], &given["route"]), (&json!("small"), &json!("r")));
    assert_eq!((&given["answer"]["text"], &given["request"]["seed"]), (&json!("from small"), &json!(12)));
    assert_eq!(given["request"]["messages"], question("easy", json!({}))["messages"]);
}

#[tokio::test]
async fn nothing_of_a_stream_that_a_check_refuses_is_seen() {
    let (small, large) = (answering(sse(&events(&["SECRET"]))).await, saying("from large").await);
    let router = over(&small, &large, &check("must_not_match = 'SECRET'")).await;
    let body = router.ask("easy", json!({"stream": true})).await.text().await.unwrap();
    assert!(body.contains("from large") && !body.contains("SECRET"), "{body}");
}

#[tokio::test]
async fn a_check_that_hangs_costs_its_time_limit_and_no_answer() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = over(&small, &large, &(shell("sleep 60 & wait") + "timeout_s = 0.3")).await;
    let start = Instant::now();
    let response = router.ask("easy", json!({})).await;
    let check = router.record(&response).await.attempts.swap_remove(0).checks.swap_remove(0);
    assert!(start.elapsed() < Duration::from_secs(5) && check.took_ms >= 300.0);
    assert_eq!((check.verdict, check.error.as_deref()), (CheckVerdict::Abstain, Some("took longer than 0.3 s")));
    assert_eq!(text(response).await, "from small");
}

#[tokio::test]
async fn the_requests_own_time_ends_a_check_too() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let more = format!("[server]\nrequest_timeout_s = 0.5\n{}timeout_s = 60", shell("sleep 60"));
    let router = over(&small, &large, &more).await;
    let response = router.ask("easy", json!({})).await;
    assert_eq!(crate::support::router::error(response).await, (504, "request_timeout".to_owned()));
}

#[tokio::test]
async fn a_flaky_check_is_switched_off_and_says_so() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let more = "[checks]\ncool_down_s = 60\n".to_owned() + &check("command = [\"/nowhere/check\"]");
    let router = over(&small, &large, &more).await;
    for _ in 0..10 {
        let record = router.record(&router.ask("easy", json!({})).await).await;
        let error = record.attempts[0].checks[0].error.clone().unwrap();
        assert!(error.starts_with("cannot be started"), "{error}");
    }
    let stats: Value = router.get("/v1/stats").await.json().await.unwrap();
    assert_eq!(stats["checks"], json!([{"route": "default", "name": "c", "on": false, "error_share": 1.0}]));
    let record = router.record(&router.ask("easy", json!({})).await).await;
    assert!(record.attempts[0].checks[0].error.as_deref().unwrap().starts_with("is switched off"));
}

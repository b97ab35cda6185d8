//! Streamed answers that are checked: what is decided of them before their ends, and what the client sees meanwhile.

mod anything;

use std::time::Duration;

use rungs::decisions::{AttemptStatus, DecisionRecord, Early, EarlyVerdict, EscalationReason, Outcome, Trigger};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::model::{answering, saying};
use crate::support::planted::{Planted, after, ending, now, silence, token, tokens};
use crate::support::router::{Router, header, patient, two_tiers};

/// Log-probabilities that leave no doubt, and ones that are below the limit of −0.7 by far.
const SURE: Option<f64> = Some(-0.05);
const LOST: Option<f64> = Some(-3.0);

async fn over(small: &Planted, large: &str, more: &str) -> Router {
    Router::with(&patient(&two_tiers(more, &small.url, large))).await
}

/// A router whose `large` says "from large".
async fn with_large(small: &Planted, more: &str) -> Router {
    let large = saying("from large").await;
    // The mock server lives as long as the test.
    let url = format!("{}/v1", Box::leak(Box::new(large)).uri());
    over(small, &url, more).await
}

async fn ask(router: &Router) -> reqwest::Response {
    router.ask("easy", json!({"stream": true})).await
}

/// Reads a stream until it holds a text; gives all that came.
async fn read_until(response: &mut reqwest::Response, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let next = tokio::time::timeout(Duration::from_secs(10), response.chunk()).await;
        let bytes = next.unwrap_or_else(|_| panic!("nothing more after {read}")).unwrap();
        read += std::str::from_utf8(&bytes.unwrap_or_else(|| panic!("it ended with {read}"))).unwrap();
    }
    read
}

/// A request that is answered to its end: what the client read, and the record.
async fn ended(router: &Router) -> (String, DecisionRecord) {
    let response = ask(router).await;
    let id = header(&response, "x-rungs-decision-id");
    let read = response.text().await.unwrap();
    (read, router.store.get(&id).await.unwrap().unwrap())
}

fn early(record: &DecisionRecord) -> Early {
    record.attempts[0].early.unwrap_or_else(|| panic!("nothing was decided early: {record:?}"))
}

#[tokio::test]
async fn a_sure_answer_is_passed_on_before_it_has_ended() {
    let small = Planted::start(vec![now(tokens(15, SURE)), silence()]).await;
    let router = with_large(&small, "").await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), ask(&router)).await;
    assert!(waiting.is_err(), "fifteen tokens are too few");
    assert!(small.was_left().await, "a client that goes ends the call that is held back");

    let small = Planted::start(vec![now(tokens(16, SURE)), after(1_000, tokens(1, SURE) + &ending("stop", 17))]).await;
    let router = with_large(&small, "").await;
    let mut response = ask(&router).await;
    assert_eq!(header(&response, "x-rungs-tier"), "small");
    let read = read_until(&mut response, "word15").await;
    assert!(!read.contains("[DONE]") && !read.contains("logprobs"), "{read}");
    let rest = read_until(&mut response, "[DONE]").await;
    assert!(rest.contains("word0"));
    let record = router.newest().await;
    let early = early(&record);
    assert_eq!((early.verdict, early.trigger, early.tokens), (EarlyVerdict::Commit, Trigger::Checkpoint, 16));
    assert!(early.signals.mean_logprob.is_some_and(|mean| (mean + 0.05).abs() < 1e-9) && early.regret.is_none());
    let (ttft, without) = (record.ttft_ms.unwrap(), record.ttft_uncascaded_ms.unwrap());
    assert!(without <= ttft && ttft + 200.0 < record.latency_ms, "{without} {ttft} {}", record.latency_ms);
    assert_eq!((record.outcome, record.attempts[0].status), (Outcome::Served, AttemptStatus::Accepted));
}

#[tokio::test]
async fn a_lost_answer_is_given_up_for_the_next_tier_and_paid_for() {
    let small = Planted::start(vec![now(tokens(40, LOST)), silence()]).await;
    let router = with_large(&small, "").await;
    let (read, record) = ended(&router).await;
    assert!(read.contains("from large") && !read.contains("word"), "{read}");
    assert!(small.was_left().await);
    let [given_up, served] = &record.attempts[..] else { panic!("{record:?}") };
    assert_eq!((given_up.status, given_up.reason), (AttemptStatus::Rejected, Some(EscalationReason::LowLogprob)));
    assert_eq!((early(&record).verdict, early(&record).trigger), (EarlyVerdict::Escalate, Trigger::Checkpoint));
    // The upstream told no usage: the prompt is estimated, the answer is what came of it. Both are priced.
    let usage = given_up.usage.unwrap();
    assert!(given_up.usage_estimated && usage.output_tokens == 16);
    let cost = usage.input_tokens as f64 * 1e-6 + usage.output_tokens as f64 * 2e-6;
    assert!((given_up.cost_usd.unwrap() - cost).abs() < 1e-12 && usage.input_tokens > 0);
    assert!((record.cost_usd.unwrap() - cost - served.cost_usd.unwrap()).abs() < 1e-12);
    assert_eq!((record.escalations, record.tier.as_deref()), (1, Some("large")));
    assert!(record.ttft_uncascaded_ms.unwrap() < record.ttft_ms.unwrap());
}

#[tokio::test]
async fn a_refusal_is_seen_at_its_beginning() {
    let refusal = "I'm sorry, but I can't help with that.";
    let small = Planted::start(vec![now(token(refusal, SURE) + &tokens(15, SURE)), silence()]).await;
    let (read, record) = ended(&with_large(&small, "").await).await;
    assert!(read.contains("from large") && !read.contains("sorry"));
    assert_eq!(record.attempts[0].reason, Some(EscalationReason::Refusal));
}

#[tokio::test]
async fn a_doubtful_answer_is_held_back_to_its_end() {
    // Between the limit and what would be clear of it: the whole answer decides.
    for (logprob, tier) in [(-0.65, "small"), (-0.75, "large")] {
        let small = Planted::start(vec![now(tokens(130, Some(logprob)) + &ending("stop", 130))]).await;
        let (_, record) = ended(&with_large(&small, "").await).await;
        assert_eq!((record.tier.as_deref(), record.attempts[0].early), (Some(tier), None));
    }
}

#[tokio::test]
async fn what_the_whole_must_show_is_not_committed() {
    let schema = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    let check = "[[routes.default.checks]]\nname = \"c\"\nmust_match = \"word\"";
    let budget = "[cascade.stream]\nttft_budget_s = 0.0";
    for (asked, more) in [
        (json!({"response_format": {"type": "json_object"}}), String::new()),
        (json!({"response_format": schema}), budget.to_owned()),
        (json!({"tools": tool}), budget.to_owned()),
        (json!({"n": 2}), budget.to_owned()),
        (json!({}), format!("{budget}\n{check}")),
        (json!({}), "[cascade]\nmin_price_ratio = 0".to_owned()),
        (json!({}), "[cascade.stream]\nearly_commit = false".to_owned()),
        (json!({}), "[cascade.stream]\ncheckpoints = []".to_owned()),
    ] {
        let small = Planted::start(vec![now(tokens(130, SURE)), silence()]).await;
        let router = with_large(&small, &more).await;
        let mut body = asked.clone();
        body["stream"] = true.into();
        let waiting = tokio::time::timeout(Duration::from_millis(200), router.ask("easy", body)).await;
        assert!(waiting.is_err(), "{asked} {more}");
    }
    let small = Planted::start(vec![now(tokens(130, SURE)), silence()]).await;
    let router = with_large(&small, "").await;
    let body = json!({"stream": true, "tools": tool, "tool_choice": "none"});
    let answer = tokio::time::timeout(Duration::from_secs(10), router.ask("easy", body)).await;
    assert!(answer.is_ok(), "without a call the text is the answer");
}

#[tokio::test]
async fn a_check_that_could_vouch_has_the_last_word() {
    let check =
        |vouches: bool| format!("[[routes.default.checks]]\nname = \"c\"\nmust_match = \"word\"\nvouches = {vouches}");
    let answer = vec![now(tokens(130, LOST) + &ending("stop", 130))];
    let small = Planted::start(answer.clone()).await;
    let (read, record) = ended(&with_large(&small, &check(true)).await).await;
    assert!(read.contains("word129") && record.attempts[0].early.is_none());
    let small = Planted::start(answer).await;
    let (_, record) = ended(&with_large(&small, &check(false)).await).await;
    assert_eq!(early(&record).verdict, EarlyVerdict::Escalate);
}

#[tokio::test]
async fn the_budget_ends_the_waiting_where_nothing_else_decides() {
    let budget = "[cascade.stream]\nttft_budget_s = 0.2";
    for (logprob, verdict) in
        [(None, EarlyVerdict::Commit), (Some(-0.6), EarlyVerdict::Commit), (Some(-0.8), EarlyVerdict::Escalate)]
    {
        let rest = tokens(1, logprob) + &ending("stop", 6);
        let small = Planted::start(vec![now(tokens(5, logprob)), after(2_000, rest)]).await;
        let (read, record) = ended(&with_large(&small, budget).await).await;
        assert_eq!((early(&record).verdict, early(&record).trigger), (verdict, Trigger::Budget));
        assert_eq!(read.contains("word4"), verdict == EarlyVerdict::Commit, "{read}");
        assert!((200.0..1_900.0).contains(&record.ttft_ms.unwrap()), "{:?}", record.ttft_ms);
    }
    // A route's own budget outranks the common one.
    let route = "[cascade.stream]\nttft_budget_s = 60.0\n[routes.chat]\nttft_budget_s = 0.1";
    let small = Planted::start(vec![now(tokens(5, None)), silence()]).await;
    let router = with_large(&small, route).await;
    let named = json!({"stream": true, "metadata": {"x-rungs-route": "chat"}});
    assert!(tokio::time::timeout(Duration::from_secs(10), router.ask("easy", named)).await.is_ok());
    assert!(tokio::time::timeout(Duration::from_millis(300), ask(&router)).await.is_err());
}

#[tokio::test]
async fn a_budget_that_is_used_up_waits_for_the_first_token() {
    let answer = vec![after(200, tokens(1, None)), after(200, ending("stop", 1))];
    let small = Planted::start(answer).await;
    let (read, record) = ended(&with_large(&small, "[cascade.stream]\nttft_budget_s = 0.0").await).await;
    assert!(read.contains("word0") && early(&record).trigger == Trigger::Budget);
    // What fails before it is a failure that the next tier makes good.
    let small = Planted::start(vec![after(50, "data: {\"error\":{\"message\":\"x\"}}\n\n")]).await;
    let (read, _) = ended(&with_large(&small, "[cascade.stream]\nttft_budget_s = 0.0").await).await;
    assert!(read.contains("from large"), "{read}");
}

#[tokio::test]
async fn comments_keep_a_silent_stream_alive_and_tell_who_answers() {
    let alive = "[cascade.stream]\nkeep_alive_s = 0.05";
    let small = Planted::start(vec![after(300, tokens(20, SURE)), after(300, ending("stop", 20))]).await;
    let router = with_large(&small, alive).await;
    let response = ask(&router).await;
    let header = |name: &str| response.headers().contains_key(name);
    assert!(header("x-rungs-decision-id") && header("x-rungs-model-version") && !header("x-rungs-tier"));
    let read = response.text().await.unwrap();
    let (before, later) = read.split_once("word0").unwrap();
    assert!(
        before.matches(": keep-alive\n\n").count() >= 2 && later.matches(": keep-alive\n\n").count() >= 2,
        "{read}"
    );
    assert!(before.contains(": x-rungs-tier: small\n: x-rungs-model: planted\n: x-rungs-escalations: 0\n\n"), "{read}");
    assert!(read.ends_with("data: [DONE]\n\n"));

    // Nobody answers: the status has left, the error is an event, and no end is told.
    let small = Planted::start(vec![after(300, "")]).await;
    let broken = answering(ResponseTemplate::new(500)).await;
    let router = over(&small, &format!("{}/v1", broken.uri()), alive).await;
    let response = ask(&router).await;
    assert_eq!(response.status(), 200);
    let read = response.text().await.unwrap();
    assert!(
        read.starts_with(": keep-alive\n\n") && read.contains("data: {\"error\":") && !read.contains("[DONE]"),
        "{read}"
    );
}

#[tokio::test]
async fn a_client_that_goes_ends_a_committed_call() {
    let small = Planted::start(vec![now(tokens(20, SURE)), silence()]).await;
    let router = with_large(&small, "").await;
    let mut response = ask(&router).await;
    read_until(&mut response, "word15").await;
    drop(response);
    assert!(small.was_left().await);
    let record = router.newest().await;
    assert_eq!((record.outcome, early(&record).regret), (Outcome::Cancelled, None));
}

#[tokio::test]
async fn a_committed_answer_that_ends_badly_is_counted_as_late_regret() {
    // The last tokens are lost, so that the whole would not have passed; then one that is cut short.
    for (rest, regret) in [
        (tokens(100, Some(-20.0)) + &ending("stop", 116), Some(EscalationReason::LowLogprob)),
        (ending("length", 16), Some(EscalationReason::Truncated)),
        (ending("stop", 16), None),
    ] {
        let small = Planted::start(vec![now(tokens(16, SURE)), after(50, rest)]).await;
        let router = with_large(&small, "").await;
        let (read, record) = ended(&router).await;
        assert!(read.ends_with("data: [DONE]\n\n") && !read.contains("from large"));
        assert_eq!((early(&record).regret, record.attempts[0].reason), (regret, None));
        let stats: Value = router.get("/v1/stats").await.json().await.unwrap();
        let counted = json!({"escalated": 0, "committed": 1, "late_regret": u64::from(regret.is_some()),
            "committed_by_budget": 0, "late_regret_by_budget": 0});
        assert_eq!(stats["routes"][0]["early"], counted);
    }
}

#[tokio::test]
async fn an_answer_is_not_given_up_where_the_climb_would_not_be_made() {
    let small = Planted::start(vec![now(tokens(20, LOST) + &ending("stop", 20))]).await;
    let (read, record) = ended(&with_large(&small, "[cascade]\nmax_calls = 1").await).await;
    assert!(read.contains("word19") && record.attempts[0].early.is_none() && record.cap.is_some());
    assert_eq!(small.calls(), 1);
}

#[tokio::test]
async fn the_last_rung_streams_as_it_comes() {
    let large = Planted::start(vec![now(tokens(1, None)), silence()]).await;
    let router = over(&large, &large.url, "").await;
    let mut response = router.ask("hard", json!({"stream": true})).await;
    read_until(&mut response, "word0").await;
    assert_eq!(header(&response, "x-rungs-tier"), "large");
}

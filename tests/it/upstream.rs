//! Upstreams that misbehave: the next rung answers, or the client gets a clear error, in bounded time, on the record.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use rungs::decisions::{AttemptStatus, EscalationReason, Outcome};
use serde_json::json;

use crate::support::hostile::{self, Act, head, send};
use crate::support::model::{events, saying};
use crate::support::router::{Router, error, header, patient, two_tiers};

/// One way to misbehave, and the statuses that the client may see when there is no other tier.
struct Case {
    name: &'static str,
    url: String,
    statuses: &'static [u16],
}

/// Far more than the limits of the tiers add up to, for a machine under load.
const BOUND: Duration = Duration::from_secs(20);

const KEY: &str = "sk-secret-of-the-upstream";

fn json_body(body: &str) -> Act {
    let length = body.len();
    send(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"))
}

fn refusal(status: &str, body: &str) -> Act {
    let length = body.len();
    send(format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"))
}

async fn cases() -> Vec<Case> {
    let half = events(&["half", " an", " answer"]);
    let half = half.split_inclusive("\n\n").take(2).collect::<String>();
    let scripts: Vec<(&'static str, Vec<Act>, &'static [u16])> = vec![
        ("hangs before the head", vec![Act::Hang], &[504]),
        ("hangs after the head", vec![head("application/json"), Act::Hang], &[504]),
        ("hangs in a stream", vec![head("text/event-stream"), Act::Hang], &[504]),
        ("closes at once", vec![], &[502]),
        ("closes after the head", vec![head("application/json")], &[502]),
        ("speaks no HTTP", vec![send("hello\r\n\r\n")], &[502]),
        ("broken JSON", vec![json_body("{\"choices\":[{")], &[502]),
        ("no choices", vec![json_body("{\"choices\":[]}")], &[502]),
        ("success with an error", vec![json_body("{\"error\":{\"message\":\"quota\"}}")], &[502]),
        (
            "an error event",
            vec![head("text/event-stream"), send("data: {\"error\":{\"message\":\"quota\"}}\n\n")],
            &[502],
        ),
        ("garbage events", vec![head("text/event-stream"), send("data: {]\n\ndata: [DONE]\n\n")], &[502]),
        ("a stream of nothing", vec![head("text/event-stream"), send("data: [DONE]\n\n")], &[502]),
        (
            "a stream cut in its role",
            vec![head("text/event-stream"), send(half.split_inclusive("\n\n").next().unwrap())],
            &[502],
        ),
        ("a length that is wrong", vec![send("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"choices\":")], &[502]),
        (
            "a length that is too small",
            vec![send(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"choices\":[{\"index\":0}]}",
            )],
            &[502],
        ),
        ("a slow drip", vec![head("application/json"), Act::Repeat(b" ".to_vec(), Duration::from_millis(50))], &[504]),
        (
            "a drip of comments",
            vec![head("text/event-stream"), Act::Repeat(b": wait\n\n".to_vec(), Duration::from_millis(50))],
            &[504],
        ),
        (
            "a wrong key",
            vec![refusal("401 Unauthorized", &format!("{{\"error\":{{\"message\":\"bad key {KEY}\"}}}}"))],
            &[502],
        ),
        (
            "its own failure",
            vec![refusal("500 Internal Server Error", &format!("{{\"error\":{{\"message\":\"for {KEY}\"}}}}"))],
            &[502],
        ),
        ("too many requests", vec![refusal("429 Too Many Requests", "")], &[429]),
        (
            "a redirect",
            vec![send("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")],
            &[502],
        ),
    ];
    let mut cases = vec![Case { name: "refuses connections", url: hostile::refusing().await, statuses: &[502] }];
    for (name, script, statuses) in scripts {
        cases.push(Case { name, url: hostile::start(script).await, statuses });
    }
    cases
}

fn with_key(toml: &str, folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    toml.replace("logprobs = true", &format!("api_key_file = {:?}", file.display().to_string()))
}

/// Each case, plain and streamed, several at once: most of them are spent waiting.
async fn in_each_case(check: impl AsyncFn(&Case, bool, &str)) {
    let cases = cases().await;
    let all = cases.iter().flat_map(|case| [(case, false), (case, true)]);
    let all = stream::iter(all).for_each_concurrent(6, async |(case, stream)| {
        check(case, stream, &format!("{} (stream: {stream})", case.name)).await;
    });
    all.await;
}

#[tokio::test]
async fn whatever_a_tier_does_the_next_rung_answers() {
    the_next_rung_answers("openai").await;
}

#[tokio::test]
async fn whatever_a_tier_of_the_other_dialect_does_the_next_rung_answers() {
    the_next_rung_answers("anthropic").await;
}

async fn the_next_rung_answers(kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let large = saying("from large").await;
    in_each_case(async |case, stream, name| {
        let toml = with_key(&two_tiers("", &case.url, &format!("{}/v1", large.uri())), &folder);
        let toml = toml.replacen("model = \"small-1\"", &format!("model = \"small-1\"\nkind = \"{kind}\""), 1);
        let router = Router::with(&toml).await;
        let start = Instant::now();
        let response = router.ask("easy", json!({ "stream": stream })).await;
        let answered = (response.status().as_u16(), header(&response, "x-rungs-tier"));
        assert_eq!(answered, (200, "large".to_owned()), "{name}");
        assert!(response.text().await.unwrap().contains("from large"), "{name}");
        assert!(start.elapsed() < BOUND, "{name} took {:?}", start.elapsed());
        let record = router.newest().await;
        let first = &record.attempts[0];
        let became = (first.status, first.reason);
        assert_eq!(became, (AttemptStatus::Failed, Some(EscalationReason::UpstreamFailure)), "{name}");
        assert_eq!((record.outcome, record.escalations), (Outcome::Served, 1), "{name}");
        let told = first.error.clone().unwrap();
        assert!(!told.is_empty() && !told.contains(KEY), "{name}: {told}");
    })
    .await;
}

#[tokio::test]
async fn alone_it_gives_a_clear_error_on_the_record() {
    let folder = tempfile::tempdir().unwrap();
    in_each_case(async |case, stream, name| {
        let toml = with_key(&two_tiers("", &case.url, "http://127.0.0.1:1"), &folder);
        let router = Router::with(&toml).await;
        let start = Instant::now();
        let response = router.ask("easy", json!({"model": "small", "stream": stream})).await;
        let record = router.record(&response).await;
        assert_eq!((record.outcome, record.tier.is_none()), (Outcome::Failed, true), "{name}");
        let (status, code) = error(response).await;
        assert!(case.statuses.contains(&status), "{name}: {status}");
        assert!(!code.is_empty() && !record.error.unwrap().contains(KEY), "{name}");
        assert!(start.elapsed() < BOUND, "{name} took {:?}", start.elapsed());
    })
    .await;
}

#[tokio::test]
async fn a_gigantic_answer_is_given_up_before_it_fills_the_memory() {
    let endless = Act::Repeat(vec![b'x'; 1 << 20], Duration::ZERO);
    let large = saying("from large").await;
    for (stream, kind) in [(false, "application/json"), (true, "text/event-stream")] {
        let small = hostile::start(vec![head(kind), endless.clone()]).await;
        let router = Router::with(&patient(&two_tiers("", &small, &format!("{}/v1", large.uri())))).await;
        let start = Instant::now();
        let response = router.ask("easy", json!({"model": "small", "stream": stream})).await;
        let record = router.record(&response).await;
        assert_eq!(error(response).await, (502, "upstream_error".to_owned()));
        assert!(record.error.unwrap().contains("sent more than"), "stream: {stream}");
        let elsewhere = router.ask("easy", json!({"stream": stream})).await;
        assert_eq!(header(&elsewhere, "x-rungs-tier"), "large", "stream: {stream}");
        assert_eq!(router.ended(elsewhere).await.attempts[0].status, AttemptStatus::Failed);
        assert!(start.elapsed() < BOUND, "stream: {stream}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_stream_that_only_drips_after_its_first_byte_ends_with_the_calls_time() {
    let half: String = events(&["half", " an", " answer"]).split_inclusive("\n\n").take(3).collect();
    let drip = Act::Repeat(b": wait\n\n".to_vec(), Duration::from_millis(50));
    let small = hostile::start(vec![head("text/event-stream"), send(half), drip]).await;
    let router = Router::over(&small, "http://127.0.0.1:1").await;
    let start = Instant::now();
    let response = router.ask("easy", json!({"model": "small", "stream": true})).await;
    let record = {
        let body = response.text().await.unwrap();
        assert!(body.contains("half") && body.contains("data: {\"error\":{") && !body.contains("[DONE]"), "{body}");
        router.newest().await
    };
    assert_eq!((record.outcome, record.attempts[0].status), (Outcome::Failed, AttemptStatus::Failed));
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_first_byte_says_so_and_never_looks_complete() {
    let all = events(&["half", " an", " answer"]);
    let half: String = all.split_inclusive("\n\n").take(3).collect();
    let error_event = "data: {\"error\":{\"message\":\"quota\"}}\n\n";
    for (name, end) in [
        ("cut", vec![]),
        ("hangs", vec![Act::Hang]),
        ("an error", vec![send(error_event)]),
        ("garbage", vec![send("data: {]\n\n")]),
    ] {
        let script = [vec![head("text/event-stream"), send(half.as_str())], end].concat();
        let large = hostile::start(script).await;
        let router = Router::over("http://127.0.0.1:1", &large).await;
        let response = router.ask("hard", json!({"stream": true})).await;
        assert_eq!(response.status(), 200);
        let body = response.text().await.unwrap();
        assert!(body.contains("half") && body.contains("data: {\"error\":{"), "{name}: {body}");
        assert!(!body.contains("[DONE]"), "{name}: {body}");
        let record = router.newest().await;
        assert_eq!((record.outcome, record.attempts[0].status), (Outcome::Failed, AttemptStatus::Failed), "{name}");
        assert_eq!(record.cost_usd, None, "{name}: what the part cost is not known");
    }
}

#[tokio::test]
async fn a_stream_without_done_is_complete_if_the_model_had_finished() {
    let all = events(&["whole"]).replace("data: [DONE]\n\n", "");
    let large = hostile::start(vec![head("text/event-stream"), send(all)]).await;
    let router = Router::over("http://127.0.0.1:1", &large).await;
    let body = router.ask("hard", json!({"stream": true})).await.text().await.unwrap();
    assert!(body.contains("whole") && body.ends_with("data: [DONE]\n\n"), "{body}");
}

#[tokio::test]
async fn a_live_stream_arrives_piece_by_piece() {
    let all = events(&["one", "two"]);
    let pieces: Vec<&str> = all.split_inclusive("\n\n").collect();
    let script = vec![head("text/event-stream"), send(pieces[..2].concat()), Act::Hang];
    let large = hostile::start(script).await;
    let router = Router::over("http://127.0.0.1:1", &large).await;
    let start = Instant::now();
    let mut response = router.ask("hard", json!({"stream": true})).await;
    let mut seen = String::new();
    while !seen.contains("one") {
        seen.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(start.elapsed() < Duration::from_millis(900), "the piece waited for the end: {:?}", start.elapsed());
}

//! Recorded outcomes behind an OpenAI-compatible endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use rungs::chat::{Answer, ChatRequest, Usage};
use rungs::labelled::{LabelledQuery, OnBad, Reader};
use rungs::upstream::replay::{Tape, router};
use rungs::upstream::{Chunk, Fold, OpenAi, Upstream, UpstreamError};
use serde_json::{Value, json};

use crate::support::{client, serve};

const SMALL: &str = "stand-in-small";

fn sample() -> Vec<LabelledQuery> {
    Reader::open(&["datasets/sample/queries.jsonl"], OnBad::Stop).unwrap().collect::<Result<_, _>>().unwrap()
}

fn tape(queries: impl IntoIterator<Item = LabelledQuery>) -> Arc<Tape> {
    let mut tape = Tape::default();
    queries.into_iter().for_each(|query| tape.add(query));
    Arc::new(tape)
}

fn rows(lines: &str) -> Arc<Tape> {
    tape(rungs::labelled::parse("test", lines).map(Result::unwrap))
}

/// The tier of a replay as the router calls it.
fn tier(address: &str, model: &str) -> Arc<dyn Upstream> {
    let toml = format!("name = \"t\"\nbase_url = \"{address}/v1\"\nmodel = \"{model}\"\nlogprobs = true");
    Arc::new(OpenAi::new(&toml::from_str(&toml).unwrap()).unwrap())
}

async fn streamed(upstream: &dyn Upstream, request: &ChatRequest) -> Answer {
    let chunks: Vec<Chunk> = upstream.stream(request).await.unwrap().try_collect().await.unwrap();
    let mut fold = Fold::default();
    chunks.iter().for_each(|chunk| fold.push(chunk));
    fold.into_answer()
}

async fn post(address: &str, body: &Value) -> (u16, Value) {
    let response = client().post(format!("{address}/v1/chat/completions")).body(body.to_string()).send().await.unwrap();
    assert_eq!(response.headers()["x-rungs-replay"], "true");
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

fn ask(model: &str, prompt: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": prompt}]})
}

#[tokio::test]
async fn every_recorded_answer_comes_back_whole_and_streamed() {
    let queries = sample();
    let address = serve(router(tape(queries.clone()), 0.0)).await;
    for name in [SMALL, "stand-in-large"] {
        let upstream = tier(&address, name);
        for query in queries.iter().step_by(7) {
            let recorded = &query.outcomes[name];
            let request = query.request.clone().with("logprobs", &true.into());
            let answer = upstream.complete(&request).await.unwrap().answer;
            assert_eq!(answer, streamed(&*upstream, &request).await, "{}", query.id);

            let text = recorded.answer.as_deref().unwrap();
            match answer.tool_calls.first() {
                None => assert_eq!(answer.text, text),
                Some(call) => {
                    let parsed: Value = serde_json::from_str(text).unwrap();
                    let expected = &parsed["tool_calls"][0];
                    assert_eq!(call.name, expected["name"]);
                    assert_eq!(call.arguments, expected["arguments"].to_string());
                    assert_eq!(answer.finish_reason.as_deref(), Some("tool_calls"));
                }
            }
            let logprobs: Vec<f64> = answer.logprobs.iter().map(|token| token.logprob).collect();
            assert_eq!(Some(&logprobs), recorded.token_logprobs.as_ref());
            let (input_tokens, output_tokens) = (recorded.input_tokens.unwrap(), recorded.output_tokens.unwrap());
            assert_eq!(answer.usage, Some(Usage::new(input_tokens, output_tokens)));
            assert_eq!(answer.model.as_deref(), Some(name));
        }
    }
}

const WITH_SAMPLES: &str = r#"{"id":"q","prompt":"Two  plus two?","outcomes":{"m":{"score":1,"answer":"four","token_logprobs":[-0.1],
"top_logprobs":[{"four":-0.1,"five":-2.5,"4":-3.0}],"output_tokens":1,"samples":["4","five","four"],"latency_ms":80}}}"#;

fn with_samples() -> Arc<Tape> {
    rows(&WITH_SAMPLES.replace('\n', ""))
}

#[tokio::test]
async fn sampled_calls_draw_the_samples_in_turn_and_a_seed_picks_one() {
    let address = serve(router(with_samples(), 0.0)).await;
    let text = async |extra: Value| {
        let mut body = ask("m", " Two plus\ntwo? ");
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, answer) = post(&address, &body).await;
        assert_eq!((status, &answer["system_fingerprint"]), (200, &json!("rungs-replay")));
        answer["choices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|choice| choice["message"]["content"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(text(json!({})).await, ["four"]);
    assert_eq!(text(json!({"temperature": 0})).await, ["four"]);
    for expected in ["4", "five", "four", "4"] {
        assert_eq!(text(json!({"temperature": 0.7})).await, [expected]);
    }
    for _ in 0..2 {
        assert_eq!(text(json!({"temperature": 0.7, "seed": 1})).await, ["five"]);
    }
    assert_eq!(text(json!({"n": 3})).await, ["four", "4", "five"]);
    assert_eq!(text(json!({"n": 4_000_000_000_u32})).await.len(), 128);
}

#[tokio::test]
async fn logprobs_come_when_asked_for_and_only_where_they_are_recorded() {
    let address = serve(router(with_samples(), 0.0)).await;
    let choice = async |extra: Value| {
        let mut body = ask("m", "Two plus two?");
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        post(&address, &body).await.1["choices"][0].take()
    };
    assert_eq!(choice(json!({})).await["logprobs"], Value::Null);
    let asked = choice(json!({"logprobs": true, "top_logprobs": 2})).await;
    let token = &asked["logprobs"]["content"][0];
    assert_eq!((&token["token"], &token["logprob"]), (&json!("four"), &json!(-0.1)));
    assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
    let other_sample = choice(json!({"logprobs": true, "temperature": 1, "seed": 1})).await;
    assert_eq!((&other_sample["message"]["content"], &other_sample["logprobs"]), (&json!("five"), &Value::Null));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut() {
    let row = r#"{"id":"q","prompt":"p","outcomes":{"m":{"score":1,"answer":"one two three","token_logprobs":[-0.1,-0.2,-0.3],"output_tokens":3}}}"#;
    let address = serve(router(rows(row), 0.0)).await;
    let mut body = ask("m", "p");
    body["max_tokens"] = 2.into();
    let (_, answer) = post(&address, &body).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 2);
    assert!("one two three".starts_with(answer["choices"][0]["message"]["content"].as_str().unwrap()));
}

#[tokio::test]
async fn an_outcome_without_a_text_says_so_and_still_counts_tokens() {
    let row = r#"{"id":"q7","prompt":"a question of some length","outcomes":{"m":{"score":1}}}"#;
    let address = serve(router(rows(row), 0.0)).await;
    let (status, answer) = post(&address, &ask("m", "a question of some length")).await;
    assert_eq!(status, 200);
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("q7"));
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 5);
}

#[tokio::test]
async fn what_is_not_recorded_is_a_404_in_openais_shape() {
    let rows = rows(&format!(
        "{}\n{}",
        WITH_SAMPLES.replace('\n', ""),
        r#"{"id":"r","prompt":"r","outcomes":{"k":{"score":1}}}"#
    ));
    let address = serve(router(rows, 0.0)).await;
    for (body, status, code, words) in [
        (ask("gpt", "Two plus two?"), 404, json!("model_not_found"), "use one of m, k"),
        (ask("m", "Three plus two?"), 404, json!("query_not_recorded"), "not among the recorded"),
        (ask("m", "r"), 404, json!("outcome_not_recorded"), "`r` has no outcome of `m`"),
        (json!({"model": "m"}), 400, Value::Null, "`messages` is required"),
    ] {
        let (got, answer) = post(&address, &body).await;
        let error = &answer["error"];
        assert_eq!((got, &error["code"], &error["type"]), (status, &code, &json!("invalid_request_error")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    let error = tier(&address, "m").complete(&ChatRequest::from_prompt("unknown")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Status { code: 404, body: Some(_), .. }));
}

#[tokio::test]
async fn calls_take_their_recorded_time_when_paced() {
    let address = serve(router(with_samples(), 1.0)).await;
    let upstream = tier(&address, "m");
    let request = ChatRequest::from_prompt("Two plus two?");
    let start = Instant::now();
    upstream.complete(&request).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
    let start = Instant::now();
    streamed(&*upstream, &request).await;
    assert!(start.elapsed() >= Duration::from_millis(79));
}

#[tokio::test]
async fn the_models_are_the_recorded_tiers() {
    let address = serve(router(with_samples(), 0.0)).await;
    let response = client().get(format!("{address}/v1/models")).send().await.unwrap();
    let models: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(models["data"][0]["id"], "m");
}

mod command {
    use std::process::{Command, Output};

    fn replay(args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rungs")).arg("replay").args(args).output().unwrap()
    }

    #[test]
    fn bad_data_and_bad_usage_end_with_exit_code_2() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bad.jsonl");
        std::fs::write(&file, "{\"id\":\"q\",\"prompt\":\"p\"}\n").unwrap();
        let output = replay(&["--data", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("bad.jsonl, line 1, field `outcomes`"), "{error}");
        assert_eq!(replay(&["--data", "x", "--pace", "-1"]).status.code(), Some(2));
    }

    #[test]
    fn an_address_that_is_taken_ends_with_exit_code_1() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let output = replay(&["--data", "datasets/sample/queries.jsonl", "--bind", &address]);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains(&format!("cannot listen on {address}")));
    }
}

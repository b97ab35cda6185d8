//! Judging through a provider's batch endpoint, against local servers that follow the documented protocols.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rungs::config::Config;
use rungs::database::{Database, Statement};
use rungs::decisions::{DecisionStore, open};
use rungs::judge::{Bench, Worker, jobs, verdicts};
use rungs::upstream::Tier;
use serde_json::{Value, json};

use super::scripted::{Manner, Upstream, completion, judged};
use crate::support::record::{full_record, settled};
use crate::support::router::two_tiers;
use crate::support::serve;

/// A provider's files and batches. A batch is worked on at the first look at it, and has ended at the second.
#[derive(Default)]
struct Provider {
    files: BTreeMap<String, String>,
    batches: Vec<Value>,
    looks: BTreeMap<String, u32>,
    results: BTreeMap<String, String>,
}

type Shared = Arc<Mutex<Provider>>;

async fn openai() -> (String, Shared) {
    let provider = Shared::default();
    let router = Router::new()
        .route("/v1/files", post(upload))
        .route("/v1/files/{id}/content", get(content))
        .route("/v1/batches", post(create).get(list))
        .route("/v1/batches/{id}", get(look))
        .with_state(Arc::clone(&provider));
    (format!("{}/v1", serve(router).await), provider)
}

async fn upload(State(provider): State<Shared>, head: HeaderMap, form: String) -> Json<Value> {
    assert!(head["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
    assert!(form.contains("name=\"purpose\"\r\n\r\nbatch\r\n") && form.contains("name=\"file\"; filename="), "{form}");
    let lines: Vec<&str> = form.lines().filter(|line| line.starts_with('{')).collect();
    let mut provider = provider.lock().unwrap();
    let id = format!("file-{}", provider.files.len());
    provider.files.insert(id.clone(), lines.join("\n"));
    Json(json!({"id": id, "object": "file", "purpose": "batch"}))
}

async fn create(State(provider): State<Shared>, Json(asked): Json<Value>) -> Json<Value> {
    assert_eq!((&asked["endpoint"], &asked["completion_window"]), (&json!("/v1/chat/completions"), &json!("24h")));
    let mut provider = provider.lock().unwrap();
    let id = format!("batch_{}", provider.batches.len());
    let input = provider.files[asked["input_file_id"].as_str().unwrap()].clone();
    let answer = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["method"], &line["url"]), (&json!("POST"), &json!("/v1/chat/completions")));
        assert_eq!(line["body"]["model"], "judge-1");
        let said = judged(line["body"]["messages"][1]["content"].as_str().unwrap(), Manner::Honest);
        let body = completion("judge-1", &said);
        json!({"id": "r", "custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}, "error": null})
    };
    // The first call of a batch is not answered: it goes to the file of errors.
    let lines: Vec<&str> = input.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    let failed = json!({"id": "r", "custom_id": first["custom_id"], "response": null, "error": {"code": "batch_expired", "message": "too late"}});
    let kept = if lines.len() > 1 { &lines[1..] } else { &lines[..] };
    let output: Vec<String> = kept.iter().map(|line| answer(line).to_string()).collect();
    provider.files.insert(format!("out-{id}"), output.join("\n"));
    provider.files.insert(format!("err-{id}"), if lines.len() > 1 { failed.to_string() } else { String::new() });
    let batch = json!({"id": id, "object": "batch", "status": "validating", "metadata": asked["metadata"]});
    provider.batches.push(batch.clone());
    Json(batch)
}

async fn list(State(provider): State<Shared>) -> Json<Value> {
    Json(json!({"object": "list", "data": provider.lock().unwrap().batches, "has_more": false}))
}

async fn look(State(provider): State<Shared>, Path(id): Path<String>) -> Json<Value> {
    let mut provider = provider.lock().unwrap();
    let looks = provider.looks.entry(id.clone()).or_default();
    *looks += 1;
    if *looks == 1 {
        return Json(json!({"id": id, "status": "in_progress"}));
    }
    Json(
        json!({"id": id, "status": "completed", "output_file_id": format!("out-{id}"), "error_file_id": format!("err-{id}")}),
    )
}

async fn content(State(provider): State<Shared>, Path(id): Path<String>) -> String {
    provider.lock().unwrap().files[&id].clone()
}

async fn anthropic() -> (String, Shared) {
    let provider = Shared::default();
    let router = Router::new()
        .route("/v1/messages/batches", post(create_messages).get(list_messages))
        .route("/v1/messages/batches/{id}", get(look_messages))
        .route("/v1/messages/batches/{id}/results", get(results))
        .with_state(Arc::clone(&provider));
    (format!("{}/v1", serve(router).await), provider)
}

async fn create_messages(State(provider): State<Shared>, head: HeaderMap, Json(asked): Json<Value>) -> Json<Value> {
    assert_eq!(head["anthropic-version"], "2023-06-01");
    let mut provider = provider.lock().unwrap();
    let id = format!("msgbatch_{}", provider.batches.len());
    let answer = |(i, request): (usize, &Value)| {
        let params = &request["params"];
        assert!(params["max_tokens"].is_u64() && params["model"] == "judge-1", "{params}");
        let custom = request["custom_id"].as_str().unwrap();
        assert!(
            custom.len() <= 64 && custom.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{custom}"
        );
        if i == 0 && provider.batches.is_empty() {
            return json!({"custom_id": custom, "result": {"type": "expired"}}).to_string();
        }
        let content = &params["messages"][0]["content"];
        let asked = content.as_str().unwrap_or_else(|| content[0]["text"].as_str().unwrap());
        let message = json!({
            "id": "m", "type": "message", "role": "assistant", "model": "judge-1", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": judged(asked, Manner::Honest)}],
            "usage": {"input_tokens": 100, "output_tokens": 20, "service_tier": "batch"}
        });
        json!({"custom_id": custom, "result": {"type": "succeeded", "message": message}}).to_string()
    };
    let lines: Vec<String> = asked["requests"].as_array().unwrap().iter().enumerate().map(answer).collect();
    provider.results.insert(id.clone(), lines.join("\n"));
    let batch = json!({"id": id, "type": "message_batch", "processing_status": "in_progress"});
    provider.batches.push(batch.clone());
    Json(batch)
}

/// Time passes: what is worked on at one look has ended at the next.
async fn list_messages(State(provider): State<Shared>) -> Json<Value> {
    let mut provider = provider.lock().unwrap();
    let listed = provider.batches.clone();
    provider.batches.iter_mut().for_each(|batch| batch["processing_status"] = "ended".into());
    Json(json!({"data": listed, "has_more": false, "first_id": null, "last_id": null}))
}

async fn look_messages(State(provider): State<Shared>, Path(id): Path<String>) -> Json<Value> {
    let mut provider = provider.lock().unwrap();
    let looks = provider.looks.entry(id.clone()).or_default();
    *looks += 1;
    let status = if *looks == 1 { "in_progress" } else { "ended" };
    if let Some(batch) = provider.batches.iter_mut().find(|batch| batch["id"] == id.as_str()) {
        batch["processing_status"] = status.into();
    }
    Json(json!({"id": id, "type": "message_batch", "processing_status": status}))
}

async fn results(State(provider): State<Shared>, Path(id): Path<String>) -> Response {
    provider.lock().unwrap().results[&id].clone().into_response()
}

const ANSWERS: u64 = 6;

/// Judges in batches, with a new process's bench for every look; `interrupt` is called once a batch was handed in.
async fn judged_in_batches(kind: &str, url: &str, interrupt: impl AsyncFn(&Database)) -> (Database, tempfile::TempDir) {
    let tiers = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[judge]\nrequests_per_minute = 100000\nretry_pause_s = 0.0\nbatch = true\nbatch_wait_s = 0.0\nbatch_poll_s = 0.01\nboth_orders = 1.0\n\
         [judge.tier]\nname = 'judge'\nmodel = 'judge-1'\nbase_url = '{url}'\nkind = '{kind}'\n\
         price = {{ input = 1.0, output = 1.0, batch = 0.5 }}"
    );
    let file = folder.path().join("rungs.toml");
    std::fs::write(&file, two_tiers(&settings, &tiers.url, &tiers.url)).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    let store = open(&config.log, folder.path()).await.unwrap();
    for n in 0..ANSWERS {
        store.append(super::worker::drawn(n, "small", &format!("what is {n}?"), "right")).await.unwrap();
    }
    settled(&*store).await;
    let database = store.database().unwrap();
    let mut interrupted = false;
    for _ in 0..400 {
        let opened = config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams).unwrap()).collect();
        let store: Arc<dyn DecisionStore> = Arc::clone(&store);
        let bench = Bench::open(&config, opened, store).unwrap().unwrap();
        Worker::new(Arc::new(bench)).drain(2).await.unwrap();
        if jobs::queue(&database).await.unwrap().done == ANSWERS {
            break;
        }
        let sent = database.read(Statement::new("SELECT id FROM judge_batches WHERE state = 'sent'")).await.unwrap();
        if !interrupted && !sent.is_empty() {
            interrupt(&database).await;
            interrupted = true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(interrupted);
    (database, folder)
}

/// The router ended after it had handed a batch in and before it wrote down the provider's id.
async fn crashed(database: &Database) {
    let text = "UPDATE judge_batches SET state = 'submitting', provider_id = NULL, due_at = 0 WHERE state = 'sent'";
    assert_eq!(database.execute(Statement::new(text)).await.unwrap(), 1);
}

async fn all_is_judged(database: &Database, provider: &Shared) {
    let queue = jobs::queue(database).await.unwrap();
    assert_eq!((queue.done, queue.failures), (ANSWERS, 1), "{queue:?}");
    for n in 0..ANSWERS {
        let found = verdicts::about(database, &full_record(n).id).await.unwrap();
        assert_eq!(found.len(), 2, "{n}: {found:?}");
    }
    // Six answers of the large model's, and a dozen of the judge's at half price.
    let expected = (6.0 * 140.0 + 12.0 * 60.0) / 1e6;
    assert!((queue.spent_usd - expected).abs() < 1e-9, "{} is not {expected}", queue.spent_usd);
    assert!(provider.lock().unwrap().batches.len() >= 2, "the call that failed is in a batch of its own");
    let open = Statement::new("SELECT COUNT(*) FROM judge_calls");
    assert_eq!(database.read(open).await.unwrap()[0].int(0).unwrap(), 0);
}

#[tokio::test]
async fn openais_batches_judge_at_half_price_and_survive_a_crash() {
    let (url, provider) = openai().await;
    let (database, _folder) = judged_in_batches("openai", &url, crashed).await;
    all_is_judged(&database, &provider).await;
}

#[tokio::test]
async fn anthropics_batches_judge_at_half_price_and_survive_a_crash() {
    let (url, provider) = anthropic().await;
    let (database, _folder) = judged_in_batches("anthropic", &url, crashed).await;
    all_is_judged(&database, &provider).await;
}

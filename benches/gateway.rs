//! What the router adds to a call, beside a thin pass-through proxy in the same run.
//!
//! `cargo bench --bench gateway [-- SECONDS]`: a model that answers at once, a proxy that only forwards, and rungs with
//! routing, checking and the commit-durable log on, each behind a socket of this machine and loaded through 1, 16 and 64
//! connections; the same with a relaxed log, and with the log in the database that `RUNGS_BENCH_POSTGRES` names, tell what
//! the log takes of it. Load, proxies and model share the cores, so the difference of the lines is what counts. A request
//! that fails voids the run.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use rungs::config::Config;
use rungs::difficulty::Scorer;
use rungs::http::{App, router};
use rungs::upstream::Tier;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PATH: &str = "/v1/chat/completions";

const QUESTION: &str = r#"{"model":"auto","messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"A train leaves at 14:05 and arrives at 16:50. How long does the journey take? Answer in minutes."}],"temperature":0.2}"#;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench-1","choices":[{"index":0,"message":{"role":"assistant","content":"The journey takes 165 minutes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":43,"completion_tokens":8,"total_tokens":51}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3.0);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(compare(Duration::from_secs_f64(seconds)))
}

async fn compare(window: Duration) -> Result<(), Box<dyn std::error::Error>> {
    // Only the first provider of a process is kept; a second one is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let model = serve(Router::new().route(PATH, post(answer))).await?;
    let mut targets = vec![("model itself", model.clone()), ("pass-through", serve(pass_through(&model)).await?)];
    let mut logs = vec![("rungs", json!({})), ("rungs, relaxed", json!({"durability": "relaxed"}))];
    if let Ok(url) = std::env::var("RUNGS_BENCH_POSTGRES") {
        logs.push(("rungs, postgres", json!({"url": url})));
    }
    for (name, log) in logs {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder)?;
        targets.push((name, serve(rungs(&model, &folder, &log).await?).await?));
    }
    println!("{:<16} {:>11} {:>10} {:>10} {:>12}", "", "connections", "median µs", "p99 µs", "requests/s");
    for connections in [1, 16, 64] {
        for (name, url) in &targets {
            load(url, connections, window / 4).await?;
            let mut micros = load(url, connections, window).await?;
            micros.sort_unstable();
            let at = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or_default();
            let rate = micros.len() as f64 / window.as_secs_f64();
            println!("{name:<16} {connections:>11} {:>10} {:>10} {rate:>12.0}", at(50), at(99));
        }
    }
    Ok(())
}

/// Answers at once.
async fn answer(_: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], ANSWER)
}

/// The floor: forwards the body and streams the answer back.
fn pass_through(model: &str) -> Router {
    let state = (reqwest::Client::new(), format!("{model}{PATH}"));
    Router::new().route(PATH, post(forward)).with_state(state)
}

async fn forward(State((client, url)): State<(reqwest::Client, String)>, body: Bytes) -> impl IntoResponse {
    let call = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
    let answer = call.send().await.map_err(|error| error.to_string())?;
    Ok::<_, String>(([(CONTENT_TYPE, "application/json")], Body::from_stream(answer.bytes_stream())))
}

/// The router with its defaults over two tiers of this model, its data in `folder`.
async fn rungs(model: &str, folder: &Path, log: &Value) -> Result<Router, Box<dyn std::error::Error>> {
    let tier = |name: &str, price: f64| {
        json!({"name": name, "model": "bench-1", "base_url": format!("{model}/v1"), "logprobs": true,
            "context_window": 128_000, "price": {"input": price, "output": 4.0 * price}})
    };
    let config: Config = serde_json::from_value(json!({
        "data_dir": folder, "log": log, "tiers": [tier("small", 0.15), tier("large", 2.5)],
    }))?;
    let store = rungs::decisions::open(&config.log, folder).await?;
    let tiers =
        config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams)).collect::<Result<_, _>>()?;
    let scorer = Arc::new(Scorer::open(&config)?);
    Ok(router(App::new(config, tiers, scorer, store)))
}

async fn serve(router: Router) -> Result<String, std::io::Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

/// Asks again and again through this many connections; gives the microseconds of every request.
async fn load(url: &str, connections: usize, window: Duration) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let until = Instant::now() + window;
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(ask(format!("{url}{PATH}"), until))).collect();
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await??);
    }
    Ok(micros)
}

async fn ask(url: String, until: Instant) -> Result<Vec<u64>, reqwest::Error> {
    // A client of its own is a connection of its own.
    let client = reqwest::Client::new();
    let mut micros = Vec::new();
    while Instant::now() < until {
        let start = Instant::now();
        let call = client.post(&url).header(CONTENT_TYPE, "application/json").body(QUESTION);
        call.send().await?.error_for_status()?.bytes().await?;
        micros.push(start.elapsed().as_micros() as u64);
    }
    Ok(micros)
}

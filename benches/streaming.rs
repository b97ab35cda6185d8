//! The time to the first token of a streamed answer, with and without early decisions.
//!
//! `cargo bench --bench streaming [-- REQUESTS]`: a model behind a socket of this machine that says 200 tokens, one every
//! 10 ms after a first pause of 50 ms, asked so many times, one after the other. Either it is sure of all of them, and its
//! answer is passed on, or of none, and another model of the same pace answers. The pauses are what is measured, so that
//! `--profile dev` does as well.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use futures_util::{StreamExt, stream};
use rungs::config::Config;
use rungs::difficulty::Scorer;
use rungs::http::{App, router};
use rungs::upstream::Tier;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const TOKENS: usize = 200;
const FIRST: Duration = Duration::from_millis(50);
const EACH: Duration = Duration::from_millis(10);

/// Log-probabilities far from the limit of −0.7, on either side.
const SURE: f64 = -0.05;
const LOST: f64 = -3.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let requests = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5);
    tokio::runtime::Runtime::new()?.block_on(compare(requests))
}

async fn compare(requests: usize) -> Result<(), Failure> {
    // Only the first provider of a process is kept; a second one is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (sure, lost, silent) = (model(Some(SURE)).await?, model(Some(LOST)).await?, model(None).await?);
    let early = json!({});
    let held = json!({"early_commit": false, "early_escalation": false, "ttft_budget_s": 60.0});
    println!("{:<44} {:>14} {:>10}", "median ms", "first token", "end");
    for (name, small, model, stream) in [
        ("the model by itself", &sure, "large", &early),
        ("sure: passed on at a checkpoint", &sure, "auto", &early),
        ("sure: held back to its end", &sure, "auto", &held),
        ("lost: given up at a checkpoint", &lost, "auto", &early),
        ("lost: held back to its end", &lost, "auto", &held),
        ("no log-probabilities: a budget of 1 s", &silent, "auto", &json!({"ttft_budget_s": 1.0})),
    ] {
        let folder = tempfile::tempdir()?;
        let url = serve(rungs(small, &sure, stream, folder.path()).await?).await?;
        let client = reqwest::Client::new();
        // The first request pays for what is opened once.
        ask(&client, &url, model).await?;
        let mut times = Vec::new();
        for _ in 0..requests {
            times.push(ask(&client, &url, model).await?);
        }
        let mut median = |of: fn(&(u128, u128)) -> u128| {
            times.sort_unstable_by_key(of);
            times.get(times.len() / 2).map(of).unwrap_or_default()
        };
        println!("{name:<44} {:>14} {:>10}", median(|times| times.0), median(|times| times.1));
    }
    Ok(())
}

/// Streams its tokens with this log-probability.
async fn model(logprob: Option<f64>) -> Result<String, Failure> {
    let answer = move || async move { ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(answer(logprob))) };
    serve(Router::new().route("/v1/chat/completions", post(move || async move { answer().await.into_response() })))
        .await
}

fn answer(logprob: Option<f64>) -> impl stream::Stream<Item = Result<Bytes, Infallible>> + Send {
    let chunk = |choices: Value| format!("data: {}\n\n", json!({"id": "c", "model": "bench", "choices": choices}));
    let token = move |i: usize| {
        let text = format!("word{i} ");
        let logprobs = logprob.map(|logprob| json!({"content": [{"token": text, "logprob": logprob}]}));
        chunk(json!([{"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": null}]))
    };
    let end = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}])) + "data: [DONE]\n\n";
    let pieces = (0..TOKENS).map(move |i| (if i == 0 { FIRST } else { EACH }, token(i))).chain([(EACH, end)]);
    // Each piece has its moment, so that the pace does not depend on the load.
    let start = tokio::time::Instant::now();
    let due = pieces.scan(start, |due, (pause, text)| {
        *due += pause;
        Some((*due, text))
    });
    stream::iter(due).then(|(due, text)| async move {
        tokio::time::sleep_until(due).await;
        Ok(Bytes::from(text))
    })
}

/// The router over two tiers: `auto` starts at the small one, whose answers are checked.
async fn rungs(small: &str, large: &str, stream: &Value, folder: &Path) -> Result<Router, Failure> {
    let tier =
        |name: &str, url: &str| json!({"name": name, "model": name, "base_url": format!("{url}/v1"), "logprobs": true});
    let config: Config = serde_json::from_value(json!({
        "data_dir": folder, "policy": {"threshold": 1.0}, "cascade": {"stream": stream},
        "tiers": [tier("small", small), tier("large", large)],
    }))?;
    let store = rungs::decisions::open(&config.log, folder).await?;
    let open = |tier| Tier::open(tier, &config.upstreams);
    let tiers = config.tiers.iter().cloned().map(open).collect::<Result<_, _>>()?;
    let scorer = Arc::new(Scorer::open(&config)?);
    Ok(router(App::new(config, tiers, scorer, store)))
}

async fn serve(router: Router) -> Result<String, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

/// Milliseconds until the first text and until the end.
async fn ask(client: &reqwest::Client, url: &str, model: &str) -> Result<(u128, u128), Failure> {
    let body = json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "What is a tower?"}]});
    let start = Instant::now();
    let call = client.post(format!("{url}/v1/chat/completions")).json(&body);
    let mut response = call.send().await?.error_for_status()?;
    let (mut read, mut first) = (String::new(), None);
    while let Some(bytes) = response.chunk().await? {
        read += &String::from_utf8_lossy(&bytes);
        if first.is_none() && read.contains("word0") {
            first = Some(start.elapsed().as_millis());
        }
    }
    match first {
        Some(first) if read.ends_with("data: [DONE]\n\n") => Ok((first, start.elapsed().as_millis())),
        _ => Err(format!("a broken answer: {read}").into()),
    }
}

//! What the router adds to a call, beside a thin pass-through proxy in the same run.
//!
//! `cargo bench --bench gateway [-- SECONDS]`: a model that answers at once, a proxy that only forwards, and rungs with
//! routing, checking and the commit-durable log on, loaded through 1, 16 and 64 connections; the same with a relaxed log, and
//! with the log in the database that `RUNGS_BENCH_POSTGRES` names, tell what the log takes of it. Proxy and router are
//! processes of their own, kept to one core where there is `taskset`; load and model share what is left. `CPU µs` is the time
//! that such a process took of its core for a request, `calls` what a request made of the model. A request that fails voids
//! the run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use mimalloc::MiMalloc;
use reqwest::Client;
use rungs::config::Config;
use rungs::difficulty::Scorer;
use rungs::http::{App, router};
use rungs::upstream::Tier;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Failure = Box<dyn std::error::Error>;

const PATH: &str = "/v1/chat/completions";

const QUESTION: &str = r#"{"model":"auto","messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"A train leaves at 14:05 and arrives at 16:50. How long does the journey take? Answer in minutes."}],"temperature":0.2}"#;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench-1","choices":[{"index":0,"message":{"role":"assistant","content":"The journey takes 165 minutes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":43,"completion_tokens":8,"total_tokens":51}}"#;

/// The answers that the model has given.
static CALLS: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<(), Failure> {
    // Only the first provider of a process is kept; a second one is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new()?;
    if let Ok(role) = std::env::var("RUNGS_BENCH_ROLE") {
        return runtime.block_on(play(&serde_json::from_str(&role)?));
    }
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3.0);
    runtime.block_on(compare(Duration::from_secs_f64(seconds)))
}

async fn compare(window: Duration) -> Result<(), Failure> {
    let model = serve(Router::new().route(PATH, post(answer))).await?;
    let mut servers = vec![Server::start("pass-through", &model, None)?];
    servers.push(Server::start("rungs", &model, Some(json!({})))?);
    servers.push(Server::start("rungs, relaxed", &model, Some(json!({"durability": "relaxed"})))?);
    if let Ok(url) = std::env::var("RUNGS_BENCH_POSTGRES") {
        servers.push(Server::start("rungs, postgres", &model, Some(json!({"url": url})))?);
    }
    println!("{:<16} connections  median µs     p99 µs  requests/s     CPU µs  calls", "");
    for connections in [1, 16, 64] {
        measure("the model itself", &model, connections, window, None).await?;
        for server in &servers {
            measure(server.name, &server.url, connections, window, Some(server)).await?;
        }
    }
    Ok(())
}

async fn measure(
    name: &str,
    url: &str,
    connections: usize,
    window: Duration,
    server: Option<&Server>,
) -> Result<(), Failure> {
    load(url, connections, window / 4).await?;
    let taken = || server.and_then(Server::cpu);
    let (cpu, calls) = (taken(), CALLS.load(Ordering::Relaxed));
    let mut micros = load(url, connections, window).await?;
    let cpu = taken().zip(cpu).map(|(after, before)| after.saturating_sub(before).as_secs_f64() * 1e6);
    let calls = CALLS.load(Ordering::Relaxed) - calls;
    micros.sort_unstable();
    let at = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or_default();
    let (requests, rate) = (micros.len().max(1) as f64, micros.len() as f64 / window.as_secs_f64());
    let cpu = cpu.map_or("".to_owned(), |cpu| format!("{:.0}", cpu / requests));
    let (median, p99, calls) = (at(50), at(99), calls as f64 / requests);
    println!("{name:<16} {connections:>11} {median:>10} {p99:>10} {rate:>11.0} {cpu:>10} {calls:>6.2}");
    Ok(())
}

/// A process of its own that serves.
struct Server {
    name: &'static str,
    url: String,
    child: Child,
}

impl Server {
    /// Starts the pass-through proxy or, with a log, the router.
    fn start(name: &'static str, model: &str, log: Option<Value>) -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let pins = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
        let mut command = if pins { Command::new("taskset") } else { Command::new(&program) };
        if pins {
            command.args(["-c", "0"]).arg(&program);
        }
        command
            .env("RUNGS_BENCH_ROLE", json!({"model": model, "log": log}).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        Ok(Self { name, url: url.trim().to_owned(), child })
    }

    /// The processor's time that it has taken, where the system tells.
    fn cpu(&self) -> Option<Duration> {
        // Clock ticks, a hundred a second on Linux: the 14th and 15th field, behind the name in parentheses.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11).map(str::parse::<u64>);
        Some(Duration::from_millis(10 * (fields.next()?.ok()? + fields.next()?.ok()?)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process of its own does: tells its address, and serves until it is killed.
async fn play(role: &Value) -> Result<(), Failure> {
    let model = role["model"].as_str().ok_or("no model")?;
    let folder = tempfile::tempdir()?;
    let url = match &role["log"] {
        Value::Null => serve(pass_through(model)).await?,
        log => serve(routed(model, folder.path(), log).await?).await?,
    };
    println!("{url}");
    // The parent holds the other end.
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}

/// Answers at once.
async fn answer(_: Bytes) -> impl IntoResponse {
    CALLS.fetch_add(1, Ordering::Relaxed);
    ([(CONTENT_TYPE, "application/json")], ANSWER)
}

/// The floor: forwards the body and streams the answer back.
fn pass_through(model: &str) -> Router {
    let state = (Client::new(), format!("{model}{PATH}"));
    Router::new().route(PATH, post(forward)).with_state(state)
}

async fn forward(State((client, url)): State<(Client, String)>, body: Bytes) -> impl IntoResponse {
    let call = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
    let answer = call.send().await.map_err(|error| error.to_string())?;
    Ok::<_, String>(([(CONTENT_TYPE, "application/json")], Body::from_stream(answer.bytes_stream())))
}

/// The router with its defaults over two tiers of this model, its data in `folder`.
async fn routed(model: &str, folder: &Path, log: &Value) -> Result<Router, Failure> {
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
async fn load(url: &str, connections: usize, window: Duration) -> Result<Vec<u64>, Failure> {
    // A client of its own is a connection of its own; it is made before the clock runs.
    let clients = (0..connections).map(|_| Client::builder().tls_certs_only([]).build());
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let until = Instant::now() + window;
    let ask = |client| tokio::spawn(ask(client, format!("{url}{PATH}"), until));
    let tasks: Vec<_> = clients.into_iter().map(ask).collect();
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await??);
    }
    Ok(micros)
}

async fn ask(client: Client, url: String, until: Instant) -> Result<Vec<u64>, reqwest::Error> {
    let mut micros = Vec::new();
    while Instant::now() < until {
        let start = Instant::now();
        let call = client.post(&url).header(CONTENT_TYPE, "application/json").body(QUESTION);
        call.send().await?.error_for_status()?.bytes().await?;
        micros.push(start.elapsed().as_micros() as u64);
    }
    Ok(micros)
}

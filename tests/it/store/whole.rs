//! A router in a process of its own, under load: no answer that a client received whole is without its record, whether the
//! process is killed or its database is.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use rungs::config::LogConfig;
use rungs::decisions::export::export;
use rungs::decisions::verify::Verifier;
use rungs::decisions::{DecisionStore, StoreError, open};
use serde_json::json;
use wiremock::MockServer;

use super::outage::Server;
use crate::support::model::{completion, events};
use crate::support::postgres::with_database;
use crate::support::record::settled;
use crate::support::router::{Router, header, patient, question, two_tiers};

const FOLDER: &str = "RUNGS_TEST_WHOLE_FOLDER";
const URL: &str = "RUNGS_TEST_WHOLE_URL";
const UPSTREAM: &str = "RUNGS_TEST_WHOLE_UPSTREAM";

const KILLS: u64 = 20;
/// Whole answers after which the process is killed.
const ENOUGH: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the other tests here"]
async fn serves_until_it_is_killed() {
    let folder = std::env::var(FOLDER).expect("run by the other tests here");
    let config = LogConfig { url_env: std::env::var_os(URL).map(|_| URL.to_owned()), ..Default::default() };
    let store = open(&config, Path::new(&folder)).await.unwrap();
    let upstream = std::env::var(UPSTREAM).unwrap();
    let router = Router::start(&patient(&two_tiers("", &upstream, &upstream)), true, Some(store)).await;
    writeln!(std::io::stdout(), "serves {};", router.url).unwrap();
    std::future::pending::<()>().await;
}

/// A router in a process of its own.
struct Serving {
    process: Child,
    url: String,
}

impl Serving {
    fn start(folder: &Path, config: &LogConfig, upstream: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "store::whole::serves_until_it_is_killed"]);
        command.env(FOLDER, folder).env(UPSTREAM, upstream).stdout(Stdio::piped());
        if let Some(url) = &config.url {
            command.env(URL, url.expose());
        }
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("serves ")?.1.strip_suffix(';')?.to_owned()));
        Self { process, url: url.expect("the child serves") }
    }

    /// Megabytes of memory.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn upstream() -> MockServer {
    use wiremock::matchers::{body_partial_json, method};
    use wiremock::{Mock, ResponseTemplate};
    let server = MockServer::start().await;
    let stream = ResponseTemplate::new(200).set_body_raw(events(&["hel", "lo"]), "text/event-stream");
    let streams = body_partial_json(json!({"stream": true}));
    Mock::given(method("POST")).and(streams).respond_with(stream).with_priority(1).mount(&server).await;
    let whole = ResponseTemplate::new(200).set_body_json(completion("hello"));
    Mock::given(method("POST")).respond_with(whole).mount(&server).await;
    server
}

/// The id of an answer that came whole; `None` of a failure.
async fn whole_answer(client: &Client, url: &str, streams: bool) -> Option<String> {
    let body = question("easy", json!({"stream": streams}));
    let response = client.post(format!("{url}/v1/chat/completions")).json(&body).send().await.ok()?;
    let id = (response.status() == 200).then(|| header(&response, "x-rungs-decision-id"))?;
    let body = response.text().await.ok()?;
    (if streams { body.ends_with("data: [DONE]\n\n") } else { body.ends_with('}') }).then_some(id)
}

/// Asks through eight connections until the router is killed, which it is after enough answers; gives the ids of those that
/// came whole.
async fn load_and_kill(mut serving: Serving) -> Vec<String> {
    let answered = Arc::new(AtomicUsize::new(0));
    let clients = (0..8).map(|n| {
        let (url, answered) = (serving.url.clone(), Arc::clone(&answered));
        tokio::spawn(async move {
            let (client, mut ids) = (crate::support::client(), Vec::new());
            while let Some(id) = whole_answer(&client, &url, n % 2 == 0).await {
                ids.push(id);
                answered.fetch_add(1, Ordering::SeqCst);
            }
            ids
        })
    });
    let clients: Vec<_> = clients.collect();
    let start = Instant::now();
    while answered.load(Ordering::SeqCst) < ENOUGH {
        assert!(start.elapsed() < Duration::from_secs(60), "{} answers came", answered.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    serving.kill();
    let mut ids = Vec::new();
    for client in clients {
        ids.extend(client.await.unwrap());
    }
    ids
}

/// Kills routers; `config` says where the log of each round is. What waits in the journal has to be in the last one's.
async fn no_kill_loses_an_answer(config: impl Fn(u64) -> LogConfig) {
    let (folder, server) = (tempfile::tempdir().unwrap(), upstream().await);
    let mut whole = Vec::new();
    for round in 0..KILLS {
        let serving = Serving::start(folder.path(), &config(round), &format!("{}/v1", server.uri()));
        whole.extend(load_and_kill(serving).await);
    }
    assert!(whole.len() >= KILLS as usize * ENOUGH);
    let store = open(&config(KILLS - 1), folder.path()).await.unwrap();
    settled(&*store).await;
    let kept = ids_of_a_sound_log(&*store).await;
    let mut once = kept.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), kept.len(), "a record is there twice");
    let lost: Vec<_> = whole.iter().filter(|id| once.binary_search(id).is_err()).collect();
    assert!(lost.is_empty(), "{} of {} answers have no record: {lost:?}", lost.len(), whole.len());
    store.close().await.unwrap();
}

/// The ids of all records, whose chains must have no gap.
async fn ids_of_a_sound_log(store: &dyn DecisionStore) -> Vec<String> {
    let (mut ids, mut verifier) = (Vec::new(), Verifier::default());
    let each = |exported: rungs::decisions::export::Exported| {
        ids.push(exported.record.id.clone());
        verifier.push(&serde_json::to_vec(&exported).unwrap(), "log").map_err(|error| StoreError(error.to_string()))
    };
    export(store, None, each).await.unwrap();
    let verified = verifier.end();
    assert!(verified.first.is_none(), "{verified:?}");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_no_answer_on_sqlite() {
    no_kill_loses_an_answer(|_| LogConfig::default()).await;
}

/// In every fourth round the server is not there: what was answered waits in the journal, and is replayed in the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_no_answer_on_postgres_or_in_the_journal() {
    with_database(|config| async move {
        let down = LogConfig { url: Some("postgres://postgres@127.0.0.1:1/down".into()), ..Default::default() };
        no_kill_loses_an_answer(|round| if round % 4 == 2 { down.clone() } else { config.clone() }).await;
    })
    .await;
}

/// Half a minute without its database: every request is answered, every record follows, and memory stays what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_minute_without_the_server_fails_no_request_and_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let (folder, model) = (tempfile::tempdir().unwrap(), upstream().await);
    let serving = Serving::start(folder.path(), &server.log(), &format!("{}/v1", model.uri()));
    let stop = Arc::new(AtomicBool::new(false));
    let clients = (0..8).map(|n| {
        let (url, stop) = (serving.url.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let (client, mut answered) = (crate::support::client(), 0_u64);
            while !stop.load(Ordering::SeqCst) {
                assert!(whole_answer(&client, &url, n % 2 == 0).await.is_some(), "a request failed after {answered}");
                answered += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answered
        })
    });
    let clients: Vec<_> = clients.collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = serving.memory();
    server.down("immediate");
    let (start, mut most) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(30) {
        most = most.max(serving.memory());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    server.up();
    stop.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert!(most < before + 128, "memory went from {before} to {most} MB");
    let store = open(&server.log(), tempfile::tempdir().unwrap().path()).await.unwrap();
    let replayed = Instant::now();
    while (ids_of_a_sound_log(&*store).await.len() as u64) < answered {
        assert!(replayed.elapsed() < Duration::from_secs(60), "not all of {answered} records followed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(ids_of_a_sound_log(&*store).await.len() as u64, answered);
}

//! A database that is down, slow or full never stops serving, and gets every record when it is back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rungs::config::{LogConfig, WhenFull};
use rungs::decisions::{DecisionFilter, DecisionStore, open};
use sqlx::Connection;

use super::behaviour::ids;
use crate::support::hook::{Hook, SECRET};
use crate::support::record::{full_record, settled, stored};

/// A PostgreSQL server that a test may stop.
pub(super) struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl Server {
    /// `None` where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
        let programs = versions.and_then(|versions| Some(versions.flatten().next()?.path().join("bin")));
        let Some(programs) = programs else {
            assert!(std::env::var_os("RUNGS_REQUIRE_POSTGRES").is_none(), "PostgreSQL is not installed");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let server = Self { folder: tempfile::tempdir_in("/tmp").unwrap(), programs, port };
        // Its owner, who may not be the one who runs the tests, has to be able to write there.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(server.folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        server.run("initdb", &["-U", "postgres", "--auth=trust", "--no-sync"]);
        server.up();
        Some(server)
    }

    pub(super) fn up(&self) {
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        self.run("pg_ctl", &["start", "-s", "-w", "-l", "/dev/null", "-o", &options]);
    }

    pub(super) fn down(&self, mode: &str) {
        self.run("pg_ctl", &["stop", "-s", "-m", mode]);
    }

    /// Runs one of its programs, as `postgres` where the tests are run by root, whom they refuse.
    fn run(&self, program: &str, arguments: &[&str]) {
        let path = self.programs.join(program);
        let is_root = rustix::process::getuid().is_root();
        let mut command = if is_root { Command::new("runuser") } else { Command::new(&path) };
        if is_root {
            command.args(["-u", "postgres", "--"]).arg(&path);
        }
        command.arg("-D").arg(self.folder.path().join("data")).args(arguments).current_dir("/");
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    pub(super) fn log(&self) -> LogConfig {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        LogConfig { url: Some(url.as_str().into()), when_full: WhenFull::Refuse, ..Default::default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.down("immediate");
        }
    }
}

/// Appends from four tasks until it is told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    appended: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Duration>>,
}

impl Load {
    fn start(store: &Arc<dyn DecisionStore>) -> Self {
        let (stop, appended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let append = || {
            let (store, stop, appended) = (Arc::clone(store), Arc::clone(&stop), Arc::clone(&appended));
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                while !stop.load(Ordering::SeqCst) {
                    let n = appended.fetch_add(1, Ordering::SeqCst);
                    let start = Instant::now();
                    store.append(full_record(n)).await.unwrap();
                    slowest = slowest.max(start.elapsed());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                slowest
            })
        };
        let tasks = (0..4).map(|_| append()).collect();
        Self { stop, appended, tasks }
    }

    /// How many were appended, and how long the slowest took.
    async fn end(self) -> (u64, Duration) {
        self.stop.store(true, Ordering::SeqCst);
        let mut slowest = Duration::ZERO;
        for task in self.tasks {
            slowest = slowest.max(task.await.unwrap());
        }
        (self.appended.load(Ordering::SeqCst), slowest)
    }
}

/// Waits until every record has reached the database, which then holds `count` of them, each once.
async fn replayed(store: &Arc<dyn DecisionStore>, count: u64) {
    settled(&**store).await;
    let (mut seen, mut before) = (0, None);
    loop {
        let page = store.list(&DecisionFilter { limit: 1000, before, ..Default::default() }).await.unwrap();
        seen += page.decisions.len() as u64;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, count);
    assert_eq!(store.state(), rungs::decisions::LogState { takes_records: true, ..Default::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_under_load_loses_nothing_and_refuses_nothing() {
    let Some(server) = Server::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = open(&server.log(), dir.path()).await.unwrap();
    let load = Load::start(&store);
    for mode in ["immediate", "fast"] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.down(mode);
        let start = Instant::now();
        while store.state().pending == 0 || store.state().error.is_none() || store.state().down_since.is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "{:?}", store.state());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        server.up();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (count, slowest) = load.end().await;
    assert!(slowest < Duration::from_secs(10), "an append took {slowest:?}");
    replayed(&store, count).await;
    assert_eq!(stored(&*store, &full_record(0).id).await, Some(full_record(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_at_the_start_gets_what_waited_even_after_a_restart() {
    let Some(server) = Server::start() else { return };
    server.down("fast");
    let dir = tempfile::tempdir().unwrap();
    let store = open(&server.log(), dir.path()).await.unwrap();
    for n in 0..50 {
        store.append(full_record(n)).await.unwrap();
    }
    assert_eq!(stored(&*store, &full_record(7).id).await, Some(full_record(7)), "what waits can be read");
    store.close().await.unwrap();
    server.up();
    let store = open(&server.log(), dir.path()).await.unwrap();
    replayed(&store, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_program_holds_loses_nothing_and_refuses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig { when_full: WhenFull::Refuse, ..Default::default() };
    let store = open(&config, dir.path()).await.unwrap();
    let url = format!("sqlite://{}", dir.path().join("rungs.db").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let load = Load::start(&store);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(store.state().pending > 0);
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (count, _) = load.end().await;
    replayed(&store, count).await;
    assert_eq!(ids(&*store, &DecisionFilter { limit: 1, ..Default::default() }).await, [full_record(count - 1).id]);
}

/// A router whose files may not grow beyond a megabyte: to it, the disk is full.
#[test]
fn a_full_disk_does_not_stop_serving_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let program = assert_cmd::cargo::cargo_bin("rungs");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hook = runtime.block_on(Hook::start(&[]));
    let mut router = limited(&program, port, dir.path(), &hook).stderr(Stdio::null()).spawn().unwrap();
    let served = runtime.block_on(async {
        let (client, url) = (crate::support::client(), format!("http://127.0.0.1:{port}"));
        let start = Instant::now();
        while client.get(format!("{url}/healthz")).send().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "the router does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut body = crate::support::router::question(&"long ".repeat(10_000), serde_json::json!({}));
        body["model"] = "stand-in-small".into();
        let ask = async |n: u32| {
            let answer = client.post(format!("{url}/v1/chat/completions")).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "request {n}");
        };
        futures_util::stream::iter(0..60).for_each_concurrent(8, ask).await;
        let stats: serde_json::Value =
            client.get(format!("{url}/v1/stats")).send().await.unwrap().json().await.unwrap();
        let ready = client.get(format!("{url}/readyz")).send().await.unwrap().status();
        let told = hook.told(1).await;
        let alert = &told[0].body["alerts"][0];
        assert_eq!((&alert["labels"]["alertname"], &alert["status"]), (&"DecisionLogLagging".into(), &"firing".into()));
        (stats["log"].clone(), ready)
    });
    router.kill().unwrap();
    router.wait().unwrap();
    let (log, ready) = served;
    assert!(log["pending"].as_u64() > Some(0) && log["in_memory"].as_u64() > Some(0), "{log}");
    assert!(log["error"].as_str().is_some_and(|error| error.contains("full")), "{log}");
    assert_eq!((&log["lost"], ready.as_u16()), (&0.into(), 200));
}

fn limited(program: &Path, port: u16, data: &Path, hook: &Hook) -> Command {
    let (file, secret) = (data.join("rungs.toml"), data.join("secret"));
    std::fs::write(&secret, SECRET).unwrap();
    let receiver = format!("url = '{}'\nsecret_file = [{secret:?}]\nallow_private = true", hook.url());
    std::fs::write(&file, format!("[[alerts.receivers]]\nname = 'ops'\n{receiver}\n")).unwrap();
    let mut command = Command::new("sh");
    // Blocks of 512 bytes; a write beyond is an error, not a signal.
    command.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" serve --config \"$2\" --bind \"127.0.0.1:$1\""]);
    command.arg(program).arg(port.to_string()).arg(file).env("RUNGS_DATA_DIR", data);
    command
}

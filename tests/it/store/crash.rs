//! A process that is killed while it appends, twenty times over.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rungs::config::LogConfig;
use rungs::decisions::open;

use crate::support::postgres::with_database;
use crate::support::record::{full_record, settled, stored};

const FOLDER: &str = "RUNGS_TEST_CRASH_FOLDER";
const URL: &str = "RUNGS_TEST_CRASH_URL";
const ROUND: &str = "RUNGS_TEST_CRASH_ROUND";

const KILLS: u64 = 20;
/// Acknowledgements after which the process is killed.
const ENOUGH: usize = 100;
const APPENDERS: u64 = 8;
/// Records that an appender may make in a round.
const SHARE: u64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of no_kill_loses_an_acknowledged_record"]
async fn appends_until_it_is_killed() {
    let folder = std::env::var(FOLDER).expect("run by no_kill_loses_an_acknowledged_record");
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let config = LogConfig { url_env: std::env::var_os(URL).map(|_| URL.to_owned()), ..Default::default() };
    let store = open(&config, Path::new(&folder)).await.unwrap();
    let appenders = (0..APPENDERS).map(|appender| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..SHARE {
                let n = (round * APPENDERS + appender) * SHARE + n;
                store.append(full_record(n)).await.unwrap();
                writeln!(std::io::stdout().lock(), "acknowledged {n};").unwrap();
            }
        })
    });
    for appender in appenders.collect::<Vec<_>>() {
        appender.await.unwrap();
    }
}

#[tokio::test]
async fn no_kill_loses_an_acknowledged_record_on_sqlite() {
    no_kill_loses_an_acknowledged_record(LogConfig::default()).await;
}

#[tokio::test]
async fn no_kill_loses_an_acknowledged_record_on_postgres() {
    with_database(no_kill_loses_an_acknowledged_record).await;
}

/// The server is down while processes are killed: what they acknowledged is in the journal, which is then replayed.
#[tokio::test]
async fn no_kill_loses_what_waits_in_the_journal() {
    with_database(|config| async move {
        let dir = tempfile::tempdir().unwrap();
        let down = LogConfig { url: Some("postgres://postgres@127.0.0.1:1/down".into()), ..Default::default() };
        let acknowledged: Vec<u64> = (0..4).flat_map(|round| append_and_kill(dir.path(), &down, round)).collect();
        assert!(acknowledged.len() >= 4 * ENOUGH, "the children stopped after {}", acknowledged.len());
        let store = open(&config, dir.path()).await.unwrap();
        settled(&*store).await;
        for n in acknowledged {
            assert_eq!(stored(&*store, &full_record(n).id).await, Some(full_record(n)), "record {n}");
        }
    })
    .await;
}

async fn no_kill_loses_an_acknowledged_record(config: LogConfig) {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..KILLS {
        let acknowledged = append_and_kill(dir.path(), &config, round);
        assert!(acknowledged.len() >= ENOUGH, "the child stopped after {}", acknowledged.len());
        let store = open(&config, dir.path()).await.unwrap();
        for n in acknowledged {
            let record = stored(&*store, &full_record(n).id).await;
            assert_eq!(record, Some(full_record(n)), "record {n} was acknowledged in round {round}");
        }
        store.close().await.unwrap();
    }
}

/// The records that were acknowledged before the process was gone.
fn append_and_kill(folder: &Path, config: &LogConfig, round: u64) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "store::crash::appends_until_it_is_killed"]);
    command.env(FOLDER, folder).env(ROUND, round.to_string()).stdout(Stdio::piped());
    if let Some(url) = &config.url {
        command.env(URL, url.expose());
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged: Vec<u64> = lines.by_ref().filter_map(acknowledgement).take(ENOUGH).collect();
    child.kill().unwrap();
    acknowledged.extend(lines.filter_map(acknowledgement));
    child.wait().unwrap();
    acknowledged
}

/// The number of a whole acknowledgement; the last line of a killed process may be cut.
fn acknowledgement(line: String) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.strip_suffix(';')?.parse().ok()
}

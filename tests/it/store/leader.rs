//! One of several routers leads.

use std::time::{Duration, Instant};

use rungs::config::LogConfig;
use rungs::decisions::open;
use rungs::leader::Leader;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::support::postgres::with_database;

/// A router's candidate, with what keeps it alive.
struct Candidate {
    leader: Leader,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

async fn candidate(config: &LogConfig) -> Candidate {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config, folder.path()).await.unwrap();
    let stop = CancellationToken::new();
    Candidate { leader: Leader::elect(store.database().as_ref(), stop.clone()), stop, _folder: folder }
}

async fn within_seconds(seconds: u64, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(seconds), "not within {seconds} s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn alone_with_a_file_a_router_leads() {
    assert!(candidate(&LogConfig::default()).await.leader.is_leader());
}

#[tokio::test]
async fn one_of_two_leads_and_the_other_follows_when_it_is_gone_or_cut_off() {
    with_database(|config| async move {
        let mut first = candidate(&config).await;
        first.leader.elected().await;
        let mut second = candidate(&config).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(first.leader.is_leader() && !second.leader.is_leader());
        first.stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), second.leader.elected()).await.unwrap();
        within_seconds(20, || !first.leader.is_leader()).await;

        // Its connection breaks: it steps down, and somebody leads again.
        let mut server = PgConnection::connect(config.url.as_ref().unwrap().expose()).await.unwrap();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'rungs leader' AND datname = current_database()";
        sqlx::query(cut).execute(&mut server).await.unwrap();
        assert!(!tokio::time::timeout(Duration::from_secs(20), second.leader.changed()).await.unwrap());
        tokio::time::timeout(Duration::from_secs(20), second.leader.elected()).await.unwrap();
        second.stop.cancel();
    })
    .await;
}

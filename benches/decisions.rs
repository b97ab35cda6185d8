//! Rows a second of the decision log alone: `cargo bench --bench decisions [-- SECONDS]`, on SQLite and, where
//! `RUNGS_BENCH_POSTGRES` is the URL of a database to fill, on PostgreSQL, with both durabilities, from 1, 16 and 64 tasks that each
//! wait for a row before they append the next. The clock runs until all is written; connections are opened before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rungs::config::{Durability, LogConfig, LogUrl};
use rungs::decisions::{DecisionRecord, DecisionStore, StoreError, open};
use uuid::Uuid;

/// A record as a routed request of a few hundred bytes makes it.
const RECORD: &str = include_str!("decisions/record.json");

/// How long the tasks append before they count.
const BEFORE: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5.0);
    tokio::runtime::Runtime::new()?.block_on(measure(Duration::from_secs_f64(seconds)))
}

async fn measure(window: Duration) -> anyhow::Result<()> {
    let record: DecisionRecord = serde_json::from_str(RECORD)?;
    let postgres = std::env::var("RUNGS_BENCH_POSTGRES").ok().map(|url| ("postgres", Some(LogUrl::from(url))));
    println!("{:<20} tasks   rows/s", "");
    for (engine, url) in [("sqlite", None)].into_iter().chain(postgres) {
        for (durability, name) in [(Durability::Commit, "commit"), (Durability::Relaxed, "relaxed")] {
            let config = LogConfig { url: url.clone(), durability, ..LogConfig::default() };
            for tasks in [1, 16, 64] {
                let rate = rows_a_second(&config, tasks, window, &record).await?;
                println!("{:<20} {tasks:>5} {rate:>8.0}", format!("{engine}, {name}"));
            }
        }
    }
    Ok(())
}

/// Appends for the window, on SQLite to a fresh log. A record that took the way through the journal voids the run.
async fn rows_a_second(
    config: &LogConfig,
    tasks: usize,
    window: Duration,
    record: &DecisionRecord,
) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let store = open(config, folder.path()).await?;
    append(&store, tasks, BEFORE, record).await?;
    let start = Instant::now();
    let rows = append(&store, tasks, window, record).await?;
    anyhow::ensure!(store.state().error.is_none(), "{:?}", store.state());
    // What is relaxed may still wait.
    if config.durability == Durability::Relaxed {
        store.close().await?;
    }
    let rate = rows as f64 / start.elapsed().as_secs_f64();
    store.close().await?;
    Ok(rate)
}

async fn append(
    store: &Arc<dyn DecisionStore>,
    tasks: usize,
    window: Duration,
    record: &DecisionRecord,
) -> anyhow::Result<usize> {
    let until = Instant::now() + window;
    let append = |_| tokio::spawn(append_some(Arc::clone(store), until, record.clone()));
    let mut rows = 0;
    for task in (0..tasks).map(append).collect::<Vec<_>>() {
        rows += task.await??;
    }
    Ok(rows)
}

async fn append_some(
    store: Arc<dyn DecisionStore>,
    until: Instant,
    record: DecisionRecord,
) -> Result<usize, StoreError> {
    let mut rows = 0;
    while Instant::now() < until {
        store.append(DecisionRecord { id: Uuid::now_v7().to_string(), ..record.clone() }).await?;
        rows += 1;
    }
    Ok(rows)
}

//! Rows a second of the decision log alone, each durable before its append returns: on SQLite and, where
//! `RUNGS_BENCH_POSTGRES` is the URL of a database to fill, on PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rungs::config::{Durability, LogConfig, LogUrl};
use rungs::decisions::{DecisionRecord, DecisionStore, StoreError, open};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A record as a routed request of a few hundred bytes makes it.
const RECORD: &str = include_str!("decisions/record.json");

fn append(criterion: &mut Criterion) {
    let runtime = done(Runtime::new());
    let record: DecisionRecord = done(serde_json::from_str(RECORD));
    let mut group = criterion.benchmark_group("decisions/append");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(8)).sample_size(20);
    let postgres = std::env::var("RUNGS_BENCH_POSTGRES").ok().map(|url| ("postgres", Some(LogUrl::from(url))));
    for (engine, url) in [("sqlite", None)].into_iter().chain(postgres) {
        for (durability, name) in [(Durability::Commit, "commit"), (Durability::Relaxed, "relaxed")] {
            let config = LogConfig { url: url.clone(), durability, ..LogConfig::default() };
            for appenders in [1, 16, 64] {
                group.bench_function(BenchmarkId::new(format!("{engine}/{name}"), appenders), |bencher| {
                    bencher.iter_custom(|rows| done(runtime.block_on(run(&config, appenders, rows, &record))));
                });
            }
        }
    }
    group.finish();
}

/// Appends `rows` records from `appenders` tasks and closes the log, on SQLite a fresh one; gives the time that it took.
/// A record that took the way through the journal voids the run.
async fn run(config: &LogConfig, appenders: u64, rows: u64, record: &DecisionRecord) -> anyhow::Result<Duration> {
    let folder = tempfile::tempdir()?;
    let store = open(config, folder.path()).await?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..appenders)
        .map(|appender| {
            let share = rows / appenders + u64::from(appender < rows % appenders);
            tokio::spawn(append_some(Arc::clone(&store), share, record.clone()))
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    anyhow::ensure!(store.state().error.is_none(), "{:?}", store.state());
    store.close().await?;
    Ok(start.elapsed())
}

async fn append_some(store: Arc<dyn DecisionStore>, rows: u64, record: DecisionRecord) -> Result<(), StoreError> {
    for _ in 0..rows {
        store.append(DecisionRecord { id: Uuid::now_v7().to_string(), ..record.clone() }).await?;
    }
    Ok(())
}

/// A benchmark of a failure would mean nothing.
fn done<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        std::process::exit(1)
    })
}

criterion_group!(benches, append);
criterion_main!(benches);

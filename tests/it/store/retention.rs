//! What is older than it may become goes, and nothing else.

use std::path::Path;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use rungs::config::LogConfig;
use rungs::decisions::{DecisionFilter, DecisionRecord, DecisionStore, open};

use super::behaviour::ids;
use crate::support::postgres::with_database;
use crate::support::record::{full_record, id_at, settled, stored};

fn record_of(at: Timestamp) -> DecisionRecord {
    DecisionRecord { id: id_at(at), at, ..full_record(0) }
}

async fn open_for(config: &LogConfig, dir: &Path, records: f64, contents: f64) -> Arc<dyn DecisionStore> {
    let config = LogConfig { keep_days: Some(records), keep_content_days: Some(contents), ..config.clone() };
    open(&config, dir).await.unwrap()
}

/// 2,500 old records, more than one step deletes, one whose contents alone are too old, and a new one.
async fn old_records_go_in_steps(config: LogConfig) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_for(&config, dir.path(), 36_000.0, 36_000.0).await;
    let now = Timestamp::now();
    let ago = |hours: i64| now.checked_sub(hours.hours()).unwrap();
    let old = (0..2_500).map(|n| record_of(ago(24 * 30).checked_sub(n.seconds()).unwrap()));
    let appends = old.chain([record_of(ago(48)), record_of(now)]).map(|record| store.append(record));
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap();
    }
    settled(&*store).await;
    assert_eq!(store.expire(now).await.unwrap(), 0);
    store.close().await.unwrap();

    let store = open_for(&config, dir.path(), 7.0, 1.0).await;
    store.expire(now).await.unwrap();
    let all = DecisionFilter { limit: 1000, ..Default::default() };
    assert_eq!(ids(&*store, &all).await, [id_at(now), id_at(ago(48))]);
    assert_eq!(stored(&*store, &id_at(now)).await, Some(record_of(now)));
    let without = DecisionRecord { request: None, answer: None, ..record_of(ago(48)) };
    assert_eq!(stored(&*store, &id_at(ago(48))).await, Some(without));
    assert_eq!(store.expire(now).await.unwrap(), 0, "nothing is left to delete");
}

#[tokio::test]
async fn old_records_go_in_steps_on_sqlite() {
    old_records_go_in_steps(LogConfig::default()).await;
}

#[tokio::test]
async fn old_records_go_in_steps_on_postgres() {
    with_database(old_records_go_in_steps).await;
}

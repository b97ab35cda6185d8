//! What is particular to the SQLite file.

use std::path::Path;

use rungs::config::{Durability, LogConfig};
use rungs::decisions::{DecisionFilter, open};

use super::behaviour::ids;
use super::fresh;
use crate::support::record::{full_record, stored};

#[tokio::test]
async fn relaxed_records_follow_within_a_second_and_close_flushes_them() {
    let dir = tempfile::tempdir().unwrap();
    let relaxed = LogConfig { durability: Durability::Relaxed, ..Default::default() };
    let store = open(&relaxed, dir.path()).await.unwrap();
    store.append(full_record(1)).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(1);
    while store.get(&full_record(1).id).await.unwrap().is_none() {
        assert!(std::time::Instant::now() < deadline, "the record did not follow within a second");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for n in 2..500 {
        store.append(full_record(n)).await.unwrap();
    }
    store.close().await.unwrap();
    let reopened = fresh(&dir).await;
    assert_eq!(ids(&*reopened, &DecisionFilter { limit: 1000, ..Default::default() }).await.len(), 499);
}

#[tokio::test]
async fn records_survive_reopening_and_the_write_ahead_log_is_folded_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    store.append(full_record(7)).await.unwrap();
    assert!(store.get(&full_record(7).id).await.unwrap().is_some());
    store.close().await.unwrap();
    assert!(!dir.path().join("rungs.db-wal").exists());
    assert_eq!(stored(&*fresh(&dir).await, &full_record(7).id).await, Some(full_record(7)));
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_file_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a/b");
    open(&LogConfig::default(), &folder).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("rungs.db")), 0o600);
}

#[tokio::test]
async fn a_log_of_the_first_schema_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("rungs.db").display());
    let old = sqlx::SqlitePool::connect(&url).await.unwrap();
    let first = include_str!("../../../src/decisions/migrations/sqlite/0001_decisions.sql");
    sqlx::raw_sql(first).execute(&old).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
             execution_time BIGINT NOT NULL)",
    )
    .execute(&old)
    .await
    .unwrap();
    let checksum = sqlx::migrate!("src/decisions/migrations/sqlite").migrations[0].checksum.to_vec();
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (1, 'decisions', '', true, ?, 0)")
        .bind(checksum)
        .execute(&old)
        .await
        .unwrap();
    let mut record = full_record(1);
    let (request, answer) = (record.request.take().unwrap().to_string(), "it's \"42\"\n\u{1f980}");
    record.answer = None;
    sqlx::query(
        "INSERT INTO decisions (id, at, requested_model, cause, outcome, propensity, escalations, streamed, stand_in,
             input_tokens, output_tokens, cached_tokens, latency_ms, decide_ms, record)
         VALUES (?, 0, 'auto', 'score', 'served', 1, 0, 0, 0, 0, 0, 0, 0, 0, ?)",
    )
    .bind(&record.id)
    .bind(serde_json::to_string(&record).unwrap())
    .execute(&old)
    .await
    .unwrap();
    sqlx::query("INSERT INTO contents VALUES (?, ?, ?)")
        .bind(&record.id)
        .bind(request)
        .bind(answer)
        .execute(&old)
        .await
        .unwrap();
    old.close().await;
    let found = fresh(&dir).await.get(&record.id).await.unwrap().unwrap();
    assert_eq!((found.request, found.answer.as_deref()), (full_record(1).request, Some(answer)));
}

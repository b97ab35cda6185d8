//! Logs that cannot be opened, and what is said of them.

use std::path::Path;

use rungs::config::LogConfig;
use rungs::decisions::open;

use super::fresh;

async fn refusal(config: &LogConfig, data_dir: &Path) -> String {
    match open(config, data_dir).await {
        Ok(_) => panic!("opened {}", data_dir.display()),
        Err(error) => error.to_string(),
    }
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let error = refusal(&LogConfig::default(), &dir.path().join("file/below")).await;
    assert_says(&error, &["file/below/rungs.db", "cannot be opened", "set log.url or data_dir"]);
}

#[tokio::test]
async fn a_file_that_is_not_a_database() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rungs.db"), "not a database, but long enough to have a header".repeat(50)).unwrap();
    let error = refusal(&LogConfig::default(), dir.path()).await;
    assert_says(&error, &["rungs.db", "damaged or not a SQLite database", "move it away"]);
}

#[tokio::test]
async fn a_newer_schema() {
    let dir = tempfile::tempdir().unwrap();
    fresh(&dir).await.close().await.unwrap();
    let url = format!("sqlite://{}", dir.path().join("rungs.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let error = refusal(&LogConfig::default(), dir.path()).await;
    assert_says(&error, &["9999", "newer than this program", "a later one"]);
}

#[tokio::test]
async fn an_url_that_keeps_nothing_or_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let with = |url: &str| LogConfig { url: Some(url.into()), ..Default::default() };
    assert_says(&refusal(&with("sqlite::memory:"), dir.path()).await, &["log.url", "keeps nothing"]);
    assert_says(&refusal(&with("sqlite://x?mode=never"), dir.path()).await, &["log.url", "sqlite:///var/lib"]);
}

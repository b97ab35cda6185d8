//! What is particular to PostgreSQL.

use jiff::{Timestamp, ToSpan};
use rungs::config::LogConfig;
use rungs::decisions::{DecisionFilter, DecisionRecord, open};
use sqlx::{Connection, PgConnection, Row};

use super::behaviour::ids;
use crate::support::postgres::with_database;
use crate::support::record::{bare_record, full_record, id_at, settled};

async fn connect(config: &LogConfig) -> PgConnection {
    PgConnection::connect(config.url.as_ref().unwrap().expose()).await.unwrap()
}

/// The partitions that a record of a table lies in.
async fn partition_of(connection: &mut PgConnection, table: &str, key: &str, id: &str) -> String {
    let text = format!("SELECT tableoid::regclass::text FROM {table} WHERE {key} = $1 LIMIT 1");
    sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).fetch_one(connection).await.unwrap().get(0)
}

#[tokio::test]
async fn records_lie_in_the_partition_of_their_month_which_goes_as_a_whole() {
    with_database(|config| async move {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let new = DecisionRecord { id: id_at(now), at: now, ..full_record(0) };
        let store = open(&config, dir.path()).await.unwrap();
        for record in [new.clone(), full_record(1)] {
            store.append(record).await.unwrap();
        }
        settled(&*store).await;
        let mut connection = connect(&config).await;
        let month = format!("p{}", now.strftime("%Y%m"));
        for (table, key) in [("decisions", "id"), ("attempts", "decision_id"), ("contents", "decision_id")] {
            assert_eq!(partition_of(&mut connection, table, key, &new.id).await, format!("{table}_{month}"));
            assert_eq!(partition_of(&mut connection, table, key, &full_record(1).id).await, format!("{table}_rest"));
        }
        store.close().await.unwrap();

        let short = LogConfig { keep_days: Some(1.0), ..config };
        let store = open(&short, dir.path()).await.unwrap();
        store.expire(now.checked_add(1_600.hours()).unwrap()).await.unwrap();
        assert_eq!(store.get(&new.id).await.unwrap(), None);
        let left = "SELECT count(*) FROM pg_class WHERE relname LIKE '%' || $1";
        let left: i64 = sqlx::query(left).bind(&month).fetch_one(&mut connection).await.unwrap().get(0);
        assert_eq!(left, 0, "the partitions of {month} are still there");
    })
    .await;
}

#[tokio::test]
async fn several_routers_write_one_log() {
    with_database(|config| async move {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        // Both bring the schema up to date at once.
        let (a, b) = tokio::join!(open(&config, dirs[0].path()), open(&config, dirs[1].path()));
        let (a, b) = (a.unwrap(), b.unwrap());
        let appends = (0..200).map(|n| if n % 2 == 0 { a.append(bare_record(n)) } else { b.append(bare_record(n)) });
        for appended in futures_util::future::join_all(appends).await {
            appended.unwrap();
        }
        settled(&*a).await;
        settled(&*b).await;
        let all = DecisionFilter { limit: 1000, ..Default::default() };
        assert_eq!(ids(&*a, &all).await.len(), 200);
        assert_eq!(ids(&*a, &all).await, ids(&*b, &all).await);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    with_database(|config| async move {
        let dir = tempfile::tempdir().unwrap();
        let url = config.url.as_ref().unwrap().expose().replace("postgres@", "postgres:s3cret@");
        let nowhere = LogConfig { url: Some(format!("{url}_nowhere").into()), ..Default::default() };
        let Err(error) = open(&nowhere, dir.path()).await else { panic!("opened a database that is not there") };
        assert!(error.0.contains("_nowhere cannot be opened") && error.0.contains("does not exist"), "{error}");
        assert!(!error.0.contains("s3cret"), "{error}");

        open(&config, dir.path()).await.unwrap().close().await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', true, '\\x00', 0)",
        )
        .execute(&mut connect(&config).await)
        .await
        .unwrap();
        let Err(error) = open(&config, dir.path()).await else { panic!("opened a newer schema") };
        assert!(error.0.contains("9999") && error.0.contains("newer than this program"), "{error}");
    })
    .await;
}

//! A database of its own for a test, on the PostgreSQL server that `RUNGS_TEST_POSTGRES` names.
//!
//! Without a server the tests skip, visibly; with `RUNGS_REQUIRE_POSTGRES` set they fail instead.

use std::panic::resume_unwind;

use rungs::config::LogConfig;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where a server is looked for: a user that may create databases.
const USUAL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// Runs a test with the configuration of an empty database, and drops the database when it has ended, well or not.
pub(crate) async fn with_database<F>(test: impl FnOnce(LogConfig) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = std::env::var("RUNGS_TEST_POSTGRES").unwrap_or_else(|_| USUAL.to_owned());
    let mut admin = match PgConnection::connect(&server).await {
        Ok(admin) => admin,
        Err(error) => {
            assert!(std::env::var_os("RUNGS_REQUIRE_POSTGRES").is_none(), "no PostgreSQL: {error}");
            eprintln!("skipped: no PostgreSQL (RUNGS_TEST_POSTGRES names a server): {error}");
            return;
        }
    };
    let name = format!("rungs_test_{}", uuid::Uuid::new_v4().simple());
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let (before, _) = server.rsplit_once('/').unwrap();
    let config = LogConfig { url: Some(format!("{before}/{name}").into()), ..Default::default() };
    let ended = tokio::spawn(test(config)).await;
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut admin).await.unwrap();
    if let Err(error) = ended {
        resume_unwind(error.into_panic());
    }
}

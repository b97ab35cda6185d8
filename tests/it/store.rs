//! The decision log: what every store must do, on every engine, and what is particular to each.

mod behaviour;
#[cfg(unix)]
mod crash;
mod leader;
#[cfg(unix)]
mod outage;
mod postgres;
mod retention;
mod sqlite;
mod unusable;
#[cfg(target_os = "linux")]
mod whole;

use std::sync::Arc;

use rungs::config::LogConfig;
use rungs::decisions::{DecisionStore, open};

/// The store of a folder.
async fn fresh(dir: &tempfile::TempDir) -> Arc<dyn DecisionStore> {
    open(&LogConfig::default(), dir.path()).await.unwrap()
}

/// Runs a behaviour on both engines.
macro_rules! on_both {
    ($($behaviour:ident),* $(,)?) => {$(
        mod $behaviour {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let dir = tempfile::tempdir().unwrap();
                behaviour::$behaviour(&fresh(&dir).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                crate::support::postgres::with_database(|config| async move {
                    let dir = tempfile::tempdir().unwrap();
                    behaviour::$behaviour(&open(&config, dir.path()).await.unwrap()).await;
                })
                .await;
            }
        }
    )*};
}

on_both!(
    records_come_back_field_by_field,
    a_second_append_of_an_id_changes_nothing,
    paging_has_no_gaps_or_repeats_while_rows_are_added,
    filters_narrow_and_combine,
    what_clients_call_things_is_found_whatever_it_is,
    a_thousand_concurrent_appends_all_arrive,
    each_record_names_the_one_before_it,
    feedback_stands_beside_the_record,
    others_keep_what_they_derive_beside_the_log,
    a_closed_store_refuses,
);

//! Behaviour of every decision store, written against the trait, and what is particular to SQLite.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::{Timestamp, ToSpan};
use rungs::chat::Usage;
use rungs::config::{Durability, LogConfig};
use rungs::decisions::{
    Attempt, AttemptStatus, CallFailure, Cap, CheckResult, CheckVerdict, DecisionFilter, DecisionRecord, DecisionStore,
    EscalationReason, Form, Outcome, Posterior, Purpose, Signals, open,
};
use rungs::difficulty::Acceptability;
use rungs::policy::Cause;
use serde_json::json;

/// A record in which every field is set, the `n`th of its kind.
fn full_record(n: u64) -> DecisionRecord {
    let start: Timestamp = "2026-03-04T05:06:07.123456789Z".parse().unwrap();
    DecisionRecord {
        id: format!("0195-{n:08}"),
        at: start.checked_add(i64::try_from(n).unwrap().seconds()).unwrap(),
        route: Some("support".to_owned()),
        task: Some("task-1".to_owned()),
        tenant: Some("tenant \u{1f980} \"quoted\"".to_owned()),
        requested_model: "auto".to_owned(),
        cause: Cause::ContextWindow,
        model_version: Some("v1".to_owned()),
        p: IndexMap::from([
            ("small".to_owned(), Acceptability::new(0.1)),
            ("large".into(), Acceptability::new(1.0 / 3.0)),
        ]),
        score: Some(1.0 / 3.0 - 0.1),
        threshold: Some(0.2),
        novelty: Some(f64::MIN_POSITIVE),
        rungs: vec!["small".to_owned(), "large".to_owned()],
        propensity: 0.98,
        outcome: Outcome::Served,
        tier: Some("large".to_owned()),
        model: Some("large-2026".to_owned()),
        escalations: 1,
        streamed: true,
        stand_in: true,
        usage: Usage {
            cached_tokens: 64,
            cache_write_5m_tokens: 8,
            cache_write_1h_tokens: 4,
            reasoning_tokens: 2,
            batch: true,
            ..Usage::new(118, 9)
        },
        cost_usd: Some(0.000_12),
        latency_ms: 310.25,
        ttft_ms: Some(300.125),
        decide_ms: 0.07,
        cap: Some(Cap::Cost),
        error: Some("none".to_owned()),
        config: "abcdef".to_owned(),
        request: Some(json!({"model": "auto", "messages": [{"role": "user", "content": "a\u{0}b"}], "seed": 1.10})),
        answer: Some("it's 42\n".to_owned()),
        attempts: vec![
            Attempt {
                status: AttemptStatus::Rejected,
                reason: Some(EscalationReason::LowLogprob),
                error: Some("low".to_owned()),
                ..attempt("small")
            },
            attempt("large"),
        ],
    }
}

fn attempt(tier: &str) -> Attempt {
    Attempt {
        tier: tier.to_owned(),
        purpose: Purpose::Answer,
        status: AttemptStatus::Accepted,
        reason: None,
        signals: Signals {
            mean_logprob: Some(-0.9),
            agreement: Some(2.0 / 3.0),
            form: Some(Form::Unchecked),
            posterior: Some(Posterior { own: 0.25, above: 0.75, price: 0.125 }),
        },
        checks: vec![CheckResult {
            name: "tests".to_owned(),
            verdict: CheckVerdict::Pass,
            score: Some(0.75),
            error: None,
            took_ms: 1.5,
        }],
        usage: Some(Usage { cached_tokens: 32, ..Usage::new(59, 4) }),
        cost_usd: Some(0.000_06),
        started_ms: 0.2,
        latency_ms: 150.0,
        finish_reason: Some("stop".to_owned()),
        model: Some(format!("{tier}-2026")),
        error: None,
        endpoint: Some("eu.example.com".to_owned()),
        failed_calls: vec![CallFailure {
            endpoint: "us.example.com".to_owned(),
            error: "answered with status 500".to_owned(),
            latency_ms: 3.5,
        }],
    }
}

fn bare_record(n: u64) -> DecisionRecord {
    DecisionRecord {
        route: None,
        task: None,
        tenant: None,
        model_version: None,
        p: IndexMap::new(),
        score: None,
        threshold: None,
        novelty: None,
        tier: None,
        model: None,
        cost_usd: None,
        ttft_ms: None,
        error: None,
        request: None,
        answer: None,
        attempts: vec![],
        ..full_record(n)
    }
}

async fn ids(store: &dyn DecisionStore, filter: &DecisionFilter) -> Vec<String> {
    store.list(filter).await.unwrap().decisions.into_iter().map(|record| record.id).collect()
}

/// What every store must do.
mod behaviour {
    use super::*;

    pub(super) async fn records_come_back_field_by_field(store: &dyn DecisionStore) {
        for record in [full_record(1), bare_record(2)] {
            store.append(record.clone()).await.unwrap();
            assert_eq!(store.get(&record.id).await.unwrap(), Some(record));
        }
        assert_eq!(store.get("nothing").await.unwrap(), None);
        let listed = store.list(&DecisionFilter { limit: 10, ..Default::default() }).await.unwrap();
        assert_eq!(listed.decisions, [bare_record(2), full_record(1)]);
        assert_eq!(listed.next, None);
        let bare = DecisionFilter { limit: 10, without_content: true, ..Default::default() };
        let without = DecisionRecord { request: None, answer: None, ..full_record(1) };
        assert_eq!(store.list(&bare).await.unwrap().decisions, [bare_record(2), without]);
    }

    pub(super) async fn a_second_append_of_an_id_changes_nothing(store: &dyn DecisionStore) {
        store.append(full_record(1)).await.unwrap();
        store.append(DecisionRecord { route: Some("other".into()), attempts: vec![], ..full_record(1) }).await.unwrap();
        assert_eq!(store.get(&full_record(1).id).await.unwrap(), Some(full_record(1)));
    }

    pub(super) async fn paging_has_no_gaps_or_repeats_while_rows_are_added(store: &dyn DecisionStore) {
        for n in 0..25 {
            store.append(bare_record(n)).await.unwrap();
        }
        let (mut seen, mut before) = (Vec::new(), None);
        for added in 100.. {
            let page = store.list(&DecisionFilter { limit: 7, before, ..Default::default() }).await.unwrap();
            seen.extend(page.decisions.into_iter().map(|record| record.id));
            store.append(bare_record(added)).await.unwrap();
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let expected: Vec<_> = (0..25).rev().map(|n| bare_record(n).id).collect();
        assert_eq!(seen, expected);
    }

    pub(super) async fn filters_narrow_and_combine(store: &dyn DecisionStore) {
        let with = |n, f: fn(&mut DecisionRecord)| {
            let mut record = full_record(n);
            f(&mut record);
            record
        };
        for record in [
            with(0, |_| {}),
            with(1, |r| r.route = Some("math".into())),
            with(2, |r| r.tier = Some("small".into())),
            with(3, |r| r.tenant = None),
            with(4, |r| r.task = Some("task-2".into())),
        ] {
            store.append(record).await.unwrap();
        }
        let all = DecisionFilter { limit: 100, ..Default::default() };
        let one = |n| vec![full_record(n).id];
        assert_eq!(ids(store, &DecisionFilter { route: Some("math".into()), ..all.clone() }).await, one(1));
        assert_eq!(ids(store, &DecisionFilter { tier: Some("small".into()), ..all.clone() }).await, one(2));
        assert_eq!(ids(store, &DecisionFilter { task: Some("task-2".into()), ..all.clone() }).await, one(4));
        let tenant = DecisionFilter { tenant: full_record(0).tenant, ..all.clone() };
        assert_eq!(ids(store, &tenant).await.len(), 4);
        let since = DecisionFilter { since: Some(full_record(3).at), ..tenant };
        assert_eq!(ids(store, &since).await, one(4));
        assert_eq!(ids(store, &DecisionFilter { limit: 0, ..all }).await, one(4), "a limit of 0 is taken as 1");
    }

    pub(super) async fn a_thousand_concurrent_appends_all_arrive(store: Arc<dyn DecisionStore>) {
        let appends: Vec<_> = (0..1000)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { store.append(full_record(n)).await })
            })
            .collect();
        for append in appends {
            append.await.unwrap().unwrap();
        }
        let page = ids(&*store, &DecisionFilter { limit: 1000, ..Default::default() }).await;
        assert_eq!(page.iter().collect::<HashSet<_>>().len(), 1000);
    }

    pub(super) async fn a_closed_store_refuses(store: &dyn DecisionStore) {
        store.close().await.unwrap();
        store.close().await.unwrap();
        assert!(store.append(full_record(1)).await.unwrap_err().0.contains("closed"));
    }
}

async fn fresh(dir: &tempfile::TempDir) -> Arc<dyn DecisionStore> {
    open(&LogConfig::default(), dir.path()).await.unwrap()
}

macro_rules! on_sqlite {
    ($($behaviour:ident),*) => {$(
        #[tokio::test]
        async fn $behaviour() {
            let dir = tempfile::tempdir().unwrap();
            behaviour::$behaviour(&*fresh(&dir).await).await;
        }
    )*};
}

on_sqlite!(
    records_come_back_field_by_field,
    a_second_append_of_an_id_changes_nothing,
    paging_has_no_gaps_or_repeats_while_rows_are_added,
    filters_narrow_and_combine,
    a_closed_store_refuses
);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_concurrent_appends_all_arrive() {
    let dir = tempfile::tempdir().unwrap();
    behaviour::a_thousand_concurrent_appends_all_arrive(fresh(&dir).await).await;
}

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
    assert_eq!(fresh(&dir).await.get(&full_record(7).id).await.unwrap(), Some(full_record(7)));
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

mod unusable {
    use super::*;

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
        std::fs::write(dir.path().join("rungs.db"), "not a database, but long enough to have a header".repeat(50))
            .unwrap();
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
        let with = |url: &str| LogConfig { url: Some(url.to_owned()), ..Default::default() };
        assert_says(&refusal(&with("sqlite::memory:"), dir.path()).await, &["log.url", "keeps nothing"]);
        assert_says(&refusal(&with("sqlite://x?mode=never"), dir.path()).await, &["log.url", "sqlite:///var/lib"]);
    }
}

/// A process that is killed while it appends.
#[cfg(unix)]
mod crash {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    const FOLDER: &str = "RUNGS_TEST_CRASH_FOLDER";

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "the child of every_acknowledged_record_survives_a_kill"]
    async fn appends_until_it_is_killed() {
        let folder = std::env::var(FOLDER).expect("run by every_acknowledged_record_survives_a_kill");
        let store = open(&LogConfig::default(), Path::new(&folder)).await.unwrap();
        let appenders = (0..8).map(|appender| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..100_000 {
                    let record = full_record(appender * 100_000 + n);
                    let id = record.id.clone();
                    store.append(record).await.unwrap();
                    writeln!(std::io::stdout().lock(), "acknowledged {id}").unwrap();
                }
            })
        });
        for appender in appenders.collect::<Vec<_>>() {
            appender.await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_acknowledged_record_survives_a_kill() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "store::crash::appends_until_it_is_killed"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledged: Vec<String> = lines.by_ref().filter_map(acknowledgement).take(300).collect();
        child.kill().unwrap();
        acknowledged.extend(lines.filter_map(acknowledgement));
        child.wait().unwrap();
        assert!(acknowledged.len() >= 300, "the child stopped after {}", acknowledged.len());

        let store = fresh(&dir).await;
        for id in &acknowledged {
            let record = store.get(id).await.unwrap();
            assert_eq!(record.map(|record| record.attempts.len()), Some(2), "{id} was acknowledged and is gone");
        }
    }

    /// The id of a whole acknowledgement; the last line of a killed process may be cut.
    fn acknowledgement(line: String) -> Option<String> {
        line.strip_prefix("acknowledged ").filter(|id| id.len() == full_record(0).id.len()).map(str::to_owned)
    }
}

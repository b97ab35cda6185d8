use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;

use super::super::journal::Journal;
use super::super::keeper::{Sink, SinkError};
use super::*;

/// Fails so many times, then counts what it is given.
#[derive(Default)]
struct Flaky {
    failures: AtomicUsize,
    /// Refuses groups that hold this id.
    poison: Option<String>,
    written: std::sync::Mutex<Vec<String>>,
    writes: AtomicUsize,
}

impl Flaky {
    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }
}

#[async_trait]
impl Sink for Flaky {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Err(SinkError::Unavailable(StoreError("down".to_owned())));
        }
        if rows.iter().any(|row| Some(row.id()) == self.poison.as_deref()) {
            return Err(SinkError::Refused(StoreError("no such thing".to_owned())));
        }
        self.written.lock().unwrap().extend(rows.iter().map(|row| row.id().to_owned()));
        Ok(())
    }
}

struct Rig {
    sink: Arc<Flaky>,
    writer: Writer,
    meter: Arc<Meter>,
    journal: Arc<Journal>,
    closing: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn new(failures: usize, durability: Durability, when_full: WhenFull, journal_bytes: u64) -> Self {
        Self::with(Flaky { failures: failures.into(), ..Default::default() }, durability, when_full, journal_bytes)
            .await
    }

    async fn with(sink: Flaky, durability: Durability, when_full: WhenFull, journal_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), journal_bytes).await.unwrap();
        let (sink, meter, closing) = (Arc::new(sink), Arc::new(Meter::default()), CancellationToken::new());
        let keeper = Keeper::start(Arc::clone(&sink) as _, journal, Arc::clone(&meter), closing.clone());
        let journal = Arc::clone(&keeper.journal);
        let writer = Writer::start(keeper, durability, when_full, Arc::clone(&meter));
        Self { sink, writer, meter, journal, closing, _folder: folder }
    }

    /// Waits until nothing is pending.
    async fn replayed(&self) {
        for _ in 0..1000 {
            if self.meter.state(false).pending == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still pending: {:?}", self.meter.state(false));
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

fn row(n: usize) -> Row {
    large_row(n, 1)
}

fn large_row(n: usize, bytes: usize) -> Row {
    let record = json!({
        "id": format!("{n:04}"), "at": "2026-01-02T03:04:05Z", "requested_model": "auto", "cause": "score", "p": {},
        "rungs": ["a", "b"], "propensity": 1.0, "outcome": "served", "escalations": 0, "streamed": false,
        "stand_in": false, "usage": {"input_tokens": 1, "output_tokens": 2}, "latency_ms": 1.5, "decide_ms": 0.5,
        "config": "c", "request": {"model": "auto"}, "answer": "x".repeat(bytes), "attempts": []
    });
    Row::new(serde_json::from_value(record).unwrap()).unwrap()
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("{n:04}")).collect()
}

const ROOMY: u64 = 64 << 20;

#[tokio::test]
async fn what_waits_together_is_written_together() {
    let rig = Rig::new(0, Durability::Commit, WhenFull::Serve, ROOMY).await;
    for result in futures_util::future::join_all((0..100).map(|n| rig.writer.append(row(n)))).await {
        result.unwrap();
    }
    assert_eq!((rig.sink.written().len(), rig.sink.writes.load(Ordering::SeqCst)), (100, 1));
}

#[tokio::test]
async fn what_the_database_does_not_take_waits_in_the_journal_and_follows_in_order_and_once() {
    let rig = Rig::new(3, Durability::Commit, WhenFull::Refuse, ROOMY).await;
    for n in 0..20 {
        rig.writer.append(row(n)).await.unwrap();
    }
    rig.replayed().await;
    rig.writer.append(row(20)).await.unwrap();
    assert_eq!(rig.sink.written(), ids(0..21));
    assert_eq!((rig.journal.pending(), rig.meter.state(true).error), (0, None));
}

#[tokio::test]
async fn a_record_that_the_database_refuses_holds_up_no_other() {
    let sink = Flaky { poison: Some("0003".to_owned()), ..Default::default() };
    let rig = Rig::with(sink, Durability::Commit, WhenFull::Refuse, ROOMY).await;
    for appended in futures_util::future::join_all((0..6).map(|n| rig.writer.append(row(n)))).await {
        appended.unwrap();
    }
    rig.replayed().await;
    assert_eq!(rig.sink.written(), ids([0, 1, 2, 4, 5]));
}

#[tokio::test]
async fn relaxed_rows_wait_for_the_database_to_come_back() {
    let rig = Rig::new(3, Durability::Relaxed, WhenFull::Serve, ROOMY).await;
    rig.writer.append(row(1)).await.unwrap();
    rig.writer.close().await.unwrap();
    rig.replayed().await;
    assert_eq!(rig.sink.written(), ids([1]));
}

#[tokio::test]
async fn where_nothing_takes_rows_callers_are_refused_if_so_configured() {
    let rig = Rig::new(usize::MAX, Durability::Commit, WhenFull::Refuse, 1).await;
    let results = futures_util::future::join_all((0..3).map(|n| rig.writer.append(large_row(n, 1 << 17)))).await;
    assert!(results.iter().all(|result| result.as_ref().is_err_and(|error| error.0.contains("full"))), "{results:?}");
    assert!(!rig.meter.state(true).takes_records && rig.meter.state(false).takes_records);
}

#[tokio::test]
async fn or_served_and_their_rows_held_until_there_is_a_place() {
    let rig = Rig::new(6, Durability::Commit, WhenFull::Serve, 1).await;
    for n in 0..5 {
        rig.writer.append(large_row(n, 1 << 17)).await.unwrap();
    }
    assert!(rig.meter.state(false).in_memory > 0);
    rig.replayed().await;
    assert_eq!((rig.sink.written(), rig.meter.state(false).lost), (ids(0..5), 0));
}

#[tokio::test]
async fn memory_is_bounded_and_what_is_lost_is_counted() {
    let rig = Rig::new(usize::MAX, Durability::Commit, WhenFull::Serve, 1).await;
    rig.writer.append(large_row(0, ROOM)).await.unwrap();
    rig.writer.append(large_row(1, ROOM)).await.unwrap();
    let state = rig.meter.state(false);
    assert_eq!((state.in_memory, state.lost), (1, 1));
    assert!(rig.writer.close().await.unwrap_err().0.contains("1 records are lost"));
    assert_eq!(rig.meter.state(false).lost, 2);
}

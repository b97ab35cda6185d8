use std::io::Write;

use serde_json::json;

use super::*;

fn row(n: usize) -> Row {
    let record = json!({
        "id": format!("{n:04}"), "at": "2026-01-02T03:04:05Z", "requested_model": "auto", "cause": "score", "p": {},
        "rungs": ["a", "b"], "propensity": 1.0, "outcome": "served", "escalations": 0, "streamed": false,
        "stand_in": false, "usage": {"input_tokens": 1, "output_tokens": 2}, "latency_ms": 1.5, "decide_ms": 0.5,
        "config": "c", "request": {"model": "auto"}, "answer": "a\u{0}b", "attempts": []
    });
    Row::new(serde_json::from_value(record).unwrap()).unwrap()
}

async fn open(file: &Path) -> Journal {
    Journal::open(file, 1 << 20).await.unwrap()
}

async fn ids(journal: &Journal) -> Vec<String> {
    let batch = journal.oldest(1000).await.unwrap();
    batch.into_iter().flat_map(|batch| batch.records).map(|record| record.id).collect()
}

#[tokio::test]
async fn records_come_out_in_order_until_they_are_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("j.db")).await;
    for n in [5, 3, 4, 3] {
        journal.append(&[row(n)]).await.unwrap();
    }
    assert_eq!((journal.pending(), ids(&journal).await), (3, vec!["0005".to_owned(), "0003".into(), "0004".into()]));
    let first = journal.oldest(2).await.unwrap().unwrap();
    assert_eq!(first.records[0].answer.as_deref(), Some("a\u{0}b"));
    assert_eq!(journal.get("0004").await.unwrap().map(|record| record.id), Some("0004".to_owned()));
    journal.remove(first.last).await.unwrap();
    assert_eq!((journal.pending(), ids(&journal).await), (1, vec!["0004".to_owned()]));
}

#[tokio::test]
async fn it_is_bounded_and_takes_records_again_when_some_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("j.db")).await;
    let mut n = 0;
    while journal.append(&[row(n)]).await.is_ok() {
        n += 1;
    }
    assert!(journal.append(&[row(n)]).await.unwrap_err().0.contains("full"));
    assert_eq!((journal.pending(), ids(&journal).await.len()), (n as u64, n.min(1000)));
    journal.remove(500).await.unwrap();
    journal.append(&[row(n)]).await.unwrap();
    assert_eq!(journal.pending(), n as u64 - 499);
}

/// What a process leaves that is killed in the middle of a write: the end of the write-ahead log is torn.
#[tokio::test]
async fn a_torn_tail_costs_only_what_was_not_yet_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (live, torn) = (folder.path().join("live.db"), folder.path().join("torn.db"));
    let journal = open(&live).await;
    for n in 0..10 {
        journal.append(&[row(n)]).await.unwrap();
    }
    std::fs::copy(&live, &torn).unwrap();
    std::fs::copy(folder.path().join("live.db-wal"), folder.path().join("torn.db-wal")).unwrap();
    let mut wal = std::fs::OpenOptions::new().append(true).open(folder.path().join("torn.db-wal")).unwrap();
    wal.write_all(&[0xff; 5000]).unwrap();
    let torn = open(&torn).await;
    assert_eq!(ids(&torn).await, ids(&journal).await);
    torn.append(&[row(10)]).await.unwrap();
    assert_eq!(torn.pending(), 11);
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("j.db");
    std::fs::write(&file, "not a database, but long enough to have a header".repeat(50)).unwrap();
    let journal = open(&file).await;
    journal.append(&[row(1)]).await.unwrap();
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.map(|name| name.into_string().unwrap()).any(|name| name.starts_with("j.damaged-")));
}

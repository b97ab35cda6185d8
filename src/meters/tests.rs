use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::sheet::Post;
use super::*;
use crate::decisions::StoreError;

/// A database in memory that several processes share.
#[derive(Default)]
struct Table {
    levels: Mutex<HashMap<Arc<str>, f64>>,
    posts: AtomicUsize,
    down: AtomicBool,
    is_alone: bool,
}

#[async_trait]
impl Bank for Table {
    async fn post(&self, posts: &[Post]) -> Result<Vec<f64>, StoreError> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError("down".to_owned()));
        }
        self.posts.fetch_add(1, Ordering::SeqCst);
        let mut levels = self.levels.lock().unwrap();
        let add = |post: &Post| {
            let level = levels.entry(Arc::clone(&post.meter.name)).or_default();
            *level += post.amount;
            *level
        };
        Ok(posts.iter().map(add).collect())
    }

    fn is_shared(&self) -> bool {
        !self.is_alone
    }
}

impl Table {
    fn level(&self, meter: &Meter) -> f64 {
        self.levels.lock().unwrap().get(&meter.name).copied().unwrap_or_default()
    }
}

fn open(table: &Arc<Table>) -> Meters {
    Meters::open(Arc::clone(table) as _, CancellationToken::new())
}

fn sum(name: &str) -> Meter {
    Meter::sum(name, None)
}

fn one(meter: &Meter, most: f64) -> Vec<Take> {
    vec![Take { meter: meter.clone(), amount: 1.0, most }]
}

#[tokio::test(start_paused = true)]
async fn two_processes_never_take_more_than_there_is_and_leave_nothing() {
    let table = Arc::new(Table::default());
    let (a, b, meter) = (open(&table), open(&table), sum("m"));
    let takes = (0..200).map(|n| if n % 2 == 0 { &a } else { &b }.take(one(&meter, 75.0)));
    let taken = join_all(takes).await.into_iter().filter(Result::is_ok).count();
    a.told().await;
    b.told().await;
    assert_eq!((taken, table.level(&meter)), (75, 75.0));
    let full = b.take(one(&meter, 75.0)).await.unwrap_err();
    assert_eq!((full.level, full.wait), (75.0, None));
    // What arrives while the database is asked goes together.
    assert!(table.posts.load(Ordering::SeqCst) < 40, "{:?}", table.posts);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_one_level_is_taken_from_none() {
    let table = Arc::new(Table::default());
    let (meters, wide, narrow) = (open(&table), sum("wide"), sum("narrow"));
    let both = || {
        let take = |meter: &Meter, most| Take { meter: meter.clone(), amount: 2.0, most };
        meters.take(vec![take(&wide, 100.0), take(&narrow, 3.0)])
    };
    assert_eq!(both().await, Ok(()));
    assert_eq!(both().await, Err(Full { take: 1, level: 2.0, wait: None }));
    meters.told().await;
    assert_eq!((table.level(&wide), table.level(&narrow)), (2.0, 2.0));
}

#[tokio::test(start_paused = true)]
async fn what_another_gives_back_can_be_taken_again() {
    let table = Arc::new(Table::default());
    let (a, b, meter) = (open(&table), open(&table), sum("m"));
    a.take(one(&meter, 1.0)).await.unwrap();
    b.take(one(&meter, 1.0)).await.unwrap_err();
    a.add([(meter.clone(), -1.0)]);
    a.told().await;
    // The first refusal goes by what was known and asks; the next one knows.
    let _ = b.take(one(&meter, 1.0)).await;
    b.told().await;
    assert_eq!(b.take(one(&meter, 2.0)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_stops_nobody_and_is_told_later() {
    let table = Arc::new(Table::default());
    let (meters, meter) = (open(&table), sum("m"));
    meters.take(one(&meter, 3.0)).await.unwrap();
    table.down.store(true, Ordering::SeqCst);
    assert_eq!(meters.take(one(&meter, 3.0)).await, Ok(()));
    assert_eq!(meters.take(one(&meter, 3.0)).await, Ok(()));
    assert!(meters.take(one(&meter, 3.0)).await.is_err(), "the limit holds by what is known here");
    table.down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(table.level(&meter), 3.0);
}

#[tokio::test(start_paused = true)]
async fn alone_a_process_asks_once_and_tells_the_rest_together() {
    let table = Arc::new(Table { is_alone: true, ..Table::default() });
    let meter = sum("m");
    open(&table).take(one(&meter, 100.0)).await.unwrap();
    let later = open(&table);
    for _ in 0..49 {
        later.take(one(&meter, 50.0)).await.unwrap();
    }
    assert!(later.take(one(&meter, 50.0)).await.is_err(), "what was spent before a restart counts");
    later.told().await;
    assert_eq!(table.level(&meter), 50.0);
    assert!(table.posts.load(Ordering::SeqCst) <= 4, "{:?}", table.posts);
}

#[test]
fn a_bucket_leaks_and_says_when_there_is_room() {
    let (sheet, meter) = (Sheet::default(), Meter::per_minute("m", 60.0));
    let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
    let take = |amount: f64, seconds| {
        sheet.take(&[Take { meter: meter.clone(), amount, most: 60.0 }], at(seconds)).map_err(|full| full.wait)
    };
    assert!(take(60.0, 0).is_ok());
    assert_eq!(take(5.0, 2), Err(Some(Duration::from_secs(3))));
    assert!(take(5.0, 5).is_ok());
    assert_eq!(take(61.0, 1_000), Err(None), "more than a whole bucket never fits");
    assert_eq!(sheet.level(&meter, at(1_000)), 0.0);
}

#[test]
fn names_of_any_length_and_kind_are_kept_apart() {
    let [long, longer] = [600, 601].map(|length| sum(&"x".repeat(length)));
    assert!(long.name.len() == 64 && long != longer && sum("a\0") != sum("a"));
    assert_eq!(&*sum("task/ö").name, "task/ö");
}

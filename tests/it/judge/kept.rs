//! Verdicts and jobs in the database, on either engine.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rungs::config::LogConfig;
use rungs::decisions::{DecisionRecord, DecisionStore, open};
use rungs::judge::{Kind, Order, Sampling, Stream, Verdict, VerdictFilter, jobs, verdicts};

use crate::support::postgres::with_database;
use crate::support::record::{full_record, settled};

/// Runs a test on both engines.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let dir = tempfile::tempdir().unwrap();
                super::$test(super::open(&Default::default(), dir.path()).await.unwrap()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::with_database(|config: super::LogConfig| async move {
                    let dir = tempfile::tempdir().unwrap();
                    super::$test(super::open(&config, dir.path()).await.unwrap()).await;
                })
                .await;
            }
        }
    )*};
}

on_both!(
    verdicts_come_back_in_the_order_in_which_they_came,
    an_answer_is_judged_once_in_each_order,
    what_is_read_on_from_a_place_misses_nothing_that_is_written_at_once,
    a_drawn_record_brings_its_jobs_and_no_job_is_taken_twice,
    jobs_are_taken_over_given_up_and_brought_back,
);

async fn verdicts_come_back_in_the_order_in_which_they_came(store: Arc<dyn DecisionStore>) {
    let database = store.database().unwrap();
    let given = |n: u64, kind| Verdict { route: Some("a\0b".to_owned()), ..Verdict::of(&full_record(n), kind, 0.5) };
    let all = [given(3, Kind::Rubric), given(1, Kind::Feedback), given(2, Kind::Rubric)];
    for verdict in &all {
        verdicts::add(&database, verdict).await.unwrap();
    }
    let read = async |filter: VerdictFilter| verdicts::read(&database, &filter).await.unwrap();
    let page = read(VerdictFilter { limit: 2, ..Default::default() }).await;
    assert_eq!(page.verdicts, all[..2]);
    let rest = read(VerdictFilter { limit: 2, after: page.next, ..Default::default() }).await;
    assert_eq!((&rest.verdicts[..], rest.next > page.next), (&all[2..], true));
    let filter = VerdictFilter { limit: 9, kind: Some(Kind::Rubric), tier: full_record(1).tier, ..Default::default() };
    assert_eq!(read(filter.clone()).await.verdicts, [all[0].clone(), all[2].clone()]);
    let route = Some("a\0b".to_owned());
    assert_eq!(read(VerdictFilter { route, since: Some(all[1].at), ..filter }).await.verdicts, [all[2].clone()]);
    assert_eq!(verdicts::about(&database, &full_record(1).id).await.unwrap(), [all[1].clone()]);
}

async fn an_answer_is_judged_once_in_each_order(store: Arc<dyn DecisionStore>) {
    let database = store.database().unwrap();
    for (order, score) in [(Order::First, 1.0), (Order::Last, 0.0), (Order::First, 0.0), (Order::Last, 1.0)] {
        let verdict = Verdict { order: Some(order), ..Verdict::of(&full_record(1), Kind::Pairwise, score) };
        verdicts::add(&database, &verdict).await.unwrap();
    }
    let kept = verdicts::about(&database, &full_record(1).id).await.unwrap();
    assert_eq!(kept.iter().map(|verdict| verdict.score).collect::<Vec<_>>(), [1.0, 0.0]);
}

async fn what_is_read_on_from_a_place_misses_nothing_that_is_written_at_once(store: Arc<dyn DecisionStore>) {
    const EACH: u64 = 40;
    let database = store.database().unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let database = database.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let verdict = Verdict::of(&full_record(writer * EACH + n), Kind::Rubric, 1.0);
                    verdicts::add(&database, &verdict).await.unwrap();
                }
            })
        })
        .collect();
    let (mut seen, mut after) = (HashSet::new(), 0);
    while (seen.len() as u64) < 4 * EACH {
        let idle = writers.iter().all(|writer| writer.is_finished());
        let page = verdicts::read(&database, &VerdictFilter { limit: 7, after, ..Default::default() }).await.unwrap();
        assert!(!(idle && page.verdicts.is_empty()), "only {} of {} were read", seen.len(), 4 * EACH);
        seen.extend(page.verdicts.into_iter().map(|verdict| verdict.id));
        after = page.next;
    }
}

/// A record that was drawn, and put to the cheapest tier as well.
fn drawn(n: u64) -> DecisionRecord {
    let drawn = vec![Stream::Monitor, Stream::Learn];
    let (learn, shadow) = (0.04, n % 2 == 1);
    let counterfactual = if shadow { learn } else { 0.0 };
    let sampling = Sampling { monitor: 0.01, learn, propensity: 0.0496, capped: 1.0, drawn, counterfactual, shadow };
    DecisionRecord { sampling: Some(sampling), ..full_record(n) }
}

async fn a_drawn_record_brings_its_jobs_and_no_job_is_taken_twice(store: Arc<dyn DecisionStore>) {
    for n in 0..20 {
        store.append(drawn(n)).await.unwrap();
        store.append(drawn(n)).await.unwrap();
    }
    let passed_over = drawn(20).sampling.map(|sampling| Sampling { drawn: Vec::new(), ..sampling });
    store.append(DecisionRecord { sampling: passed_over, ..full_record(20) }).await.unwrap();
    store.append(DecisionRecord { sampling: None, ..full_record(21) }).await.unwrap();
    settled(&*store).await;
    let database = store.database().unwrap();
    let now = Timestamp::now();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let some = jobs::take(&database, now, Duration::from_secs(60), 3).await.unwrap();
                    if some.is_empty() {
                        return taken;
                    }
                    taken.extend(some.into_iter().map(|job| job.id));
                }
            })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    let different: HashSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (30, 30));
    let queue = jobs::queue(&database).await.unwrap();
    assert_eq!((queue.leased, queue.waiting), (30, 0));
}

async fn jobs_are_taken_over_given_up_and_brought_back(store: Arc<dyn DecisionStore>) {
    store.append(drawn(0)).await.unwrap();
    settled(&*store).await;
    let database = store.database().unwrap();
    let lease = Duration::from_secs(60);
    let now = Timestamp::now();
    let take = async |at: Timestamp| jobs::take(&database, at, lease, 9).await.unwrap().pop();
    let first = take(now).await.unwrap();
    assert!(take(now).await.is_none() && jobs::keep(&database, &first, now, lease).await.unwrap());
    // The worker gives no sign of life: another takes over, and the first has lost the job.
    let second = take(now + 61.seconds()).await.unwrap();
    assert_eq!((second.attempts, jobs::keep(&database, &first, now, lease).await.unwrap()), (2, false));
    assert_eq!(database.execute(jobs::done(&first)).await.unwrap(), 0);
    // It fails once with a next time, and once for good.
    database.execute(jobs::failed(&second, "no\0nsense", Some(now))).await.unwrap();
    let third = take(now).await.unwrap();
    database.execute(jobs::failed(&third, "nonsense again", None)).await.unwrap();
    database.execute(jobs::spent(&third.id, 0.25)).await.unwrap();
    let queue = jobs::queue(&database).await.unwrap();
    assert_eq!((queue.dead, queue.failures, queue.spent_usd), (1, 2, 0.25));
    let dead = jobs::dead(&database, 9).await.unwrap();
    assert_eq!((dead[0].attempts, dead[0].error.as_str()), (3, "nonsense again"));
    assert!(take(now + 1.hour()).await.is_none());
    assert_eq!(jobs::requeue(&database, &["nothing".to_owned()], now).await.unwrap(), 0);
    assert_eq!(jobs::requeue(&database, &[drawn(0).id], now).await.unwrap(), 1);
    assert_eq!(take(now).await.unwrap().attempts, 1);
}

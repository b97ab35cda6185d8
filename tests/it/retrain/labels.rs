//! What of the log becomes a label, whose word counts, and with which probability.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use rungs::config::LogConfig;
use rungs::decisions::{CheckResult, CheckVerdict, DecisionRecord, DecisionStore, Feedback, open};
use rungs::judge::{Kind, Preference, Sampling, Subject, Verdict, verdicts};
use rungs::policy::Cause;
use rungs::retrain::Labels;
use rungs::retrain::labels::labels;

use super::kill::judged;
use crate::support::record::{full_record, settled};

/// A log that is written by hand.
struct Log {
    store: Arc<dyn DecisionStore>,
    _folder: tempfile::TempDir,
    written: i64,
}

impl Log {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&LogConfig::default(), folder.path()).await.unwrap();
        Self { store, _folder: folder, written: 0 }
    }

    /// A request that `small` answered and that lost against `large`, changed before it is written.
    async fn add(&mut self, prompt: &str, change: impl FnOnce(&mut DecisionRecord, &mut Verdict)) -> String {
        self.written += 1;
        let (mut record, mut verdict) = judged(self.written, prompt, "v", [0.0, 1.0]);
        change(&mut record, &mut verdict);
        let id = record.id.clone();
        self.store.append(record).await.unwrap();
        verdicts::add(&self.store.database().unwrap(), &verdict).await.unwrap();
        id
    }

    async fn says(&self, decision: &str, score: f64) {
        let id = uuid::Uuid::now_v7().to_string();
        let feedback = Feedback { id, decision_id: decision.to_owned(), at: Timestamp::now(), score, comment: None };
        self.store.add_feedback(&feedback).await.unwrap();
    }

    async fn labels(&self, since: Option<Timestamp>) -> Labels {
        settled(&*self.store).await;
        labels(&*self.store, ["small", "large"], since).await.unwrap()
    }
}

/// The labels of both tiers and the probability, of the row of a decision.
fn of(labels: &Labels, id: &str) -> (f64, f64, f64) {
    let row = labels.rows.iter().find(|row| row.query.id == id).unwrap();
    let score = |tier| row.query.score_of(tier).unwrap();
    (score("small"), score("large"), row.propensity)
}

fn sampling(record: &mut DecisionRecord) -> &mut Sampling {
    record.sampling.as_mut().unwrap()
}

#[tokio::test]
async fn a_check_outranks_a_person_who_outranks_a_judge() {
    let mut log = Log::new().await;
    let lost = log.add("Who lost?", |_, _| ()).await;
    let tied =
        log.add("Who tied?", |_, verdict| (verdict.preference, verdict.score) = (Some(Preference::Tie), 1.0)).await;
    let won =
        log.add("Who won?", |_, verdict| (verdict.preference, verdict.score) = (Some(Preference::Win), 1.0)).await;
    let liked = log.add("Who is liked?", |_, _| ()).await;
    log.says(&liked, 1.0).await;
    let failed = |record: &mut DecisionRecord| {
        let mut attempt = full_record(1).attempts[0].clone();
        attempt.tier = "small".to_owned();
        attempt.checks = vec![CheckResult { verdict: CheckVerdict::Fail, ..full_check() }];
        record.attempts = vec![attempt];
    };
    let checked = log.add("Who is checked?", |record, verdict| {
        failed(record);
        (verdict.preference, verdict.score) = (Some(Preference::Tie), 1.0);
    });
    let checked = checked.await;
    log.says(&checked, 1.0).await;
    let found = log.labels(None).await;
    assert_eq!((of(&found, &lost), of(&found, &tied)), ((0.0, 1.0, 0.5), (1.0, 1.0, 0.5)));
    assert_eq!((of(&found, &won), of(&found, &liked)), ((1.0, 0.0, 0.5), (1.0, 1.0, 0.5)));
    assert_eq!(of(&found, &checked), (0.0, 1.0, 0.5));
    assert_eq!((found.taken.requests, found.taken.used, found.taken.conversations), (5, 5, 5));
}

fn full_check() -> CheckResult {
    full_record(1).attempts.iter().flat_map(|attempt| attempt.checks.clone()).next().expect("it has a check")
}

#[tokio::test]
async fn a_row_has_the_probability_of_its_draw_wherever_it_started_and_one_label_alone_is_none() {
    let mut log = Log::new().await;
    // The frontier answered, and the cheapest tier was asked besides: only one stream buys that.
    let pair = |record: &mut DecisionRecord, verdict: &mut Verdict| {
        record.tier = Some("large".to_owned());
        (sampling(record).learn, sampling(record).propensity) = (0.04, 0.05);
        verdict.subject = Subject::Shadow;
    };
    let shadow = log.add("Who is in the shadow?", pair).await;
    let explored = log
        .add("Who explores?", |record, verdict| {
            pair(record, verdict);
            (record.cause, record.propensity) = (Cause::Explore, 0.01);
        })
        .await;
    log.add("Who is alone?", |record, verdict| {
        record.tier = Some("large".to_owned());
        (record.cause, record.propensity) = (Cause::Explore, 0.01);
        (verdict.kind, verdict.tier, verdict.score) = (Kind::Rubric, record.tier.clone(), 1.0);
        (verdict.against, verdict.preference) = (None, None);
    })
    .await;
    log.add("Who was chosen?", |_, verdict| verdict.kind = Kind::Feedback).await;
    log.add("Who is gone?", |record, _| record.request = None).await;
    let found = log.labels(None).await;
    // Both answers of it are known: where it started does not weigh.
    assert_eq!((of(&found, &shadow), of(&found, &explored)), ((0.0, 1.0, 0.04), (0.0, 1.0, 0.04)));
    assert_eq!((found.taken.used, found.taken.propensities), (2, Some([0.04, 0.04])));
    let dropped: Vec<(&str, usize)> = found.taken.dropped.iter().map(|(why, n)| (*why, *n)).collect();
    for because in ["only one of the end tiers has a label", "it was not drawn", "no longer kept"] {
        assert!(dropped.iter().any(|(why, n)| *n == 1 && why.contains(because)), "{because}: {dropped:?}");
    }
}

#[tokio::test]
async fn a_question_that_is_asked_again_is_one_row_and_what_was_said_before_is_left_out() {
    let mut log = Log::new().await;
    let often =
        |propensity: f64| move |record: &mut DecisionRecord, _: &mut Verdict| sampling(record).propensity = propensity;
    let first = log.add("Who asks again?", often(0.5)).await;
    log.add("Who asks again?", |record, verdict| {
        sampling(record).propensity = 0.25;
        (verdict.preference, verdict.score) = (Some(Preference::Tie), 1.0);
    })
    .await;
    log.add("Who asked long ago?", |_, verdict| verdict.at = Timestamp::now() - 48.hours()).await;
    let found = log.labels(Some(Timestamp::now() - 24.hours())).await;
    assert_eq!((found.rows.len(), found.taken.used, found.taken.merged), (1, 2, 1));
    // It stands for two and four others: six in all, and four of the six were content.
    let (small, large, propensity) = of(&found, &first);
    assert!((small - 4.0 / 6.0).abs() < 1e-12 && large == 1.0 && (propensity - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!((found.rows[0].copies, found.taken.verdicts["pairwise"]), (2, 2));
}

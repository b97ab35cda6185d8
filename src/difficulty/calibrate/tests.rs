use indexmap::IndexMap;

use super::super::artifact::tests::example;
use super::super::{Acceptability, Signal};
use super::*;
use crate::chat::ChatRequest;
use crate::labelled::RecordedOutcome;

/// A query that the cheap tier answers where its number is below 600 of 1000, scored by that number.
fn query(i: usize, tiers: &[&str]) -> (LabelledQuery, Score) {
    let outcome = |tier: &&str| {
        let score = if *tier == "large" || i % 1000 < 600 { 1.0 } else { 0.0 };
        let cost_usd = Some(if *tier == "large" { 0.01 } else { 0.001 });
        ((*tier).to_owned(), RecordedOutcome { score, cost_usd, ..RecordedOutcome::default() })
    };
    let query = LabelledQuery {
        id: i.to_string(),
        request: ChatRequest::from_prompt("q"),
        route: None,
        domain: None,
        group: None,
        split: None,
        weight: 1.0,
        outcomes: tiers.iter().map(outcome).collect(),
    };
    let score = (i % 1000) as f64 / 1000.0 - 0.1;
    let p = [("small", 0.9 - score), ("large", 0.9)].map(|(name, p)| (name.to_owned(), Acceptability::new(p)));
    (query, Score { p: IndexMap::from(p), score, novelty: None })
}

fn sample(artifact: &Artifact, rows: usize, tiers: &[&str], on_seen: OnSeen) -> Sample {
    let mut sample = Sample::new(artifact, on_seen);
    for (query, score) in (0..rows).map(|i| query(i, tiers)) {
        sample.take(&query, || Ok(score.clone())).unwrap();
    }
    sample
}

fn found(goal: Goal) -> Calibrated {
    let artifact = example();
    calibrate(&artifact, &sample(&artifact, 2000, &["small", "large"], OnSeen::Count), goal, 1).unwrap()
}

fn refused(artifact: &Artifact, sample: &Sample, goal: Goal) -> String {
    match calibrate(artifact, sample, goal, 1) {
        Err(CalibrateError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

const PROMISE: Goal = Goal::MaxQualityLoss { epsilon: 0.02, delta: 0.1 };

#[test]
fn each_goal_is_met_as_cheaply_as_can_be() {
    let share = found(Goal::FrontierShare(0.25));
    assert!((0.245..=0.25).contains(&share.frontier_share), "{share:?}");
    let quality = found(Goal::MinQuality(0.9));
    assert!((quality.frontier_share - 0.3).abs() < 0.01 && quality.quality.unwrap() >= 0.9, "{quality:?}");
    let budget = found(Goal::BudgetUsd(0.0028));
    assert!(budget.cost_usd.unwrap() <= 0.0028 && (budget.frontier_share - 0.2).abs() < 0.01, "{budget:?}");
    let promise = found(PROMISE);
    assert!((promise.threshold - 0.5).abs() < 0.025 && promise.quality.unwrap() > 0.98, "{promise:?}");
    let certificate = promise.certificate.unwrap();
    assert_eq!((certificate.n, certificate.loss, certificate.void_if.len()), (2000, Loss::QualityLost, 4));
}

#[test]
fn what_cannot_be_reached_is_refused_with_what_can() {
    let artifact = example();
    let rows = sample(&artifact, 100, &["small", "large"], OnSeen::Count);
    assert!(refused(&artifact, &rows, PROMISE).contains("about 1"), "{}", refused(&artifact, &rows, PROMISE));
    assert!(refused(&artifact, &rows, Goal::BudgetUsd(0.0)).contains("$0.001"));
    let blind = Artifact { signal: Signal { verdict: Verdict::None, ..artifact.signal }, ..example() };
    assert!(refused(&blind, &rows, Goal::FrontierShare(0.5)).contains("no usable signal"));
}

#[test]
fn without_frontier_labels_unacceptable_answers_are_bounded() {
    let artifact = example();
    let rows = sample(&artifact, 2000, &["small"], OnSeen::Count);
    let found = calibrate(&artifact, &rows, PROMISE, 1).unwrap();
    assert_eq!((found.quality, found.rows), (None, 2000));
    assert_eq!(found.certificate.unwrap().loss, Loss::Unacceptable);
    let error = calibrate(&artifact, &rows, Goal::MinQuality(0.5), 1).unwrap_err();
    assert!(matches!(error, CalibrateError::BadInput(reason) if reason.contains("large")));
}

#[test]
fn no_promise_is_made_on_what_the_model_was_trained_on() {
    let mut artifact = example();
    let trained_on: Vec<u64> = (0..50).map(|i| group_number(&i.to_string())).collect();
    artifact.training.seen = super::super::seen::SeenGroups::new(&trained_on);
    let rows = sample(&artifact, 2000, &["small", "large"], OnSeen::Count);
    assert!(refused(&artifact, &rows, PROMISE).contains("groups of 50 of these queries"));
    let rows = sample(&artifact, 2000, &["small", "large"], OnSeen::LeaveOut);
    assert_eq!(calibrate(&artifact, &rows, PROMISE, 1).unwrap().rows, 1950);

    artifact.training.data = rows.labelled().fingerprint();
    assert!(refused(&artifact, &rows, PROMISE).contains("the very rows"));
}

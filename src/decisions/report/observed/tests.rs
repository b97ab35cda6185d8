use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::*;
use crate::difficulty::Acceptability;
use crate::judge::{Sampling, Stream};

/// A request that the large model answered and that would have begun at the small one.
fn exported() -> Exported {
    let record = json!({
        "id": "1", "at": "2026-01-02T03:04:05Z", "requested_model": "auto", "cause": "observed", "p": {},
        "rungs": ["large"], "propensity": 1.0, "outcome": "served", "tier": "large", "escalations": 0, "streamed": false,
        "stand_in": false, "usage": {"input_tokens": 100, "output_tokens": 10}, "cost_usd": 1.0, "latency_ms": 1.0,
        "decide_ms": 0.5, "config": "c", "attempts": [],
        "observed": {"rungs": ["small", "large"], "cause": "score", "cost_usd": 0.1},
    });
    Exported { record: serde_json::from_value(record).unwrap(), feedback: Vec::new(), verdicts: Vec::new() }
}

fn sampling(learn: f64, shadow: bool) -> Sampling {
    let drawn = if shadow { vec![Stream::Learn] } else { Vec::new() };
    Sampling { monitor: 0.0, learn, propensity: learn, capped: 1.0, drawn, counterfactual: learn, shadow }
}

/// What a judge found of the small model's answer.
fn verdict(record: &DecisionRecord, score: f64) -> Verdict {
    let of = Verdict::of(record, Kind::Pairwise, score);
    Verdict { subject: Subject::Shadow, tier: Some("small".to_owned()), ..of }
}

/// A log of 2000 such requests, of which those that are likely to be lost are judged more often, and some that were drawn
/// never; gives the share of all that is lost, and what is found.
fn simulated(seed: u64, template: &Exported) -> (f64, Estimate) {
    const REQUESTS: u32 = 2000;
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut observed, mut lost) = (Observed::default(), 0.0);
    for _ in 0..REQUESTS {
        let mut one = template.clone();
        let difficulty: f64 = rng.random();
        // The prediction knows little of it.
        let p = Acceptability::new(0.9 - 0.4 * difficulty);
        one.record.p = [("small".to_owned(), p), ("large".to_owned(), p)].into_iter().collect();
        let is_lost = rng.random_bool(0.3 * difficulty);
        lost += f64::from(u8::from(is_lost));
        let learn = 0.02 + 0.1 * difficulty;
        let shadow = rng.random_bool(learn);
        one.record.sampling = Some(sampling(learn, shadow));
        if shadow && rng.random_bool(0.9) {
            one.verdicts = vec![verdict(&one.record, if is_lost { 0.0 } else { 1.0 })];
        }
        observed.add(&one);
    }
    (lost / f64::from(REQUESTS), observed.figures().unwrap().lost.unwrap())
}

#[test]
fn the_interval_holds_what_would_have_been_lost() {
    const RUNS: u32 = 200;
    let template = exported();
    let (mut held, mut bias, mut width) = (0, 0.0, 0.0);
    for run in 0..RUNS {
        let (truth, found) = simulated(u64::from(run), &template);
        let [low, high] = found.interval;
        held += u32::from(low <= truth && truth <= high);
        bias += (found.mean - truth) / f64::from(RUNS);
        width += (high - low) / f64::from(RUNS);
    }
    let held = f64::from(held) / f64::from(RUNS);
    println!("held in {held} of the runs, {width:.3} wide, off by {bias:.4} on average");
    // Of 200 runs with 95% each, fewer than 180 hold it once in 500.
    assert!(held >= 0.9 && bias.abs() < 0.01 && width < 0.3, "{held} {bias} {width}");
}

#[test]
fn only_what_would_have_begun_elsewhere_and_could_be_judged_is_spoken_for() {
    let figures = |all: &[Exported]| {
        let mut observed = Observed::default();
        all.iter().for_each(|one| observed.add(one));
        observed.figures().unwrap()
    };
    let with = |learn: f64, shadow: bool, scores: &[f64]| {
        let mut one = exported();
        one.record.sampling = Some(sampling(learn, shadow));
        one.verdicts = scores.iter().map(|score| verdict(&one.record, *score)).collect();
        one
    };
    let mut there = with(0.5, true, &[0.0]);
    there.record.observed.as_mut().unwrap().rungs = vec!["large".to_owned()];
    let mut others = with(0.5, true, &[]);
    others.verdicts = vec![Verdict { tier: Some("tiny".to_owned()), ..verdict(&others.record, 0.0) }];
    assert_eq!(figures(&[exported(), there.clone()]).lost, None);
    let found = figures(&[exported(), there, others, with(0.5, false, &[]), with(0.5, true, &[0.0, 1.0])]);
    let lost = found.lost.unwrap();
    assert_eq!((found.requests, found.elsewhere), (5, 4));
    assert_eq!((lost.requests, lost.drawn, lost.judged), (3, 2, 1));
    // One half was predicted of each and one half found of one, which both orders tell apart.
    assert_eq!(lost.mean, 0.5);
}

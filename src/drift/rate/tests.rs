//! Streams with known changes.

use jiff::ToSpan;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

fn quality() -> Rate {
    let null = Null::Learned { samples: 1_000, tolerance: 0.02 };
    Rate::new(Limits { null, run_length: 20_000.0, rates: Vec::new() })
}

fn at(second: u32) -> Timestamp {
    Timestamp::UNIX_EPOCH + i64::from(second).seconds()
}

/// A tenth fails for 3,000 samples, a quarter for 1,500, a tenth again.
fn run(seed: u64) -> Vec<(u32, Change)> {
    let (mut rng, mut rate) = (StdRng::seed_from_u64(seed), quality());
    let of = |second| if (3_000..4_500).contains(&second) { 0.25 } else { 0.1 };
    (0..6_500).filter_map(|i| Some((i, rate.observe(f64::from(rng.random_bool(of(i))), at(i))?))).collect()
}

#[test]
fn a_rise_is_told_with_its_size_and_beginning_and_its_end_is_too() {
    let (mut told, mut covered) = (0, 0);
    for seed in 0..100 {
        let changes = run(seed);
        let [(raised, Change::Raised(moved)), (cleared, Change::Cleared), ..] = changes.as_slice() else {
            continue;
        };
        told += u32::from((3_000..3_400).contains(raised) && (4_500..6_500).contains(cleared));
        covered += u32::from(moved.interval[0] <= 0.25 && 0.25 <= moved.interval[1]);
        assert!((0.05..0.15).contains(&moved.from) && moved.to > moved.from, "{moved:?}");
    }
    assert!(told >= 90, "{told} of 100");
    assert!(covered >= 90, "{covered} of 100");
}

#[test]
fn an_acknowledged_alarm_comes_again_where_its_cause_stays() {
    let mut rate = Rate::new(Limits { null: Null::Fixed(0.1), run_length: 100.0, rates: Vec::new() });
    let mut alarm = || (0..100).find(|i| matches!(rate.observe(1.0, at(*i)), Some(Change::Raised(_))));
    assert!(alarm().is_some());
    assert_eq!(alarm(), None, "it stands");
    assert!(rate.is_alarmed());
    rate.acknowledge();
    assert!(!rate.is_alarmed());
}

#[test]
fn nothing_is_said_before_the_normal_rate_is_known() {
    let mut rate = quality();
    assert!((0..999).all(|i| rate.observe(1.0, at(i)).is_none()) && rate.normal().is_none());
    rate.observe(1.0, at(999));
    assert_eq!(rate.normal(), Some(1.0));
}

#[test]
fn its_state_survives_being_stored() {
    let mut rate = quality();
    for i in 0..2_000 {
        rate.observe(f64::from(i % 9 == 0), at(i));
    }
    let stored: Rate = serde_json::from_str(&serde_json::to_string(&rate).unwrap()).unwrap();
    assert_eq!(stored, rate);
}

#[test]
fn a_worse_artifact_is_an_alarm_and_one_as_good_or_better_becomes_the_normal() {
    let limits =
        Limits { null: Null::Learned { samples: 500, tolerance: 0.02 }, run_length: 10_000.0, rates: Vec::new() };
    let mut learned = Rate::new(limits);
    let feed = |rate: &mut Rate, n: usize, every: usize| {
        (1..=n).filter_map(|i| rate.observe(f64::from(u8::from(i % every == 0)), Timestamp::UNIX_EPOCH)).next()
    };
    assert_eq!((feed(&mut learned, 500, 10), learned.normal()), (None, Some(0.1)));
    learned.succeed();

    let mut worse = learned.clone();
    let alarm = feed(&mut worse, 200, 3);
    assert!(matches!(alarm, Some(Change::Raised(moved)) if moved.from == 0.1), "{worse:?}");
    // The one before comes back: the alarm ends by what it does, not by its coming.
    worse.succeed();
    assert!(worse.is_alarmed());
    assert_eq!((feed(&mut worse, 500, 10), worse.normal()), (Some(Change::Cleared), Some(0.1)));

    let mut better = learned.clone();
    assert_eq!((feed(&mut better, 500, 25), better.normal()), (None, Some(0.04)));
    assert_eq!(feed(&mut better, 400, 25), None);
    assert!(matches!(feed(&mut better, 400, 5), Some(Change::Raised(moved)) if moved.from == 0.04));
}

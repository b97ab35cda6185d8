//! Simulations with known truth, at the default settings.

use jiff::ToSpan;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// A world of judged answers: one in a hundred requests is.
struct World {
    rng: StdRng,
    monitors: Monitors,
    second: i64,
    /// By how much answers are worse than predicted.
    fault: f64,
    /// By how much requests are harder, and known to be.
    harder: f64,
    /// How often the judge calls a good answer bad.
    harsh: f64,
}

impl World {
    fn new(seed: u64) -> Self {
        let monitors = Monitors::new(DriftConfig::default());
        Self { rng: StdRng::seed_from_u64(seed), monitors, second: 0, fault: 0.0, harder: 0.0, harsh: 0.0 }
    }

    /// One answer in ten fails by default, foreseen between 5% and 15%.
    fn judge_one(&mut self) -> Vec<Finding> {
        self.second += 60;
        let foreseen = self.rng.random_range(0.05..0.15) + self.harder;
        let good = !self.rng.random_bool(foreseen + self.fault);
        let score = f64::from(good && !self.rng.random_bool(self.harsh));
        let route = if self.rng.random_bool(0.5) { "a" } else { "b" };
        self.monitors.judged(&Judged {
            decision: self.second.to_string(),
            at: self.now(),
            route: Some(route.to_owned()),
            tier: Some("small".to_owned()),
            tenant: None,
            score,
            predicted: Some(1.0 - foreseen),
            is_uniform: true,
        })
    }

    fn judge(&mut self, answers: u32) -> Vec<Finding> {
        (0..answers).flat_map(|_| self.judge_one()).collect()
    }

    /// The judge is 95% right on anchors, less what it is too harsh.
    fn score_anchors(&mut self, anchors: u32) -> Vec<Finding> {
        let mut found = Vec::new();
        for _ in 0..anchors {
            let disagreement = f64::from(self.rng.random_bool(0.05 + self.harsh));
            found.extend(self.monitors.anchored(&Anchored { at: self.now(), disagreement }));
        }
        found
    }

    fn serve(&mut self, requests: u32) -> Vec<Finding> {
        let mut found = Vec::new();
        for _ in 0..requests {
            let score = 0.3 * self.rng.random::<f64>() + self.harder;
            found.extend(self.monitors.served(&Served { at: self.now(), score: Some(score), ..Served::default() }));
        }
        found
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.second.seconds()
    }
}

/// The causes of the alarms of quality, in order: the first is what an operator is told first.
fn causes(found: &[Finding]) -> Vec<Cause> {
    let cause = |finding: &Finding| match finding {
        Finding::Raised(_, _, cause) => *cause,
        _ => None,
    };
    found.iter().filter_map(cause).collect()
}

fn raises(found: &[Finding]) -> bool {
    found.iter().any(|finding| matches!(finding, Finding::Raised(..) | Finding::Suspected(..)))
}

#[test]
fn at_most_6_runs_in_100_raise_a_false_alarm_in_10_000_judged_answers() {
    let false_alarms = (0..200).filter(|seed| {
        let mut world = World::new(*seed);
        world.judge(1_000);
        raises(&world.judge(10_000))
    });
    let false_alarms = false_alarms.count();
    assert!(false_alarms <= 12, "{false_alarms} of 200");
}

#[test]
fn a_drop_of_10_points_is_found_within_400_judged_answers_in_9_runs_of_10() {
    let found = (0..400).filter(|seed| {
        let mut world = World::new(*seed);
        world.judge(2_000);
        world.fault = 0.1;
        raises(&world.judge(400))
    });
    let found = found.count();
    assert!(found >= 360, "{found} of 400");
}

#[test]
fn a_fault_of_the_system_is_attributed_to_the_system() {
    let right = (0..60).filter(|seed| {
        let mut world = World::new(*seed);
        world.score_anchors(200);
        world.judge(2_000);
        world.fault = 0.12;
        let mut found = world.judge(600);
        found.extend(world.score_anchors(100));
        causes(&found).first() == Some(&Cause::System)
    });
    let right = right.count();
    assert!(right >= 54, "{right} of 60");
}

#[test]
fn a_change_of_the_judge_is_attributed_to_the_judge() {
    let right = (0..60).filter(|seed| {
        let mut world = World::new(*seed);
        world.score_anchors(200);
        world.judge(2_000);
        world.harsh = 0.2;
        let mut found = world.judge(600);
        assert!(causes(&found).is_empty(), "nothing is certain before the anchors are scored again");
        found.extend(world.score_anchors(100));
        causes(&found).first() == Some(&Cause::Judge)
    });
    let right = right.count();
    assert!(right >= 57, "{right} of 60");
}

#[test]
fn a_change_of_inputs_is_attributed_to_the_inputs() {
    let right = (0..40).filter(|seed| {
        let mut world = World::new(*seed);
        world.serve(5_000);
        world.score_anchors(200);
        world.judge(2_000);
        world.harder = 0.15;
        let served = world.serve(3_000);
        assert!(
            served.iter().any(|finding| matches!(finding, Finding::Raised(key, ..) if key.family == Family::Inputs))
        );
        let mut found = world.judge(600);
        found.extend(world.score_anchors(100));
        let calibration =
            |finding: &Finding| matches!(finding, Finding::Raised(key, ..) if key.family == Family::Calibration);
        causes(&found).first() == Some(&Cause::Inputs) && !found.iter().any(calibration)
    });
    let right = right.count();
    assert!(right >= 37, "{right} of 40");
}

#[test]
fn where_anchors_are_never_scored_again_the_alarm_is_told_after_a_day() {
    let mut world = World::new(1);
    world.score_anchors(100);
    world.judge(2_000);
    world.fault = 0.2;
    let found = world.judge(400);
    assert!(causes(&found).is_empty() && raises(&found));
    // At one a minute a day is 1,440.
    assert!(causes(&world.judge(1_500)).contains(&Cause::System));
    assert!(!world.monitors.examples(&Scope::default(), Timestamp::UNIX_EPOCH).is_empty());
}

#[test]
fn outages_climbs_and_their_ends_are_found() {
    let mut monitors = Monitors::new(DriftConfig::default());
    let request = |failed, climbed| Served {
        climbed: Some(climbed),
        below_and_above: Some((0.2, 1.0)),
        calls: vec![("small".to_owned(), Some("eu".to_owned()), failed)],
        ..Served::default()
    };
    let mut serve = |n: u32, failed: bool, every: u32| -> Vec<Finding> {
        (0..n).flat_map(|i| monitors.served(&request(failed, i % every == 0))).collect()
    };
    assert!(!raises(&serve(2_000, false, 5)));
    let outage = serve(20, true, 5);
    assert!(
        matches!(&outage[..], [Finding::Raised(key, ..)] if key.to_string() == "Upstream of tier small, endpoint eu")
    );
    assert!(matches!(&serve(200, false, 5)[..], [Finding::Cleared(key)] if key.family == Family::Upstream));
    let climbing = serve(400, false, 1);
    let families: Vec<Family> = climbing
        .iter()
        .filter_map(|found| match found {
            Finding::Raised(key, ..) => Some(key.family),
            _ => None,
        })
        .collect();
    assert!(families.contains(&Family::Escalation) && families.contains(&Family::Economics), "{families:?}");
}

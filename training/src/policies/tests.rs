use super::*;
use crate::postgen::{self, Observed};
use crate::testing::{World, expected};

/// Costs of a call of the cheap tier and of the frontier.
const COSTS: (f64, f64) = (0.1, 1.0);

/// The world's rows with the gains that are learned of them; `labels` are what is counted as quality.
fn replay(world: &World, labels: &[Vec<f64>]) -> Replay {
    let rows = world.z.len();
    let data = Observed {
        prior: (0..2).map(|tier| world.before(tier)).collect(),
        signals: vec![world.s.clone(), world.noise.clone()],
        families: vec![vec![0]],
        kinds: vec![0; rows],
        labels: world.labels.clone(),
        weights: vec![1.0; rows],
        groups: (0..rows as u64).collect(),
    };
    let after = postgen::fit(&data, 0).unwrap().out_of_fold;
    let gain = |p: &[Vec<f64>]| p[1].iter().zip(&p[0]).map(|(f, c)| f - c).collect::<Vec<f64>>();
    Replay {
        plain: labels[0].clone(),
        checked: labels[0].clone(),
        frontier: labels[1].clone(),
        plain_cost: vec![COSTS.0; rows],
        checked_cost: vec![COSTS.0; rows],
        frontier_cost: vec![COSTS.1; rows],
        before: gain(&data.prior),
        after: gain(&after),
        weights: data.weights,
        groups: data.groups,
    }
}

/// The utility of deciding with the true probabilities, by dynamic programming: after the cheap answer the better of
/// serving it and climbing, before it the better of the frontier and what the cheap call is worth.
fn optimum(world: &World, lambda: f64) -> f64 {
    let (cheap, frontier) = (lambda * COSTS.0, lambda * COSTS.1);
    let after = |z: f64, s: f64| world.truth(0, z, s).max(world.truth(1, z, s) - frontier);
    let value = |z: f64| (expected(|s| after(z, s)) - cheap).max(expected(|s| world.truth(1, z, s)) - frontier);
    world.z.iter().map(|z| value(*z)).sum::<f64>() / world.z.len() as f64
}

fn best_utility(sweep: &Sweep, lambda: f64) -> f64 {
    sweep
        .corners()
        .map(|corner| corner.quality - lambda * corner.cost_ratio * COSTS.1)
        .fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn the_planted_optimal_policy_is_recovered_within_one_per_cent() {
    let world = World::new(8000, 2.0, 1);
    // Expected labels in place of drawn ones: the comparison is of policies, not of luck.
    let truth: Vec<Vec<f64>> = (0..2).map(|tier| (0..8000).map(|row| world.after(tier, row)).collect()).collect();
    let replay = replay(&world, &truth);
    let sweep = Sweep::new(&replay, Policy::RouterCascade, &replay.weights);
    for lambda in [0.02, 0.05, 0.1, 0.2, 0.3, 0.5] {
        let (found, best) = (best_utility(&sweep, lambda), optimum(&world, lambda));
        assert!((found - best).abs() < 0.01 * best, "λ {lambda}: {found} of {best}");
    }
}

#[test]
fn noise_switches_the_cascade_off() {
    for seed in 0..3 {
        let world = World::new(1000, 0.0, seed);
        let replay = replay(&world, &world.labels);
        let report = Report::new(&replay, 0);
        let cost = |policy: Policy| report.policies.iter().find(|(of, _)| *of == policy).unwrap().1.cost_ratio;
        assert!(cost(Policy::RouterCascade) <= cost(Policy::Router) + 0.02, "seed {seed}");
        assert!(cost(Policy::Cascade) > cost(Policy::Router), "seed {seed}: a cascade pays for what tells nothing");
    }
}

#[test]
fn the_union_is_nowhere_worse_than_its_parts() {
    for (told, seed) in [(0.0, 1), (1.0, 2), (3.0, 3)] {
        let world = World::new(400, told, seed);
        for point in Report::new(&replay(&world, &world.labels), 0).grid {
            for part in [point.router, point.cascade].into_iter().flatten() {
                assert!(point.router_cascade.unwrap() >= part - 1e-12, "{point:?}");
            }
        }
    }
}

#[test]
fn a_rule_counts_every_call_that_it_makes() {
    let rows = Replay {
        plain: vec![0.0, 1.0],
        checked: vec![1.0, 0.0],
        frontier: vec![1.0, 1.0],
        plain_cost: vec![1.0; 2],
        checked_cost: vec![3.0; 2],
        frontier_cost: vec![10.0; 2],
        before: vec![0.5, 0.1],
        after: vec![0.2, 0.6],
        weights: vec![1.0; 2],
        groups: vec![1, 2],
    };
    let costs = |rule| (0..2).map(|row| rows.serve(row, rule).cost).collect::<Vec<f64>>();
    assert_eq!(costs(Rule { direct: 0.4, climb: None }), [10.0, 1.0]);
    assert_eq!(costs(Rule { direct: f64::INFINITY, climb: Some(0.5) }), [3.0, 13.0]);
    assert_eq!(costs(Rule { direct: 0.4, climb: Some(0.9) }), [10.0, 3.0]);
    let served = rows.serve(0, Rule { direct: 1.0, climb: Some(1.0) });
    assert_eq!((served.quality, served.frontier), (1.0, 0.0));
}

#[test]
fn corners_are_what_their_rules_do() {
    let world = World::new(200, 2.0, 4);
    let replay = replay(&world, &world.labels);
    for policy in [Policy::Router, Policy::Cascade, Policy::RouterCascade] {
        for target in [0.7, 0.8, 0.85] {
            let corner = Sweep::new(&replay, policy, &replay.weights).cheapest(target);
            let served: Vec<Served> = (0..200).map(|row| replay.serve(row, corner.rule)).collect();
            let mean = |of: fn(&Served) -> f64| served.iter().map(of).sum::<f64>() / 200.0;
            assert!((mean(|served| served.quality) - corner.quality).abs() < 1e-9, "{policy:?} {corner:?}");
            assert!((mean(|served| served.cost) - corner.cost_ratio).abs() < 1e-9, "{policy:?} {corner:?}");
        }
    }
}

#[test]
fn an_oracle_and_a_mix_are_what_they_say() {
    let world = World::new(1000, 2.0, 6);
    let report = Report::new(&replay(&world, &world.labels), 0);
    let of = |policy: Policy| &report.policies.iter().find(|(of, _)| *of == policy).unwrap().1;
    let frontier = of(Policy::Frontier);
    assert!((frontier.cost_ratio - 1.0).abs() < 1e-12 && (of(Policy::Cheap).cost_ratio - 0.1).abs() < 1e-12);
    assert!((of(Policy::RandomMix).quality - (frontier.quality - SHORTFALL)).abs() < 1e-9);
    assert!(of(Policy::Oracle).quality > frontier.quality && of(Policy::Oracle).cost_ratio < 0.5);
    let middle = report.grid[10].random_mix.unwrap();
    assert!(of(Policy::Cheap).quality < middle && middle < frontier.quality);
}

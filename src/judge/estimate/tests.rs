use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const RUNS: usize = 1000;

/// A population with a predictor that says little and is wrong besides, drawn as the sampler draws, and its true mean.
fn world(seed: u64, labels: usize, mean: f64, predict: impl Fn(f64, f64) -> f64) -> (Population, f64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let requests = (labels as f64 / 0.11) as usize;
    let (mut sums, mut judged, mut total) = (Sums::default(), Vec::new(), 0.0);
    for _ in 0..requests {
        let x: f64 = rng.random();
        let p = (mean + 0.3 * (1.0 - mean).min(0.5) * (x - 0.5)).clamp(0.0, 1.0);
        let score = if rng.random_bool(p) { 1.0 } else { 0.0 };
        let predicted = predict(x, p);
        let learn = 0.12 * (0.7 * 2.0 * (predicted * (1.0 - predicted)).sqrt() + 0.3);
        let propensity = 1.0 - 0.97 * (1.0 - learn);
        let drawn = rng.random_bool(propensity);
        sums.add(predicted, propensity, drawn);
        total += score;
        if drawn {
            judged.push(Judged { predicted, propensity, score });
        }
    }
    (Population::new(sums, judged), total / requests as f64)
}

/// Says less where the truth is more.
fn wrong(x: f64, _: f64) -> f64 {
    0.95 - 0.6 * x
}

/// How often intervals of these levels hold the truth.
fn coverage<const N: usize>(labels: usize, mean: f64, levels: [f64; N], predict: fn(f64, f64) -> f64) -> [f64; N] {
    let mut held = [0; N];
    for run in 0..RUNS {
        let (population, truth) = world(run as u64, labels, mean, predict);
        for (held, level) in held.iter_mut().zip(levels) {
            let [low, high] = estimate(&population, level, &run.to_string()).unwrap().interval;
            *held += usize::from(low <= truth && truth <= high);
        }
    }
    held.map(|held| held as f64 / RUNS as f64)
}

#[test]
fn intervals_cover_as_they_say_with_a_wrong_predictor() {
    for labels in [40, 200, 1000] {
        let levels = [0.9, 0.95];
        for (level, held) in levels.into_iter().zip(coverage(labels, 0.8, levels, wrong)) {
            println!("{labels} labels, nominal {level}: held {held}");
            // Reports promise .95; intervals by betting that promise less are a little wider than they had to be.
            let most = if level == 0.95 { 0.97 } else { level + 0.03 };
            assert!(held >= level - 0.02 && held <= most, "{labels} labels, nominal {level}: {held}");
        }
    }
}

#[test]
fn they_do_where_failures_are_rare_and_the_predictor_is_right() {
    for labels in [5, 40, 200] {
        let [held] = coverage(labels, 0.97, [0.95], |_, p| p);
        println!("{labels} labels, a mean of .97: held {held}");
        assert!(held >= 0.93, "{labels} labels: {held}");
    }
}

#[test]
fn the_estimate_is_unbiased_and_a_good_predictor_sharpens_it() {
    let error = |predict: fn(f64, f64) -> f64| {
        let errors = (0..300).map(|run| {
            let (population, truth) = world(run, 400, 0.7, predict);
            estimate(&population, 0.9, "").unwrap().mean - truth
        });
        let errors: Vec<f64> = errors.collect();
        let bias = errors.iter().sum::<f64>() / 300.0;
        (bias, (errors.iter().map(|e| e * e).sum::<f64>() / 300.0).sqrt())
    };
    let ((bias_wrong, rmse_wrong), (bias_right, rmse_right)) = (error(wrong), error(|_, p| p));
    assert!(bias_wrong.abs() < 0.006 && bias_right.abs() < 0.005, "{bias_wrong} {bias_right}");
    assert!(rmse_right < rmse_wrong, "{rmse_right} {rmse_wrong}");
}

#[test]
fn without_labels_nothing_is_claimed() {
    assert_eq!(estimate(&Population::default(), 0.95, ""), None);
    let mut sums = Sums::default();
    sums.add(0.9, 0.05, false);
    let found = estimate(&Population::new(sums, Vec::new()), 0.95, "").unwrap();
    assert_eq!((found.interval, found.judged, found.method), ([0.0, 1.0], 0, Method::Betting));
}

#[test]
fn requests_that_wait_to_be_judged_do_not_bend_the_estimate() {
    let (population, _) = world(7, 400, 0.8, wrong);
    let half: Vec<Judged> = population.judged().iter().copied().step_by(2).collect();
    let mut sums = Sums::default();
    let (all, mean) = (population.requests(), population.mean_prediction().unwrap());
    let propensity = population.mean_propensity();
    (0..all).for_each(|i| sums.add(mean, propensity, i < population.drawn()));
    let found = estimate(&Population::new(sums, half), 0.95, "").unwrap();
    let whole = estimate(&population, 0.95, "").unwrap();
    assert!((found.mean - whole.mean).abs() < 0.06, "{found:?} {whole:?}");
}

#[test]
fn the_same_labels_give_the_same_interval() {
    let (population, _) = world(3, 40, 0.8, wrong);
    assert_eq!(estimate(&population, 0.95, "a"), estimate(&population, 0.95, "a"));
    assert_eq!(estimate(&population, 0.95, "a").unwrap().method, Method::Betting);
}

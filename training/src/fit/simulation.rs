//! Whole fits in worlds with known truth: noise is called noise, a planted gain is found.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Settings, fit};
use crate::learners::extra_trees::{Growth, LEAF};
use crate::learners::logistic::sigmoid;
use crate::random::normal;
use crate::{Dataset, Parts};

const WORLDS: u64 = 200;
const PAIRS: usize = 120;

/// Pairs of rows, a group each, that share an embedding of 8 numbers and a lexical feature; the cheap tier's logit falls
/// with the feature by `strength`, the frontier's does not.
fn world(strength: f64, seed: u64) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let embedding = Array2::from_shape_simple_fn((PAIRS, 8), || normal(&mut rng) as f32);
    let lexical = Array2::from_shape_simple_fn((PAIRS, 1), || normal(&mut rng) as f32);
    let rows: Vec<usize> = (0..2 * PAIRS).map(|row| row / 2).collect();
    let mut label = |logit: f64| f64::from(u8::from(rng.random::<f64>() < sigmoid(logit)));
    let cheap = rows.iter().map(|&pair| label(0.3 - strength * f64::from(lexical[(pair, 0)]))).collect();
    let frontier = rows.iter().map(|_| label(1.0)).collect();
    Dataset::new(Parts {
        embedding: embedding.select(ndarray::Axis(0), &rows),
        lexical: lexical.select(ndarray::Axis(0), &rows),
        labels: vec![cheap, frontier],
        weights: vec![1.0; rows.len()],
        groups: rows.iter().map(|pair| *pair as u64).collect(),
        domains: Vec::new(),
    })
    .unwrap()
}

/// Share of the worlds in which the fit calls its score usable.
fn usable(strength: f64, worlds: u64) -> f64 {
    let growth = Growth { trees: 10, ..Settings::default().growth };
    let found = (0..worlds).into_par_iter().filter(|&seed| {
        let settings = Settings { seed, components: 4, growth, ..Settings::default() };
        fit(&world(strength, seed), &settings).unwrap().evaluation.has_signal()
    });
    found.count() as f64 / worlds as f64
}

#[test]
fn the_forest_hears_the_neighbours_unless_they_are_left_out() {
    let last_column = |tell_neighbours: bool| {
        let growth = Growth { trees: 10, ..Settings::default().growth };
        let settings = Settings { components: 4, growth, tell_neighbours, ..Settings::default() };
        let forest = fit(&world(2.0, 1), &settings).unwrap().forest;
        forest.trees.iter().flat_map(|tree| &tree.feature).filter(|feature| **feature != LEAF).max().copied()
    };
    // One lexical feature, four components, three columns of the heads; then those of the neighbours.
    assert!(last_column(true) >= Some(8) && last_column(false) < Some(8));
}

#[test]
fn noise_is_called_noise_and_a_planted_gain_is_found() {
    let (noise, planted) = (usable(0.0, WORLDS), usable(2.0, WORLDS / 4));
    eprintln!("usable in {noise:.3} of the worlds of noise, in {planted:.3} of those with a planted gain");
    assert!(noise <= 0.05 && planted >= 0.95, "{noise} {planted}");
}

//! Generators with known truth, for the tests.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::learners::logistic::{Logistic, sigmoid};
use crate::random::normal;

/// Rows drawn from a known logistic model.
pub(crate) struct Planted {
    pub(crate) x: Array2<f64>,
    pub(crate) truth: Logistic,
    pub(crate) logits: Vec<f64>,
    pub(crate) uniforms: Vec<f64>,
    pub(crate) labels: Vec<f64>,
}

/// Standard normal columns, coefficients that alternate in sign and fall off, intercept ½.
pub(crate) fn planted(rows: usize, columns: usize, seed: u64) -> Planted {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((rows, columns), || normal(&mut rng));
    let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let coefficients = (0..columns).map(|i| sign(i) / (i + 1) as f64).collect();
    let truth = Logistic { intercept: 0.5, coefficients };
    let logits: Vec<f64> = x.rows().into_iter().map(|row| truth.logit(row)).collect();
    let uniforms: Vec<f64> = (0..rows).map(|_| rng.random()).collect();
    let labels = logits.iter().zip(&uniforms).map(|(z, u)| f64::from(u8::from(*u < sigmoid(*z)))).collect();
    Planted { x, truth, logits, uniforms, labels }
}

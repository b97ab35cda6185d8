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

/// Two tiers whose quality hangs on z, known before the answer, and on s, which the answer shows.
pub(crate) struct World {
    pub(crate) z: Vec<f64>,
    pub(crate) s: Vec<f64>,
    /// How much s tells.
    pub(crate) told: f64,
    /// Per tier, drawn from the truth.
    pub(crate) labels: Vec<Vec<f64>>,
    pub(crate) noise: Vec<f64>,
}

impl World {
    pub(crate) fn new(rows: usize, told: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || (0..rows).map(|_| normal(&mut rng)).collect::<Vec<f64>>();
        let (z, s, noise) = (draw(), draw(), draw());
        let mut world = Self { z, s, told, labels: Vec::new(), noise };
        world.labels = (0..2)
            .map(|tier| {
                (0..rows).map(|row| f64::from(u8::from(rng.random::<f64>() < world.after(tier, row)))).collect()
            })
            .collect();
        world
    }

    /// P(acceptable | z, s) of the cheap tier (0) or the frontier (1).
    pub(crate) fn truth(&self, tier: usize, z: f64, s: f64) -> f64 {
        let s = self.told * s;
        sigmoid(if tier == 0 { 0.6 + 0.8 * z + s } else { 2.0 + 0.5 * z + 0.3 * s })
    }

    /// P(acceptable | z, s) of a row.
    pub(crate) fn after(&self, tier: usize, row: usize) -> f64 {
        self.truth(tier, self.z[row], self.s[row])
    }

    /// P(acceptable | z) of each row.
    pub(crate) fn before(&self, tier: usize) -> Vec<f64> {
        self.z.iter().map(|z| expected(|s| self.truth(tier, *z, s))).collect()
    }
}

/// The mean of a function of a standard normal number.
pub(crate) fn expected(of: impl Fn(f64) -> f64) -> f64 {
    let points = (-40..=40).map(|i| f64::from(i) / 10.0).map(|s| (s, (-0.5 * s * s).exp()));
    let (sum, weight) =
        points.fold((0.0, 0.0), |(sum, weight), (s, density)| (sum + density * of(s), weight + density));
    sum / weight
}

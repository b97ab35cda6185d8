//! Logistic regression with row weights and soft labels.
//!
//! Loss: Σ wᵢ·[log(1 + e^zᵢ) − yᵢ·zᵢ] + ½·l2·‖β‖² with z = Xβ + b and a free intercept b, as in linfa-logistic, which
//! has neither weights nor soft labels (a test holds the two together at unit weights).

use super::lbfgs::{Stop, minimise};
use std::borrow::Cow;

use ndarray::{ArrayView1, ArrayView2};

/// A fitted logistic model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Logistic {
    /// The logit at inputs of zero.
    pub intercept: f64,
    /// One coefficient per column of the design matrix.
    pub coefficients: Vec<f64>,
}

/// The largest gradient component, per unit of weight, at which a fit counts as converged.
pub const TOLERANCE: f64 = 1e-6;

/// Enough to compare settings by their held-out loss.
pub const ROUGH_TOLERANCE: f64 = 1e-4;

/// More iterations than any standardised problem has needed.
const ITERATIONS: usize = 500;

/// Rows to fit: the design matrix, labels in [0, 1] and weights. Rows of weight 0 are not looked at.
pub struct Problem<'a> {
    /// The rows one after the other.
    x: Cow<'a, [f64]>,
    columns: usize,
    labels: &'a [f64],
    weights: &'a [f64],
}

impl Logistic {
    /// Fits rows × columns `x` to convergence.
    #[must_use]
    pub fn fit<'a>(x: ArrayView2<'a, f64>, labels: &'a [f64], weights: &'a [f64], l2: f64) -> Self {
        Problem::new(x, labels, weights).fit(l2, None, TOLERANCE)
    }

    /// The logit of one row.
    #[must_use]
    pub fn logit(&self, row: ArrayView1<'_, f64>) -> f64 {
        self.intercept + row.iter().zip(&self.coefficients).map(|(x, b)| x * b).sum::<f64>()
    }
}

impl<'a> Problem<'a> {
    /// The three have one entry per row; a matrix that does not lie row by row in memory is copied.
    #[must_use]
    pub fn new(x: ArrayView2<'a, f64>, labels: &'a [f64], weights: &'a [f64]) -> Self {
        let columns = x.ncols();
        let x = x.to_slice().map_or_else(|| Cow::Owned(x.iter().copied().collect()), Cow::Borrowed);
        Self { x, columns, labels, weights }
    }

    /// Fits under a penalty. `start` is the fit of a neighbouring problem, such as another penalty; `tolerance` the
    /// largest gradient component per unit of weight that counts as zero.
    #[must_use]
    pub fn fit(&self, l2: f64, start: Option<&Logistic>, tolerance: f64) -> Logistic {
        let total: f64 = self.weights.iter().sum();
        let positive: f64 = self.labels.iter().zip(self.weights).map(|(y, w)| y * w).sum();
        let constant = |rate| Logistic { intercept: logit(rate), coefficients: vec![0.0; self.columns] };
        // Without both classes the intercept has no finite optimum: the smoothed base rate stands in.
        if positive <= 0.0 || positive >= total {
            return constant((positive + 0.5) / (total + 1.0));
        }
        let start = start.cloned().unwrap_or_else(|| constant(positive / total));
        let mut parameters = start.coefficients;
        parameters.push(start.intercept);
        let loss = |parameters: &[f64], gradient: &mut [f64]| self.loss(l2, parameters, gradient);
        minimise(loss, &mut parameters, Stop { gradient: tolerance * total, iterations: ITERATIONS });
        let intercept = parameters.pop().unwrap_or_default();
        Logistic { intercept, coefficients: parameters }
    }

    /// Value and gradient at [coefficients, intercept], in one pass over the rows.
    fn loss(&self, l2: f64, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (beta, intercept) = parameters.split_at(self.columns);
        let intercept = intercept[0];
        let mut value = 0.0;
        for (g, b) in gradient.iter_mut().zip(beta) {
            *g = l2 * b;
            value += 0.5 * l2 * b * b;
        }
        let (slope, constant) = gradient.split_at_mut(self.columns);
        constant[0] = 0.0;
        for (i, (&label, &weight)) in self.labels.iter().zip(self.weights).enumerate() {
            if weight == 0.0 {
                continue;
            }
            let row = &self.x[i * self.columns..(i + 1) * self.columns];
            let z = intercept + dot(row, beta);
            value += weight * (softplus(z) - label * z);
            let residual = weight * (sigmoid(z) - label);
            slope.iter_mut().zip(row).for_each(|(g, x)| *g += residual * x);
            constant[0] += residual;
        }
        value
    }
}

/// A dot product in eight lanes, which the compiler can keep in vector registers.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// 1 / (1 + e^−z).
#[must_use]
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// log(p / (1 − p)) with p held within (10⁻⁹, 1 − 10⁻⁹).
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

/// log(1 + e^z) without overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::testing::{Planted, planted};

    #[test]
    fn planted_coefficients_are_recovered_whatever_the_weights() {
        let Planted { x, labels, truth, .. } = planted(20_000, 6, 3);
        let by_feature = x.column(0).iter().map(|x| if *x > 0.0 { 2.0 } else { 0.5 }).collect();
        for weights in [vec![1.0; labels.len()], by_feature] {
            close(&Logistic::fit(x.view(), &labels, &weights, 1e-3), &truth, 0.08);
        }
    }

    #[test]
    fn a_weight_counts_like_that_many_rows_and_a_soft_label_like_a_pair() {
        let Planted { x, labels, .. } = planted(300, 4, 5);
        let weights: Vec<f64> = (0..300).map(|i| f64::from(i % 3)).collect();
        let weighted = Logistic::fit(x.view(), &labels, &weights, 2.0);
        let rows: Vec<usize> = (0..300).flat_map(|i| std::iter::repeat_n(i, i % 3)).collect();
        let repeated_x = x.select(ndarray::Axis(0), &rows);
        let repeated_y: Vec<f64> = rows.iter().map(|&i| labels[i]).collect();
        let repeated = Logistic::fit(repeated_x.view(), &repeated_y, &vec![1.0; rows.len()], 2.0);
        close(&weighted, &repeated, 1e-4);

        let soft: Vec<f64> = labels.iter().map(|y| 0.1 + 0.8 * y).collect();
        let soft_fit = Logistic::fit(x.view(), &soft, &vec![1.0; 300], 2.0);
        let twice: Array2<f64> = ndarray::concatenate(ndarray::Axis(0), &[x.view(), x.view()]).unwrap();
        let pair_y = [vec![1.0; 300], vec![0.0; 300]].concat();
        let pair_w = soft.iter().copied().chain(soft.iter().map(|y| 1.0 - y)).collect::<Vec<_>>();
        close(&soft_fit, &Logistic::fit(twice.view(), &pair_y, &pair_w, 2.0), 1e-4);
    }

    #[test]
    fn the_memory_layout_does_not_matter() {
        let Planted { x, labels, .. } = planted(200, 3, 6);
        let mut columns = Array2::zeros(ndarray::ShapeBuilder::f(x.dim()));
        columns.assign(&x);
        let fit = |x: &Array2<f64>| Logistic::fit(x.view(), &labels, &[1.0; 200], 1.0);
        assert_eq!(fit(&x), fit(&columns));
    }

    #[test]
    fn one_class_gives_the_smoothed_base_rate() {
        let fit = Logistic::fit(Array2::ones((3, 2)).view(), &[1.0; 3], &[1.0; 3], 1.0);
        assert_eq!(fit.coefficients, [0.0, 0.0]);
        assert!((sigmoid(fit.intercept) - 3.5 / 4.0).abs() < 1e-12);
    }

    fn close(a: &Logistic, b: &Logistic, tolerance: f64) {
        assert!((a.intercept - b.intercept).abs() < tolerance, "{a:?} {b:?}");
        assert!(a.coefficients.iter().zip(&b.coefficients).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} {b:?}");
    }
}

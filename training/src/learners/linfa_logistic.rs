//! The fit of unweighted, hard-labelled rows by linfa-logistic.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};

use super::logistic::Logistic;
use crate::FitError;

/// linfa stops at its iteration limit without a word, so the limit is far away.
const ITERATIONS: u64 = 2_000;

/// The gradient's norm, per row, at which a fit counts as converged.
const TOLERANCE: f64 = 1e-5;

/// Fits rows × columns `x` to hard labels.
///
/// # Errors
/// When one class is missing, or the solver fails.
pub fn fit(x: ArrayView2<'_, f64>, labels: &[bool], l2: f64) -> Result<Logistic, FitError> {
    // Columns in one piece make linfa's gradient several times faster.
    let mut columns = Array2::zeros(x.dim().f());
    columns.assign(&x);
    let dataset = DatasetBase::new(columns, Array1::from(labels.to_vec()));
    let fitted = LogisticRegression::default()
        .alpha(l2)
        .max_iterations(ITERATIONS)
        .gradient_tolerance(TOLERANCE * labels.len() as f64)
        .check()
        .and_then(|parameters| parameters.fit(&dataset))
        .map_err(|error| FitError::Solver(error.to_string()))?;
    // linfa models the majority class, whichever that is.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok(Logistic {
        intercept: sign * fitted.intercept(),
        coefficients: fitted.params().iter().map(|b| sign * b).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Planted, planted};

    fn both(shift: f64) -> (Logistic, Logistic, f64) {
        let Planted { x, logits, uniforms, .. } = planted(1500, 8, 11);
        let labels: Vec<bool> =
            logits.iter().zip(&uniforms).map(|(z, u)| *u < super::super::logistic::sigmoid(z + shift)).collect();
        let soft: Vec<f64> = labels.iter().map(|y| f64::from(u8::from(*y))).collect();
        let share = soft.iter().sum::<f64>() / soft.len() as f64;
        let ours = Logistic::fit(x.view(), &soft, &vec![1.0; soft.len()], 5.0);
        (fit(x.view(), &labels, 5.0).unwrap(), ours, share)
    }

    #[test]
    fn the_weighted_fit_agrees_at_unit_weights_whichever_class_is_the_majority() {
        for (shift, majority) in [(2.0, true), (-2.0, false)] {
            let (linfa, ours, share) = both(shift);
            assert_eq!(share > 0.5, majority);
            assert!((linfa.intercept - ours.intercept).abs() < 1e-3, "{linfa:?} {ours:?}");
            for (a, b) in linfa.coefficients.iter().zip(&ours.coefficients) {
                assert!((a - b).abs() < 1e-3, "{linfa:?} {ours:?}");
            }
        }
    }

    #[test]
    fn planted_coefficients_are_recovered() {
        let Planted { x, labels, truth, .. } = planted(20_000, 6, 3);
        let hard: Vec<bool> = labels.iter().map(|y| *y == 1.0).collect();
        let found = fit(x.view(), &hard, 1e-3).unwrap();
        let pairs = found.coefficients.iter().zip(&truth.coefficients).chain([(&found.intercept, &truth.intercept)]);
        pairs.for_each(|(found, planted)| assert!((found - planted).abs() < 0.08, "{found} for {planted}"));
    }

    #[test]
    fn one_class_is_an_error() {
        let x = Array2::<f64>::zeros((4, 1));
        assert!(matches!(fit(x.view(), &[true; 4], 1.0), Err(FitError::Solver(_))));
    }
}

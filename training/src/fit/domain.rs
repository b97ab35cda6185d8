//! The domains, out of fold and on all rows.

use ndarray::Array2;

use super::Settings;
use super::stack::Nested;
use crate::Dataset;
use crate::learners::domains::{Domains, Rows, numbered};
use crate::split::without;

/// The learner on all rows, and what it says of rows that it has not seen; `None` where fewer than two domains are known
/// of enough rows. `columns` has a list per feature.
pub(super) fn fit(
    columns: &[Vec<f32>],
    data: &Dataset,
    fold: &[usize],
    settings: &Settings,
) -> Option<(Domains, Nested)> {
    let numbers = numbered(&data.domains)?;
    let x = matrix(columns, data.rows());
    let rows = Rows { x: &x, domains: &numbers, labels: &data.labels };
    let fit = |out: &[usize]| Domains::fit(rows, &without(&data.weights, fold, out));
    let nested = Nested::new(fold, settings.folds, fit, |domains, row| domains.expected(x.row(row)));
    Some((Domains::fit(rows, &data.weights), nested))
}

/// Rows × features from a list per feature.
pub(super) fn matrix(columns: &[Vec<f32>], rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns.len()), |(row, column)| f64::from(columns[column][row]))
}

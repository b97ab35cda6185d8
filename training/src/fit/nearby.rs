//! The neighbours, out of fold.

use rayon::prelude::*;

use super::Settings;
use super::stack::Nested;
use crate::Dataset;
use crate::learners::neighbours::Neighbours;
use crate::split::without;

/// Quantiles of the distances that are kept: every hundredth, both ends included.
const QUANTILES: usize = 101;

/// What neighbours outside a row's fold say of the row, and the quantiles of the rows' distances to them, rising. `codes`
/// has so many numbers a row, one row after the other.
pub(super) fn held_out(
    codes: &[i8],
    dimensions: usize,
    data: &Dataset,
    fold: &[usize],
    settings: &Settings,
) -> (Nested, Vec<f64>) {
    let code = |row: usize| &codes[row * dimensions..(row + 1) * dimensions];
    let fit = |out: &[usize]| {
        Neighbours::fit(dimensions, codes, &data.labels, &without(&data.weights, fold, out), settings.seed)
    };
    let nested = Nested::new(fold, settings.folds, fit, |others, row| others.around(code(row)).p);
    let outside: Vec<Neighbours> = (0..settings.folds).map(|part| fit(&[part])).collect();
    let mut distances: Vec<f64> =
        fold.par_iter().enumerate().map(|(row, part)| outside[*part].around(code(row)).distance).collect();
    distances.sort_by(f64::total_cmp);
    let at = |i: usize| distances[(i * (distances.len() - 1)) / (QUANTILES - 1)];
    (nested, (0..QUANTILES).map(at).collect())
}

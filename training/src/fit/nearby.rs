//! The neighbours, out of fold.

use rayon::prelude::*;

use super::{Probabilities, Settings};
use crate::Dataset;
use crate::learners::neighbours::{Neighbourhood, Neighbours};
use crate::split::without;

/// Quantiles of the distances that are kept: every hundredth, both ends included.
const QUANTILES: usize = 101;

/// What the rows outside a row's fold say of the row.
pub(super) struct HeldOut {
    /// Per tier, per row.
    pub(super) probabilities: Probabilities,
    /// Quantiles of the rows' distances, rising.
    pub(super) distances: Vec<f64>,
}

/// Asks for every row the rows outside its fold. `codes` has so many numbers a row, one row after the other.
pub(super) fn held_out(
    codes: &[i8],
    dimensions: usize,
    data: &Dataset,
    fold: &[usize],
    settings: &Settings,
) -> HeldOut {
    let mut probabilities = vec![vec![0.0; data.rows()]; data.labels.len()];
    let mut distances = Vec::with_capacity(data.rows());
    for part in 0..settings.folds {
        let weights = without(&data.weights, fold, &[part]);
        let others = Neighbours::fit(dimensions, codes, &data.labels, &weights, settings.seed);
        let rows: Vec<usize> = (0..data.rows()).filter(|row| fold[*row] == part).collect();
        let found: Vec<Neighbourhood> =
            rows.par_iter().map(|row| others.around(&codes[row * dimensions..(row + 1) * dimensions])).collect();
        for (row, neighbourhood) in rows.into_iter().zip(found) {
            probabilities.iter_mut().zip(neighbourhood.p).for_each(|(tier, p)| tier[row] = p);
            distances.push(neighbourhood.distance);
        }
    }
    distances.sort_by(f64::total_cmp);
    let at = |i: usize| distances[(i * (distances.len() - 1)) / (QUANTILES - 1)];
    HeldOut { distances: (0..QUANTILES).map(at).collect(), probabilities }
}

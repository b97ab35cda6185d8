//! The forest, out of fold.

use super::{Probabilities, Settings};
use crate::Dataset;
use crate::learners::extra_trees::Forest;
use crate::split::without;

/// Per tier, what a forest grown without a row's fold says of the row.
pub(super) fn held_out(columns: &[Vec<f32>], data: &Dataset, fold: &[usize], settings: &Settings) -> Probabilities {
    let tiers = data.labels.len();
    let mut held_out = vec![vec![0.0; data.rows()]; tiers];
    for part in 0..settings.folds {
        let weights = without(&data.weights, fold, part);
        let forest = Forest::fit(columns, &data.labels, &weights, settings.growth, settings.seed);
        for row in (0..data.rows()).filter(|row| fold[*row] == part) {
            let values = forest.predict(columns, row, tiers);
            held_out.iter_mut().zip(values).for_each(|(tier, value)| tier[row] = value);
        }
    }
    held_out
}

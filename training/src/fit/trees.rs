//! The forest, out of fold.

use super::stack::{Nested, columns};
use super::{Probabilities, Settings};
use crate::Dataset;
use crate::learners::extra_trees::Forest;
use crate::split::without;

/// Per tier, what a forest grown without a row's fold says of the row. It sees the features and what the learners `below`
/// say, who have not seen the fold either.
pub(super) fn held_out(
    features: &[Vec<f32>],
    below: &[&Nested],
    data: &Dataset,
    fold: &[usize],
    settings: &Settings,
) -> Probabilities {
    let tiers = data.labels.len();
    let mut held_out = vec![vec![0.0; data.rows()]; tiers];
    for part in 0..settings.folds {
        let weights = without(&data.weights, fold, &[part]);
        let told = below.iter().flat_map(|learner| columns(learner.without(part)));
        let columns: Vec<Vec<f32>> = features.iter().cloned().chain(told).collect();
        let forest = Forest::fit(&columns, &data.labels, &weights, settings.growth, settings.seed);
        for row in (0..data.rows()).filter(|row| fold[*row] == part) {
            let values = forest.predict(&columns, row, tiers);
            held_out.iter_mut().zip(values).for_each(|(tier, value)| tier[row] = value);
        }
    }
    held_out
}

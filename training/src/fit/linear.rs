//! The logistic heads: their penalty is chosen by cross-validated log-loss.

use ndarray::Array2;
use rayon::prelude::*;

use super::{Probabilities, Settings};
use crate::learners::linfa_logistic;
use crate::learners::logistic::{Logistic, Problem, ROUGH_TOLERANCE, sigmoid};
use crate::split::without;
use crate::{Dataset, FitError};

/// The penalty, and the held-out probabilities under it.
///
/// The one-standard-error rule: the strongest penalty whose held-out log-loss is not worse than the best by more than
/// the standard error of the difference. A weak signal is better ranked by shrunken heads.
pub(super) fn choose(
    design: &Array2<f64>,
    data: &Dataset,
    fold: &[usize],
    settings: &Settings,
) -> (f64, Probabilities) {
    let per_penalty = held_out(design, data, fold, settings);
    let losses: Vec<Vec<f64>> = per_penalty.iter().map(|p| row_losses(p, data)).collect();
    let totals: Vec<f64> = losses.iter().map(|rows| rows.iter().sum()).collect();
    let best = (0..totals.len()).min_by(|&a, &b| totals[a].total_cmp(&totals[b])).unwrap_or(0);
    let acceptable = |i: &usize| totals[*i] - totals[best] <= standard_error(&losses[*i], &losses[best]);
    let chosen = (0..totals.len()).rev().find(acceptable).unwrap_or(best);
    let l2 = settings.l2.get(chosen).copied().unwrap_or(1.0);
    (l2, per_penalty.into_iter().nth(chosen).unwrap_or_default())
}

/// The final heads, on all rows: linfa's fit where every row counts once and is right or wrong, the weighted fit of the
/// same loss otherwise.
pub(super) fn fit_all(design: &Array2<f64>, data: &Dataset, l2: f64) -> Result<Vec<Logistic>, FitError> {
    let unweighted = data.weights.iter().all(|w| *w == 1.0);
    data.labels
        .par_iter()
        .map(|labels| {
            if unweighted && labels.iter().all(|y| *y == 0.0 || *y == 1.0) {
                let hard: Vec<bool> = labels.iter().map(|y| *y == 1.0).collect();
                linfa_logistic::fit(design.view(), &hard, l2)
            } else {
                Ok(Logistic::fit(design.view(), labels, &data.weights, l2))
            }
        })
        .collect()
}

/// Per penalty the held-out probabilities; each path starts at the strongest penalty and warms up the next.
fn held_out(design: &Array2<f64>, data: &Dataset, fold: &[usize], settings: &Settings) -> Vec<Probabilities> {
    let (penalties, tiers) = (&settings.l2, data.labels.len());
    let mut held_out = vec![vec![vec![0.0; data.rows()]; tiers]; penalties.len()];
    let tasks: Vec<(usize, usize)> =
        (0..settings.folds).flat_map(|part| (0..tiers).map(move |tier| (part, tier))).collect();
    let paths: Vec<Vec<Logistic>> = tasks
        .par_iter()
        .map(|&(part, tier)| {
            let weights = without(&data.weights, fold, part);
            let problem = Problem::new(design.view(), &data.labels[tier], &weights);
            let mut path: Vec<Logistic> = Vec::with_capacity(penalties.len());
            for l2 in penalties.iter().rev() {
                path.push(problem.fit(*l2, path.last(), ROUGH_TOLERANCE));
            }
            path
        })
        .collect();
    for ((part, tier), path) in tasks.into_iter().zip(paths) {
        for (model, held_out) in path.iter().rev().zip(&mut held_out) {
            for row in (0..data.rows()).filter(|row| fold[*row] == part) {
                held_out[tier][row] = sigmoid(model.logit(design.row(row)));
            }
        }
    }
    held_out
}

/// Weighted log-loss of each row, summed over the tiers.
fn row_losses(probabilities: &Probabilities, data: &Dataset) -> Vec<f64> {
    (0..data.rows())
        .map(|row| {
            let loss = |p: f64, y: f64| -(y * p.max(1e-12).ln() + (1.0 - y) * (1.0 - p).max(1e-12).ln());
            let sum: f64 = probabilities.iter().zip(&data.labels).map(|(p, y)| loss(p[row], y[row])).sum();
            data.weights[row] * sum
        })
        .collect()
}

/// Standard error of the sum of paired differences.
fn standard_error(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / n;
    let variance = a.iter().zip(b).map(|(a, b)| (a - b - mean).powi(2)).sum::<f64>();
    variance.sqrt()
}

//! The logistic heads: their penalty is chosen by cross-validated log-loss.

use ndarray::Array2;
use rayon::prelude::*;

use super::stack::Nested;
use super::{Probabilities, Settings};
use crate::learners::linfa_logistic;
use crate::learners::logistic::{Logistic, Problem, ROUGH_TOLERANCE, sigmoid};
use crate::split::without;
use crate::{Dataset, FitError};

/// The penalty, and what heads under it say out of fold.
///
/// The one-standard-error rule: the strongest penalty whose held-out log-loss is not worse than the best by more than
/// the standard error of the difference. A weak signal is better ranked by shrunken heads.
pub(super) fn choose(design: &Array2<f64>, data: &Dataset, fold: &[usize], settings: &Settings) -> (f64, Nested) {
    let paths = paths(design, data, fold, settings);
    let losses: Vec<Vec<f64>> =
        (0..settings.l2.len()).map(|penalty| row_losses(&held_out(&paths, penalty, design, fold), data)).collect();
    let totals: Vec<f64> = losses.iter().map(|rows| rows.iter().sum()).collect();
    let best = (0..totals.len()).min_by(|&a, &b| totals[a].total_cmp(&totals[b])).unwrap_or(0);
    let acceptable = |i: &usize| totals[*i] - totals[best] <= standard_error(&losses[*i], &losses[best]);
    let chosen = (0..totals.len()).rev().find(acceptable).unwrap_or(best);
    let l2 = settings.l2.get(chosen).copied().unwrap_or(1.0);
    let fit = |out: &[usize]| -> Vec<Logistic> {
        let known = out.first().and_then(|part| paths.get(*part)?.get(chosen));
        match (out, known) {
            ([_], Some(heads)) => heads.clone(),
            _ => heads(design, data, &without(&data.weights, fold, out), l2, known),
        }
    };
    let say =
        |heads: &Vec<Logistic>, row: usize| heads.iter().map(|head| sigmoid(head.logit(design.row(row)))).collect();
    (l2, Nested::new(fold, settings.folds, fit, say))
}

/// A rough head per tier on the rows with weight, from those of a neighbouring problem where there are any.
fn heads(
    design: &Array2<f64>,
    data: &Dataset,
    weights: &[f64],
    l2: f64,
    start: Option<&Vec<Logistic>>,
) -> Vec<Logistic> {
    let head = |(tier, labels): (usize, &Vec<f64>)| {
        let start = start.and_then(|heads| heads.get(tier));
        Problem::new(design.view(), labels, weights).fit(l2, start, ROUGH_TOLERANCE)
    };
    data.labels.iter().enumerate().map(head).collect()
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

/// Per fold, per penalty, the heads without the fold; each path starts at the strongest penalty and warms up the next.
fn paths(design: &Array2<f64>, data: &Dataset, fold: &[usize], settings: &Settings) -> Vec<Vec<Vec<Logistic>>> {
    let path = |part: usize| {
        let weights = without(&data.weights, fold, &[part]);
        let mut path: Vec<Vec<Logistic>> = Vec::with_capacity(settings.l2.len());
        for l2 in settings.l2.iter().rev() {
            path.push(heads(design, data, &weights, *l2, path.last()));
        }
        path.reverse();
        path
    };
    (0..settings.folds).into_par_iter().map(path).collect()
}

/// Per tier the held-out probabilities under one penalty.
fn held_out(paths: &[Vec<Vec<Logistic>>], penalty: usize, design: &Array2<f64>, fold: &[usize]) -> Probabilities {
    let tiers = paths.first().and_then(|path| path.get(penalty)).map_or(0, Vec::len);
    let of_tier = |tier: usize| {
        let p = |(row, part): (usize, &usize)| sigmoid(paths[*part][penalty][tier].logit(design.row(row)));
        fold.iter().enumerate().map(p).collect()
    };
    (0..tiers).map(of_tier).collect()
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

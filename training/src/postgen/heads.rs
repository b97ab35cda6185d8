//! One head: how strongly its columns are shrunken, and what it says of rows that it has not seen.

use std::collections::BTreeMap;

use super::lead::Lead;
use super::matrix::Matrix;
use crate::evaluate::reliability::log_loss;
use crate::learners::logistic::{Problem, ROUGH_TOLERANCE, sigmoid};

/// The penalty of each column's squared coefficient; an infinite one leaves the column out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Penalties(Vec<f64>);

/// A head's probabilities for rows whose groups it had not seen.
pub(super) struct HeldOut {
    pub(super) penalties: Penalties,
    pub(super) probabilities: Vec<f64>,
}

/// Penalty of the priors and the leading signals: enough to keep them finite.
const OF_LEADS: f64 = 3.0;

/// Penalties of the other signals to choose from, strongest first.
const OF_OTHERS: [f64; 4] = [f64::INFINITY, 300.0, 60.0, 12.0];

/// The strongest penalty of the other signals whose held-out loss is not worse than the best by more than the standard
/// error of the difference.
pub(super) fn choose(
    matrix: &Matrix,
    leads: &[Lead],
    labels: &[f64],
    weights: &[f64],
    groups: &[u64],
    fold: &[usize],
) -> HeldOut {
    let mut tried: Vec<HeldOut> = OF_OTHERS
        .iter()
        .map(|others| HeldOut::new(matrix, Penalties::with_leads(matrix, leads, *others), labels, weights, fold))
        .collect();
    let labels = [labels.to_vec()];
    let losses: Vec<Vec<f64>> =
        tried.iter().map(|head| row_losses(std::slice::from_ref(head), &labels, weights)).collect();
    let total = |i: &usize| losses[*i].iter().sum::<f64>();
    let best = (0..tried.len()).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(0);
    let chosen = (0..best).find(|i| !is_clearly_less(&losses[best], &losses[*i], groups)).unwrap_or(best);
    tried.swap_remove(chosen)
}

/// Weighted log-loss of each row, summed over the heads.
pub(super) fn row_losses(heads: &[HeldOut], labels: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let loss = |row: usize| -> f64 {
        let heads = heads.iter().zip(labels);
        weights[row] * heads.map(|(head, labels)| log_loss(head.probabilities[row], labels[row])).sum::<f64>()
    };
    (0..weights.len()).map(loss).collect()
}

/// Whether the first losses are less than the others by more than one standard error of the sum of the paired
/// differences, groups being independent.
pub(super) fn is_clearly_less(losses: &[f64], others: &[f64], groups: &[u64]) -> bool {
    let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
    for ((a, b), group) in losses.iter().zip(others).zip(groups) {
        *sums.entry(*group).or_default() += b - a;
    }
    let total: f64 = sums.values().sum();
    let mean = total / sums.len().max(1) as f64;
    total > sums.values().map(|sum| (sum - mean).powi(2)).sum::<f64>().sqrt()
}

impl Penalties {
    /// The usual penalty for priors and leads, another for all other signals.
    pub(super) fn with_leads(matrix: &Matrix, leads: &[Lead], others: f64) -> Self {
        let strong = |column| column < matrix.priors() || leads.iter().any(|lead| lead.column == column);
        Self((0..matrix.columns()).map(|column| if strong(column) { OF_LEADS } else { others }).collect())
    }

    /// One column alone, or none.
    pub(super) fn only(columns: usize, column: Option<usize>) -> Self {
        Self((0..columns).map(|i| if Some(i) == column { OF_LEADS } else { f64::INFINITY }).collect())
    }

    /// By what to multiply each column so that a penalty of 1 is its own.
    pub(super) fn scales(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|penalty| 1.0 / penalty.sqrt())
    }
}

impl HeldOut {
    pub(super) fn new(matrix: &Matrix, penalties: Penalties, labels: &[f64], weights: &[f64], fold: &[usize]) -> Self {
        let scaled = matrix.scaled(&penalties);
        let mut probabilities = vec![0.0; weights.len()];
        let mut last = None;
        for part in 0..super::FOLDS {
            let outside: Vec<f64> = weights.iter().zip(fold).map(|(w, f)| if *f == part { 0.0 } else { *w }).collect();
            let head = Problem::new(scaled.view(), labels, &outside).fit(1.0, last.as_ref(), ROUGH_TOLERANCE);
            for row in (0..weights.len()).filter(|row| fold[*row] == part) {
                probabilities[row] = sigmoid(head.logit(scaled.row(row)));
            }
            last = Some(head);
        }
        Self { penalties, probabilities }
    }
}

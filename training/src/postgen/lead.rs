//! The signal that leads its family.

use super::Observed;
use super::heads::{HeldOut, Penalties};
use super::matrix::Matrix;
use crate::evaluate::reliability::log_loss;

/// A signal, and what it says alone.
pub(super) struct Lead {
    /// Its column in the matrix.
    pub(super) column: usize,
    /// P(the answer is acceptable | this signal alone), held out.
    pub(super) probabilities: Vec<f64>,
}

/// Of each family the signal that alone has the least held-out loss; none where no row has any of it.
pub(super) fn choose(data: &Observed, matrix: &Matrix, fold: &[usize]) -> Vec<Lead> {
    data.families.iter().filter_map(|family| best(family, data, matrix, fold)).collect()
}

fn best(family: &[usize], data: &Observed, matrix: &Matrix, fold: &[usize]) -> Option<Lead> {
    let own = data.labels.first()?;
    let varies = |column: &&usize| {
        let mut values = data.signals[**column].iter().filter(|x| !x.is_nan());
        let first = values.next();
        values.any(|x| Some(x) != first)
    };
    let alone = |column: &usize| {
        let column = matrix.priors() + column;
        let penalties = Penalties::only(matrix.columns(), Some(column));
        let held_out = HeldOut::new(matrix, penalties, own, &data.weights, fold);
        Lead { column, probabilities: held_out.probabilities }
    };
    let loss = |lead: &Lead| -> f64 {
        let rows = lead.probabilities.iter().zip(own).zip(&data.weights);
        rows.map(|((p, y), w)| w * log_loss(*p, *y)).sum()
    };
    let candidates = family.iter().filter(varies).map(alone).map(|lead| (loss(&lead), lead));
    candidates.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, lead)| lead)
}

//! The design matrix: standardised columns without gaps.

use ndarray::{Array1, Array2, ArrayView1};

use super::Observed;
use super::heads::Penalties;
use crate::learners::logistic::{Logistic, Problem, TOLERANCE, logit};

/// Priors nearer to 0 or 1 than this are held off: no model is that sure before an answer.
const SUREST: f64 = 0.001;

/// A column that varies less than this is constant.
const LEAST_DEVIATION: f64 = 1e-9;

/// [logit of each prior, signals], standardised.
pub(super) struct Matrix {
    values: Array2<f64>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    priors: usize,
}

impl Matrix {
    pub(super) fn new(data: &Observed) -> Self {
        let (rows, priors) = (data.groups.len(), data.prior.len());
        let mut values = Array2::zeros((rows, priors + data.signals.len()));
        let logits =
            data.prior.iter().map(|prior| prior.iter().map(|p| logit(p.clamp(SUREST, 1.0 - SUREST))).collect());
        let columns = logits.chain(data.signals.iter().cloned());
        for (mut to, column) in values.columns_mut().into_iter().zip(columns) {
            to.assign(&Array1::from_vec(column));
        }
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for mut column in values.columns_mut() {
            let typical = mean_of_present(column.view());
            column.mapv_inplace(|x| if x.is_nan() { typical } else { x });
            let spread = column.std(0.0);
            let spread = if spread < LEAST_DEVIATION { 1.0 } else { spread };
            column.mapv_inplace(|x| (x - typical) / spread);
            mean.push(typical);
            deviation.push(spread);
        }
        Self { values, mean, deviation, priors }
    }

    pub(super) fn columns(&self) -> usize {
        self.mean.len()
    }

    /// How many columns come before the signals.
    pub(super) fn priors(&self) -> usize {
        self.priors
    }

    /// What stands for each signal where it is missing.
    pub(super) fn typical(&self) -> Vec<f64> {
        self.mean[self.priors..].to_vec()
    }

    /// Fits one head; its coefficients are for the columns before standardisation.
    pub(super) fn fit(&self, penalties: &Penalties, labels: &[f64], weights: &[f64]) -> Logistic {
        let scaled = self.scaled(penalties);
        let mut head = Problem::new(scaled.view(), labels, weights).fit(1.0, None, TOLERANCE);
        let columns = head.coefficients.iter_mut().zip(&self.deviation).zip(penalties.scales()).zip(&self.mean);
        for (((coefficient, deviation), scale), mean) in columns {
            *coefficient *= scale / deviation;
            head.intercept -= *coefficient * mean;
        }
        head
    }

    /// The matrix under which a penalty of 1 is the column's own: a coefficient costs its square over its scale's.
    pub(super) fn scaled(&self, penalties: &Penalties) -> Array2<f64> {
        let scales = Array1::from_iter(penalties.scales());
        &self.values * &scales
    }
}

/// 0 where the signal is never there.
fn mean_of_present(column: ArrayView1<'_, f64>) -> f64 {
    let (sum, count) =
        column.iter().filter(|x| !x.is_nan()).fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    if count > 0 { sum / count as f64 } else { 0.0 }
}

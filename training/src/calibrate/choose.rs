//! Which calibrator the data asks for.

use std::collections::BTreeMap;

use super::{Calibrator, Method};
use crate::dataset::distinct;
use crate::evaluate::reliability::log_loss;
use crate::split::without;

/// The calibrator chosen and what the choice rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Fitted on all rows.
    pub calibrator: Calibrator,
    /// Which one it is.
    pub method: Method,
    /// Per row, the probability by the chosen method, fitted without the row's group.
    pub held_out: Vec<f64>,
    /// Per row, the probability by which out-of-fold rows are to be ranked. A calibrator of two or three numbers owes a fold
    /// next to nothing, whereas a fit per fold shifts whole folds against one another, the more so the fewer and larger
    /// the groups: so that it is the calibrator's own. Isotonic regression has as many numbers as the rows suggest; there it
    /// is `held_out`.
    pub ranking: Vec<f64>,
    /// Mean held-out log-loss of each method that was tried.
    pub losses: Vec<(Method, f64)>,
}

/// Distinct groups from which on a method is tried: fewer cannot tell a bend from noise.
const FEWEST_FOR_BETA: usize = 300;
const FEWEST_FOR_ISOTONIC: usize = 2000;

/// Chooses by cross-validation: the simplest method whose held-out log-loss is not worse than the best by more than one
/// standard error of the paired difference. Every list has one entry per row; rows of one group are in one fold.
#[must_use]
pub fn choose(logits: &[f64], labels: &[f64], weights: &[f64], groups: &[u64], fold: &[usize]) -> Choice {
    let tried: Vec<(Method, Vec<f64>)> = methods(distinct(groups))
        .into_iter()
        .map(|method| (method, held_out(method, logits, labels, weights, fold)))
        .collect();
    let losses: Vec<Vec<f64>> = tried.iter().map(|(_, p)| row_losses(p, labels, weights)).collect();
    let sums: Vec<f64> = losses.iter().map(|rows| rows.iter().sum()).collect();
    let best = (0..sums.len()).min_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0);
    let near = |i: &usize| sums[*i] - sums[best] <= standard_error(&losses[*i], &losses[best], groups);
    let chosen = (0..best).find(near).unwrap_or(best);

    let total = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let losses = tried.iter().zip(&sums).map(|((method, _), sum)| (*method, sum / total)).collect();
    let (method, held_out) = tried.into_iter().nth(chosen).unwrap_or((Method::Platt, Vec::new()));
    let calibrator = Calibrator::fit(method, logits, labels, weights);
    let ranking = match method {
        Method::Isotonic => held_out.clone(),
        Method::Platt | Method::Beta => logits.iter().map(|z| calibrator.apply(*z)).collect(),
    };
    Choice { calibrator, method, held_out, ranking, losses }
}

fn methods(groups: usize) -> Vec<Method> {
    let mut methods = vec![Method::Platt];
    methods.extend((groups >= FEWEST_FOR_BETA).then_some(Method::Beta));
    methods.extend((groups >= FEWEST_FOR_ISOTONIC).then_some(Method::Isotonic));
    methods
}

fn held_out(method: Method, logits: &[f64], labels: &[f64], weights: &[f64], fold: &[usize]) -> Vec<f64> {
    let parts = fold.iter().max().map_or(0, |last| last + 1);
    let fitted: Vec<Calibrator> =
        (0..parts).map(|part| Calibrator::fit(method, logits, labels, &without(weights, fold, &[part]))).collect();
    logits.iter().zip(fold).map(|(z, part)| fitted[*part].apply(*z)).collect()
}

/// Weighted log-loss of each row.
fn row_losses(p: &[f64], labels: &[f64], weights: &[f64]) -> Vec<f64> {
    p.iter().zip(labels).zip(weights).map(|((p, y), w)| w * log_loss(*p, *y)).collect()
}

/// Standard error of the sum of paired differences, groups being independent.
fn standard_error(a: &[f64], b: &[f64], groups: &[u64]) -> f64 {
    let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
    for ((a, b), group) in a.iter().zip(b).zip(groups) {
        *sums.entry(*group).or_default() += a - b;
    }
    let mean = sums.values().sum::<f64>() / sums.len().max(1) as f64;
    sums.values().map(|sum| (sum - mean).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Beta;
    use crate::split::folds;
    use crate::testing::{Planted, planted};

    /// What is chosen where labels follow `truth`, a probability by logit.
    fn chosen(rows: usize, truth: impl Fn(f64) -> f64) -> Choice {
        let Planted { logits, uniforms, .. } = planted(rows, 4, 11);
        let labels: Vec<f64> = logits.iter().zip(&uniforms).map(|(z, u)| f64::from(u8::from(*u < truth(*z)))).collect();
        let groups: Vec<u64> = (0..rows as u64).collect();
        choose(&logits, &labels, &vec![1.0; rows], &groups, &folds(&groups, 5, 1))
    }

    #[test]
    fn the_simplest_that_will_do_is_chosen() {
        let line = |z: f64| 1.0 / (1.0 + (-0.5 * z).exp());
        assert_eq!(chosen(200, line).losses.len(), 1);
        assert_eq!(chosen(1000, line).losses.len(), 2);
        let choice = chosen(6000, line);
        assert_eq!((choice.method, choice.losses.len(), choice.held_out.len()), (Method::Platt, 3, 6000));

        let beta = Beta { a: 0.0, b: 2.0, c: -1.0 };
        assert_eq!(chosen(6000, |z| beta.apply(z)).method, Method::Beta);
        let staircase = |z: f64| {
            if z < -1.0 {
                0.1
            } else if z < 2.0 {
                0.4
            } else {
                0.95
            }
        };
        assert_eq!(chosen(6000, staircase).method, Method::Isotonic);
    }

    #[test]
    fn what_is_held_out_has_no_part_in_its_own_probability() {
        let groups: Vec<u64> = (0..400).map(|i| i / 4).collect();
        let logits: Vec<f64> = (0..400).map(|i| f64::from(i % 7)).collect();
        let mut labels: Vec<f64> = (0..400).map(|i| f64::from(i % 3 / 2)).collect();
        let fold = folds(&groups, 5, 1);
        let held_out = |labels: &[f64]| choose(&logits, labels, &vec![1.0; 400], &groups, &fold).held_out;
        let before = held_out(&labels);
        labels[..4].iter_mut().for_each(|label| *label = 1.0 - *label);
        let after = held_out(&labels);
        assert_eq!(after[..4], before[..4]);
        assert_ne!(after, before);
    }
}

//! The calibration slope, with an interval that knows of groups.

use ndarray::ArrayView2;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Head;
use crate::evaluate::bootstrap::clusters;
use crate::learners::logistic::{Logistic, logit, sigmoid};

/// b of y ~ σ(a + b·logit p): 1 where the probabilities are calibrated (Cox 1958).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slope {
    /// The tier.
    pub tier: String,
    /// The slope.
    pub slope: f64,
    /// Its 99 % interval, by the sandwich over groups: on some hundred rows the slope of a perfect model is off by .2 as a
    /// matter of course, and each tier has one, which is no ground for an objection.
    pub interval: [f64; 2],
}

/// With fewer labels of one kind the sandwich is far too narrow, and the slope is left open.
const FEWEST_OF_A_KIND: f64 = 20.0;

/// Holds the line of labels that are all alike finite.
const L2: f64 = 1e-6;

impl Slope {
    pub(super) fn new(head: &Head<'_>, weights: &[f64], groups: &[u64]) -> Self {
        let logits: Vec<f64> = head.probabilities.iter().map(|p| logit(*p)).collect();
        let line = ArrayView2::from_shape((logits.len(), 1), &logits)
            .map_or_else(|_| Logistic::default(), |column| Logistic::fit(column, head.labels, weights, L2));
        let slope = line.coefficients.first().copied().unwrap_or(0.0);
        let acceptable: f64 = head.labels.iter().sum();
        let rarer = acceptable.min(head.labels.len() as f64 - acceptable);
        let known = rarer >= FEWEST_OF_A_KIND;
        let error = if known { error(&line, slope, &logits, head.labels, weights, groups) } else { f64::INFINITY };
        Self { tier: head.tier.to_owned(), slope, interval: [slope - error, slope + error] }
    }
}

/// Half the width of the interval; infinite where the rows do not define one.
fn error(line: &Logistic, slope: f64, logits: &[f64], labels: &[f64], weights: &[f64], groups: &[u64]) -> f64 {
    let (cluster_of, count) = clusters(groups);
    let (mut information, mut scores) = ([0.0; 3], vec![[0.0; 2]; count]);
    for (((z, y), w), &cluster) in logits.iter().zip(labels).zip(weights).zip(&cluster_of) {
        let p = sigmoid(line.intercept + slope * z);
        let (curve, residual) = (w * p * (1.0 - p), w * (y - p));
        [curve, curve * z, curve * z * z].iter().zip(&mut information).for_each(|(from, to)| *to += from);
        scores[cluster][0] += residual;
        scores[cluster][1] += residual * z;
    }
    let [h00, h01, h11] = information;
    let determinant = h00 * h11 - h01 * h01;
    // The second row of the inverse.
    let influence = |score: &[f64; 2]| (h00 * score[1] - h01 * score[0]) / determinant;
    let g = count as f64;
    let variance = scores.iter().map(|score| influence(score).powi(2)).sum::<f64>() * g / (g - 1.0);
    let student = StudentsT::new(0.0, 1.0, g - 2.0).map_or(f64::INFINITY, |student| student.inverse_cdf(0.995));
    let error = student * variance.sqrt();
    if error.is_finite() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::random::normal;

    /// Rows in pairs; the probabilities are too far apart by `stretch`.
    fn slope(rows: usize, stretch: f64, seed: u64) -> Slope {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let z: Vec<f64> = (0..rows).map(|_| 0.5 + normal(&mut rng)).collect();
        let labels: Vec<f64> = z.iter().map(|z| f64::from(u8::from(rng.random::<f64>() < sigmoid(*z)))).collect();
        let probabilities: Vec<f64> = z.iter().map(|z| sigmoid(stretch * z)).collect();
        let groups: Vec<u64> = (0..rows as u64).map(|i| i / 2).collect();
        let head = Head { tier: "small", probabilities: &probabilities, labels: &labels };
        Slope::new(&head, &vec![1.0; rows], &groups)
    }

    #[test]
    fn the_interval_covers_the_slope_and_a_stretched_model_is_found_out() {
        let covered = (0..500).filter(|seed| {
            let [low, high] = slope(400, 1.0, *seed).interval;
            low <= 1.0 && 1.0 <= high
        });
        let covered = covered.count();
        assert!((485..=499).contains(&covered), "{covered} of 500");
        let stretched = slope(2000, 2.0, 1);
        assert!((stretched.slope - 0.5).abs() < 0.1 && stretched.interval[1] < 0.8, "{stretched:?}");
    }

    #[test]
    fn too_few_rows_leave_it_open() {
        assert_eq!(slope(2, 1.0, 0).interval[1], f64::INFINITY);
        assert_eq!(slope(0, 1.0, 0).interval[1], f64::INFINITY);
        // Some sixteen failures.
        assert_eq!(slope(40, 1.0, 0).interval[1], f64::INFINITY);
    }
}

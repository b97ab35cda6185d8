//! Isotonic calibration: the best rising step function, smoothed into a rising line.

use super::Platt;
use crate::learners::logistic::{logit, sigmoid};

/// Corners of a line in (logit in, logit out), rising in both; between them it is straight, beyond the outer ones it
/// goes on with Platt's slope.
///
/// A step function would give all rows of a step the same probability and so destroy their ranking. The line through the
/// middles of the steps keeps every step's mean (nearly) and every order.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    /// (logit in, logit out).
    pub corners: Vec<(f64, f64)>,
    /// Slope beyond the outer corners; not negative.
    pub slope: f64,
}

/// The most corners, which bounds an artifact: each has at least this part of the rows' weight.
pub const MOST_CORNERS: usize = 256;

/// Rows that were pooled.
#[derive(Debug, Clone, Copy)]
struct Block {
    weight: f64,
    logit: f64,
    label: f64,
}

impl Isotonic {
    /// Pools adjacent violators (Ayer et al. 1955), then steps of less than 1/[`MOST_CORNERS`] of the weight, draws each
    /// in by (k + ½)/(n + 1), so that none is 0 or 1, and pools again where that left one not rising.
    #[must_use]
    pub fn fit(logits: &[f64], labels: &[f64], weights: &[f64]) -> Self {
        let platt = Platt::fit(logits, labels, weights);
        let least = weights.iter().sum::<f64>() / MOST_CORNERS as f64;
        let drawn_in = steps(logits, labels, weights, least)
            .into_iter()
            .map(|block| Block { label: (block.label * block.weight + 0.5) / (block.weight + 1.0), ..block });
        let corners = pooled(drawn_in).into_iter().map(|block| (block.logit, logit(block.label))).collect();
        Self { corners, slope: platt.slope }
    }

    /// The probability for a logit; ½ where there were no rows to fit.
    #[must_use]
    pub fn apply(&self, z: f64) -> f64 {
        let above = self.corners.partition_point(|corner| corner.0 <= z);
        let below = above.checked_sub(1).and_then(|i| self.corners.get(i));
        sigmoid(match (below, self.corners.get(above)) {
            (Some(low), Some(high)) => low.1 + (z - low.0) / (high.0 - low.0) * (high.1 - low.1),
            (Some(end), None) | (None, Some(end)) => end.1 + self.slope * (z - end.0),
            (None, None) => 0.0,
        })
    }
}

/// The means of the best rising steps over `x`, each of at least this weight: (mean of x, mean of y), both rising.
pub(crate) fn rising_steps(x: &[f64], y: &[f64], weights: &[f64], least: f64) -> impl Iterator<Item = (f64, f64)> {
    steps(x, y, weights, least).into_iter().map(|block| (block.logit, block.label))
}

fn steps(x: &[f64], y: &[f64], weights: &[f64], least: f64) -> Vec<Block> {
    let mut order: Vec<usize> = (0..x.len()).filter(|row| weights[*row] > 0.0).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let rows = order.chunk_by(|&a, &b| x[a] == x[b]).map(|ties| {
        let row = |&row: &usize| Block { weight: weights[row], logit: x[row], label: y[row] };
        ties.iter().map(row).reduce(Block::pool).unwrap_or(Block { weight: 0.0, logit: 0.0, label: 0.5 })
    });
    at_least(least, pooled(rows))
}

impl Block {
    fn is_below(&self, next: &Self) -> bool {
        self.label + LEAST_RISE < next.label && self.logit < next.logit
    }

    fn pool(self, other: Self) -> Self {
        let weight = self.weight + other.weight;
        let mean = |a: f64, b: f64| (a * self.weight + b * other.weight) / weight;
        Self { weight, logit: mean(self.logit, other.logit), label: mean(self.label, other.label) }
    }
}

/// Labels closer than this are one step: the rounding of a mean is no rise.
const LEAST_RISE: f64 = 1e-9;

/// Blocks whose labels and logits rise strictly.
fn pooled(rows: impl Iterator<Item = Block>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for mut block in rows {
        while let Some(last) = blocks.pop_if(|last| !last.is_below(&block)) {
            block = last.pool(block);
        }
        blocks.push(block);
    }
    blocks
}

/// Blocks of at least this weight, each the pool of some that lie side by side; what is left at the end joins the last.
fn at_least(least: f64, blocks: Vec<Block>) -> Vec<Block> {
    let mut whole: Vec<Block> = Vec::new();
    for block in blocks {
        match whole.pop_if(|last| last.weight < least) {
            Some(small) => whole.push(small.pool(block)),
            None => whole.push(block),
        }
    }
    if whole.len() > 1
        && let Some(small) = whole.pop_if(|last| last.weight < least)
        && let Some(last) = whole.last_mut()
    {
        *last = last.pool(small);
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Planted, planted};

    #[test]
    fn adjacent_violators_are_pooled() {
        let block = |logit: f64, label: f64| Block { weight: 1.0, logit, label };
        let rows = [0.1, 0.5, 0.3, 0.4, 0.9, 0.2].iter().enumerate().map(|(i, y)| block(i as f64, *y));
        let found: Vec<(f64, f64)> = pooled(rows).iter().map(|block| (block.logit, block.label)).collect();
        // .5 .3 .4 pool to .4, .9 and .2 to .55.
        let expected = [(0.0, 0.1), (2.0, 0.4), (4.5, 0.55)];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn corners_are_few_however_many_rows_tell_different_labels() {
        let rows = 2000;
        let logits: Vec<f64> = (0..rows).map(|i| f64::from(i) / 100.0).collect();
        let labels: Vec<f64> = (0..rows).map(|i| (f64::from(i) + 0.5) / f64::from(rows)).collect();
        let isotonic = Isotonic::fit(&logits, &labels, &vec![1.0; labels.len()]);
        assert!((200..=MOST_CORNERS).contains(&isotonic.corners.len()), "{}", isotonic.corners.len());
        assert!(logits.iter().zip(&labels).all(|(z, y)| (isotonic.apply(*z) - y).abs() < 0.06));
    }

    #[test]
    fn a_bend_that_platt_cannot_follow_is_followed() {
        let Planted { logits, uniforms, .. } = planted(20_000, 4, 5);
        let truth = |z: f64| if z < 0.0 { 0.2 } else { 0.2 + 0.7 * (1.0 - (-2.0 * z).exp()) };
        let labels: Vec<f64> = logits.iter().zip(&uniforms).map(|(z, u)| f64::from(u8::from(*u < truth(*z)))).collect();
        let weights = vec![1.0; labels.len()];
        let (isotonic, platt) = (Isotonic::fit(&logits, &labels, &weights), Platt::fit(&logits, &labels, &weights));
        let error = |apply: &dyn Fn(f64) -> f64| {
            logits.iter().map(|z| (apply(*z) - truth(*z)).abs()).sum::<f64>() / logits.len() as f64
        };
        let (bent, straight) = (error(&|z| isotonic.apply(z)), error(&|z| platt.apply(z)));
        assert!(bent < 0.02 && straight > 2.0 * bent, "{bent} {straight}");
    }

    #[test]
    fn logits_against_the_labels_become_the_base_rate() {
        let logits: Vec<f64> = (0..100).map(f64::from).collect();
        let labels: Vec<f64> = logits.iter().map(|z| f64::from(u8::from(*z < 30.0))).collect();
        let isotonic = Isotonic::fit(&logits, &labels, &[1.0; 100]);
        assert!((isotonic.apply(-5.0) - 0.3).abs() < 0.01 && isotonic.apply(-5.0) == isotonic.apply(200.0));
        assert_eq!(Isotonic::fit(&[], &[], &[]).apply(3.0), 0.5);
    }

    proptest! {
        #[test]
        fn order_is_kept_and_probabilities_stay_inside(
            rows in prop::collection::vec((-6.0..6.0_f64, 0..=1_u8), 2..80), z in -9.0..9.0_f64, step in 0.01..3.0_f64,
        ) {
            let logits: Vec<f64> = rows.iter().map(|row| row.0).collect();
            let labels: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            let isotonic = Isotonic::fit(&logits, &labels, &vec![1.0; rows.len()]);
            let (low, high) = (isotonic.apply(z), isotonic.apply(z + step));
            prop_assert!(low > 0.0 && high < 1.0 && low <= high);
            prop_assert!(isotonic.slope == 0.0 || low < high, "a tie at {z}: {isotonic:?}");
        }
    }
}

//! Area under the ROC curve.

/// Rows in order of falling score, once sorted and many times weighed.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Row numbers, highest score first.
    pub(crate) order: Vec<u32>,
    /// Whether the row at this place has the same score as the one before.
    pub(crate) tied: Vec<bool>,
}

impl Ranking {
    /// Sorts rows by score; ties keep their order and are remembered.
    #[must_use]
    pub fn new(scores: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        let tied = order
            .iter()
            .enumerate()
            .map(|(i, &row)| i > 0 && scores[order[i - 1] as usize] == scores[row as usize])
            .collect();
        Self { order, tied }
    }

    /// Hands over the runs of equal score, highest first: the weight of a run and the weighted sum of each of `values`.
    pub(crate) fn runs<const K: usize>(
        &self,
        values: [&[f64]; K],
        weights: &[f64],
        mut take: impl FnMut(f64, [f64; K]),
    ) {
        let (mut weight, mut sums) = (0.0, [0.0; K]);
        for (place, (&row, &tied)) in self.order.iter().zip(&self.tied).enumerate() {
            if !tied && place > 0 {
                take(weight, sums);
                (weight, sums) = (0.0, [0.0; K]);
            }
            let row = row as usize;
            weight += weights[row];
            sums.iter_mut().zip(values).for_each(|(sum, values)| *sum += weights[row] * values[row]);
        }
        if !self.order.is_empty() {
            take(weight, sums);
        }
    }

    /// Chance that a positive row ranks above a negative one, ties counting half. A label between 0 and 1 is a positive
    /// and a negative row in that proportion. `None` where one of the classes has no weight.
    #[must_use]
    pub fn auc(&self, labels: &[f64], weights: &[f64]) -> Option<f64> {
        let (mut above, mut tie_positive, mut tie_negative) = (0.0, 0.0, 0.0);
        let (mut positive, mut negative) = (0.0, 0.0);
        for (&row, &tied) in self.order.iter().zip(&self.tied) {
            if !tied {
                above += tie_negative * (positive - 0.5 * tie_positive);
                (tie_positive, tie_negative) = (0.0, 0.0);
            }
            let (label, weight) = (labels[row as usize], weights[row as usize]);
            tie_positive += weight * label;
            tie_negative += weight * (1.0 - label);
            positive += weight * label;
            negative += weight * (1.0 - label);
        }
        above += tie_negative * (positive - 0.5 * tie_positive);
        (positive > 0.0 && negative > 0.0).then(|| above / (positive * negative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auc(scores: &[f64], labels: &[f64]) -> Option<f64> {
        Ranking::new(scores).auc(labels, &vec![1.0; labels.len()])
    }

    #[test]
    fn known_values() {
        assert_eq!(auc(&[0.9, 0.8, 0.3, 0.1], &[1.0, 1.0, 0.0, 0.0]), Some(1.0));
        assert_eq!(auc(&[0.1, 0.3, 0.8, 0.9], &[1.0, 1.0, 0.0, 0.0]), Some(0.0));
        assert_eq!(auc(&[0.5; 4], &[1.0, 0.0, 1.0, 0.0]), Some(0.5));
        // Positives at .9 and .4, negatives at .4 and .2: above, tie, above, above.
        assert_eq!(auc(&[0.9, 0.4, 0.4, 0.2], &[1.0, 1.0, 0.0, 0.0]), Some(0.875));
        assert_eq!(auc(&[0.9, 0.4], &[1.0, 1.0]), None);
    }

    #[test]
    fn a_soft_label_is_a_positive_and_a_negative_in_proportion() {
        let soft = auc(&[0.9, 0.2], &[0.75, 0.25]).unwrap();
        // 3 positives and 1 negative at .9, 1 and 3 at .2.
        let split = auc(&[0.9, 0.9, 0.9, 0.9, 0.2, 0.2, 0.2, 0.2], &[1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]).unwrap();
        assert!((soft - split).abs() < 1e-12);
    }
}

//! What the forest is told by learners below it, so that it never hears of a row from a model that has seen the row.

use rayon::prelude::*;

use super::Probabilities;

/// Per tier, per row, what models say that were fitted without some folds.
pub(super) struct Nested {
    /// For each fold: rows of the fold by the model without it, rows of another fold by the model without both.
    within: Vec<Probabilities>,
    held_out: Probabilities,
}

impl Nested {
    /// Fits a model without each fold and without each two folds. `fit` is given the folds to leave out, one or two;
    /// `say` gives the probability of each tier at a row.
    pub(super) fn new<M: Send + Sync>(
        fold: &[usize],
        folds: usize,
        fit: impl Fn(&[usize]) -> M + Sync,
        say: impl Fn(&M, usize) -> Vec<f64> + Sync,
    ) -> Self {
        let pairs: Vec<(usize, usize)> = (0..folds).flat_map(|j| (j..folds).map(move |k| (j, k))).collect();
        let of_pair = |&(j, k): &(usize, usize)| if j == k { fit(&[k]) } else { fit(&[j, k]) };
        let models: Vec<M> = pairs.par_iter().map(of_pair).collect();
        // Before (j, k) lie the folds − i pairs of every earlier i.
        let model = |j: usize, k: usize| &models[j.min(k) * (2 * folds + 1 - j.min(k)) / 2 + j.abs_diff(k)];
        let by = |k: usize| {
            let rows: Vec<Vec<f64>> =
                (0..fold.len()).into_par_iter().map(|row| say(model(fold[row], k), row)).collect();
            per_tier(&rows)
        };
        let within: Vec<Probabilities> = (0..folds).map(by).collect();
        let tiers = within.first().map_or(0, Vec::len);
        let own = |tier: usize| fold.iter().enumerate().map(|(row, part)| within[*part][tier][row]).collect();
        Self { held_out: (0..tiers).map(own).collect(), within }
    }

    /// What models say that have not seen a row's fold: what the final forest is told of the training rows.
    pub(super) fn held_out(&self) -> &Probabilities {
        &self.held_out
    }

    /// What a forest that is grown without a fold is told, of the rows that it is grown on and of the fold's.
    pub(super) fn without(&self, part: usize) -> &Probabilities {
        &self.within[part]
    }
}

/// The columns that the forest sees of a learner below: a probability per tier, and the last less the first.
pub(super) fn columns(probabilities: &Probabilities) -> Vec<Vec<f32>> {
    let mut columns: Vec<Vec<f32>> =
        probabilities.iter().map(|tier| tier.iter().map(|p| *p as f32).collect()).collect();
    if let (Some(cheap), Some(frontier)) = (probabilities.first(), probabilities.last()) {
        columns.push(cheap.iter().zip(frontier).map(|(c, f)| (f - c) as f32).collect());
    }
    columns
}

/// Lists per tier from lists per row.
pub(super) fn per_tier(rows: &[Vec<f64>]) -> Probabilities {
    let tiers = rows.first().map_or(0, Vec::len);
    (0..tiers).map(|tier| rows.iter().map(|row| row[tier]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_spoken_of_by_a_model_that_has_seen_it_or_the_fold_in_hand() {
        let fold = [0, 1, 2, 3, 0, 1, 2, 3];
        // A model is the set of folds that it has not seen; what it says of a row names that set.
        let fit = |out: &[usize]| out.iter().map(|k| 1 << k).sum::<u32>();
        let nested = Nested::new(&fold, 4, fit, |model, _| vec![f64::from(*model), 0.0]);
        for (row, &own) in fold.iter().enumerate() {
            assert_eq!(nested.held_out()[0][row], f64::from(1 << own));
            for part in 0..4 {
                assert_eq!(nested.without(part)[0][row], f64::from(1 << own | 1 << part), "{row} {part}");
            }
        }
    }

    #[test]
    fn the_forest_sees_each_tier_and_the_gain() {
        assert_eq!(columns(&vec![vec![0.25, 0.5], vec![0.75, 0.25]]), [[0.25, 0.5], [0.75, 0.25], [0.5, -0.25]]);
        assert_eq!(per_tier(&[vec![1.0, 2.0], vec![3.0, 4.0]]), [[1.0, 3.0], [2.0, 4.0]]);
    }
}

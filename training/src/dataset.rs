//! What a fit starts from: numbers, checked once.

use ndarray::{Array2, Axis};

use crate::FitError;
use crate::learners::domains;

/// Labelled rows. Checked by [`Dataset::new`]; every part has one entry per row.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub(crate) embedding: Array2<f32>,
    pub(crate) lexical: Array2<f32>,
    pub(crate) labels: Vec<Vec<f64>>,
    pub(crate) weights: Vec<f64>,
    pub(crate) groups: Vec<u64>,
    /// One per row, or none at all.
    pub(crate) domains: Vec<Option<u64>>,
}

/// The parts of a [`Dataset`].
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Sentence embeddings, rows × dimensions.
    pub embedding: Array2<f32>,
    /// Lexical features, rows × features.
    pub lexical: Array2<f32>,
    /// Per tier (cheap → frontier) the label of every row, in [0, 1].
    pub labels: Vec<Vec<f64>>,
    /// How much each row counts, finite and not negative.
    pub weights: Vec<f64>,
    /// A number per group of rows that must stay together; equal numbers are one group.
    pub groups: Vec<u64>,
    /// A number per domain, where a row's is known; empty where none is.
    pub domains: Vec<Option<u64>>,
}

impl Parts {
    /// Parts from feature vectors that lie one after the other.
    ///
    /// # Errors
    /// When the vectors cannot be of equal length.
    pub fn new(
        embedding: Vec<f32>,
        lexical: Vec<f32>,
        labels: Vec<Vec<f64>>,
        weights: Vec<f64>,
        groups: Vec<u64>,
    ) -> Result<Self, FitError> {
        let matrix = |values: Vec<f32>| {
            let columns = values.len() / groups.len().max(1);
            Array2::from_shape_vec((groups.len(), columns), values).map_err(|_| FitError::Shape)
        };
        let (embedding, lexical) = (matrix(embedding)?, matrix(lexical)?);
        Ok(Self { embedding, lexical, labels, weights, groups, domains: Vec::new() })
    }
}

/// Fewer groups than this cannot be split into parts that say anything.
const FEWEST_GROUPS: usize = 10;

impl Dataset {
    /// Checks the parts.
    ///
    /// # Errors
    /// When lengths differ, a number is out of range, there are fewer than two tiers or ten groups, or the labels of a
    /// tier are all alike.
    pub fn new(parts: Parts) -> Result<Self, FitError> {
        let Parts { embedding, lexical, labels, weights, groups, domains } = parts;
        let rows = groups.len();
        if embedding.nrows() != rows || lexical.nrows() != rows || weights.len() != rows {
            return Err(FitError::Shape);
        }
        if !domains.is_empty() && domains.len() != rows {
            return Err(FitError::Shape);
        }
        if labels.len() < 2 || labels.iter().any(|tier| tier.len() != rows) {
            return Err(FitError::Shape);
        }
        if !embedding.iter().chain(&lexical).all(|x| x.is_finite()) {
            return Err(FitError::NotFinite("features"));
        }
        if !weights.iter().all(|w| w.is_finite() && *w >= 0.0) {
            return Err(FitError::NotFinite("weights"));
        }
        if !labels.iter().flatten().all(|y| (0.0..=1.0).contains(y)) {
            return Err(FitError::NotFinite("labels"));
        }
        let found = distinct(&groups);
        if found < FEWEST_GROUPS {
            return Err(FitError::TooFewGroups { found, needed: FEWEST_GROUPS });
        }
        for (tier, labels) in labels.iter().enumerate() {
            if let Some(&first) = labels.first()
                && labels.iter().all(|label| *label == first)
            {
                return Err(FitError::OneClass { tier, label: first });
            }
        }
        Ok(Self { embedding, lexical, labels, weights, groups, domains })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.len()
    }

    /// Length of the embedding.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.embedding.ncols()
    }

    /// Whether any of these lexical features has two values.
    #[must_use]
    pub fn varies(&self, lexical: &[usize]) -> bool {
        let column = |&i: &usize| self.lexical.column(i);
        lexical.iter().any(|i| column(i).iter().any(|x| Some(x) != column(i).first()))
    }

    /// The same rows with these lexical features only, in this order, and with the embedding or without it.
    #[must_use]
    pub fn only(&self, embedding: bool, lexical: &[usize]) -> Self {
        let dimensions = if embedding { self.dimensions() } else { 0 };
        Self {
            embedding: self.embedding.view().split_at(Axis(1), dimensions).0.to_owned(),
            lexical: self.lexical.select(Axis(1), lexical),
            ..self.clone()
        }
    }

    /// Whether at least two domains have enough rows to be told apart.
    #[must_use]
    pub fn has_domains(&self) -> bool {
        domains::numbered(&self.domains).is_some()
    }

    /// The same rows, of no known domain.
    #[must_use]
    pub fn without_domains(&self) -> Self {
        Self { domains: Vec::new(), ..self.clone() }
    }

    /// Number of distinct groups.
    #[must_use]
    pub fn group_count(&self) -> usize {
        distinct(&self.groups)
    }
}

/// Number of distinct groups.
pub(crate) fn distinct(groups: &[u64]) -> usize {
    let mut sorted = groups.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(rows: usize) -> Parts {
        Parts {
            embedding: Array2::zeros((rows, 2)),
            lexical: Array2::zeros((rows, 1)),
            labels: vec![
                (0..rows).map(|i| (i % 2) as f64).collect(),
                (0..rows).map(|i| (i % 3).min(1) as f64).collect(),
            ],
            weights: vec![1.0; rows],
            groups: (0..rows as u64).collect(),
            domains: Vec::new(),
        }
    }

    #[test]
    fn parts_of_the_features_can_be_left_out() {
        let lexical =
            Array2::from_shape_fn((20, 3), |(row, column)| if column == 1 { 7.0 } else { (row + column) as f32 });
        let data = Dataset::new(Parts { lexical, ..parts(20) }).unwrap();
        assert!(data.varies(&[0, 1]) && !data.varies(&[1]) && !data.varies(&[]));
        let some = data.only(false, &[2, 1]);
        assert_eq!((some.dimensions(), some.rows()), (0, 20));
        assert_eq!(some.lexical.row(3).to_vec(), [5.0, 7.0]);
        assert_eq!(data.only(true, &[]).lexical.dim(), (20, 0));
    }

    #[test]
    fn good_parts_pass_and_each_fault_is_named() {
        assert_eq!(Dataset::new(parts(20)).unwrap().group_count(), 20);
        assert!(matches!(Dataset::new(parts(5)), Err(FitError::TooFewGroups { found: 5, .. })));
        let one_class = Parts { labels: vec![vec![1.0; 20], parts(20).labels.remove(0)], ..parts(20) };
        assert!(matches!(Dataset::new(one_class), Err(FitError::OneClass { tier: 0, .. })));
        let infinite = Parts { embedding: Array2::from_elem((20, 2), f32::NAN), ..parts(20) };
        assert!(matches!(Dataset::new(infinite), Err(FitError::NotFinite("features"))));
        let beyond = Parts { labels: vec![vec![2.0; 20]; 2], ..parts(20) };
        assert!(matches!(Dataset::new(beyond), Err(FitError::NotFinite("labels"))));
        let negative = Parts { weights: vec![-1.0; 20], ..parts(20) };
        assert!(matches!(Dataset::new(negative), Err(FitError::NotFinite("weights"))));
        let short = Parts { weights: vec![1.0; 19], ..parts(20) };
        assert!(matches!(Dataset::new(short), Err(FitError::Shape)));
        let few_domains = Parts { domains: vec![None; 19], ..parts(20) };
        assert!(matches!(Dataset::new(few_domains), Err(FitError::Shape)));
    }
}

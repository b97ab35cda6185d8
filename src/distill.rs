//! Distils a sentence encoder into a token table: every token's vector through the full model, projected onto the
//! principal components, weighted by how rare the token is, in eight bits.
//!
//! The recipe is model2vec's (Tulkens and van Dongen, 2024); the weights are those of smooth inverse frequency
//! (Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017), with the frequencies
//! that Zipf's law gives to a vocabulary sorted by frequency.

mod encode;
mod folder;
mod principal;

use serde::Serialize;

pub use encode::encode_vocabulary;
pub use folder::Folder;

/// Least cosine between a row in eight bits and the same row in full precision; a table below it is refused.
const LEAST_COSINE: f64 = 0.999;

/// How a table is made from the encoder's vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Components that are kept, at most the encoder's own dimensions.
    pub dimensions: usize,
    /// The coefficient a of smooth inverse frequency, a/(a + p): the smaller, the less the frequent tokens count.
    /// `None` weighs all tokens alike.
    pub sif: Option<f64>,
}

/// A token table in eight bits: a row is `scale × row`, one per token id.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The rows, `tokens × dimensions`.
    pub rows: Vec<i8>,
    /// A factor per row.
    pub scales: Vec<f32>,
    /// Length of a row.
    pub dimensions: usize,
    /// What the distillation kept and lost.
    pub summary: Summary,
}

/// What a distillation kept and lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Tokens of the vocabulary that can occur in a text.
    pub tokens: usize,
    /// Components that were kept.
    pub dimensions: usize,
    /// Share of the variance of the tokens' vectors that the kept components explain, in [0, 1].
    pub explained_variance: f64,
    /// The least cosine, over all tokens, between the row in eight bits and the row in full precision.
    pub least_cosine: f64,
}

/// Makes a table from the vectors of a vocabulary: `vectors` has a row of `width` numbers for each token, in the order
/// of the ids. Rows of special and unused tokens, in square brackets, are zero.
///
/// # Errors
/// When the recipe asks for more dimensions than the encoder has or a weight that is not positive, or where eight bits
/// are too few for a row.
pub fn distill(vocabulary: &[String], vectors: &[f32], width: usize, recipe: Recipe) -> Result<Table, String> {
    if recipe.dimensions == 0 || recipe.dimensions > width {
        return Err(format!("{} dimensions: must be between 1 and the encoder's {width}", recipe.dimensions));
    }
    if recipe.sif.is_some_and(|a| a.is_nan() || a <= 0.0) {
        return Err("the coefficient of smooth inverse frequency must be positive".to_owned());
    }
    let real: Vec<usize> = (0..vocabulary.len()).filter(|&id| !is_special(&vocabulary[id])).collect();
    let basis = principal::components(real.iter().map(|&id| &vectors[id * width..(id + 1) * width]), width);
    let mut table = Table::empty(vocabulary.len(), recipe.dimensions);
    for (rank, &id) in real.iter().enumerate() {
        let mut row = basis.project(&vectors[id * width..(id + 1) * width], recipe.dimensions);
        let weight = recipe.sif.map_or(1.0, |a| inverse_frequency(a, rank + 1, real.len()));
        row.iter_mut().for_each(|x| *x *= weight);
        table.set(id, &row);
    }
    table.summary.tokens = real.len();
    table.summary.explained_variance = basis.explained(recipe.dimensions);
    if table.summary.least_cosine < LEAST_COSINE {
        return Err(format!("eight bits lose too much: a row keeps only a cosine of {}", table.summary.least_cosine));
    }
    Ok(table)
}

impl Table {
    fn empty(tokens: usize, dimensions: usize) -> Self {
        Self {
            rows: vec![0; tokens * dimensions],
            scales: vec![0.0; tokens],
            dimensions,
            summary: Summary { tokens: 0, dimensions, explained_variance: 0.0, least_cosine: 1.0 },
        }
    }

    /// Stores a row in eight bits: its largest number becomes ±127.
    fn set(&mut self, id: usize, row: &[f64]) {
        let scale = row.iter().fold(0.0_f64, |max, x| max.max(x.abs())) / 127.0;
        if scale == 0.0 {
            return;
        }
        let stored = &mut self.rows[id * self.dimensions..(id + 1) * self.dimensions];
        for (stored, x) in stored.iter_mut().zip(row) {
            *stored = (x / scale).round() as i8;
        }
        self.scales[id] = scale as f32;
        let least = &mut self.summary.least_cosine;
        *least = least.min(cosine(row, stored));
    }
}

fn cosine(exact: &[f64], stored: &[i8]) -> f64 {
    let dot: f64 = exact.iter().zip(stored).map(|(a, &b)| a * f64::from(b)).sum();
    let square: f64 =
        exact.iter().map(|a| a * a).sum::<f64>() * stored.iter().map(|&b| f64::from(b).powi(2)).sum::<f64>();
    dot / square.sqrt()
}

/// `[CLS]`, `[unused17]` and the like, which no text gives; a bracket by itself is an ordinary token.
fn is_special(token: &str) -> bool {
    token.len() > 2 && token.starts_with('[') && token.ends_with(']')
}

/// a/(a + p) for the token of a rank, from 1, where Zipf's law gives it the probability p = 1/(rank · H_n).
fn inverse_frequency(a: f64, rank: usize, n: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let harmonic = (n as f64).ln() + EULER;
    a / (a + 1.0 / (rank as f64 * harmonic))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    fn vocabulary(n: usize) -> Vec<String> {
        ["[PAD]".to_owned(), "[unused0]".to_owned()].into_iter().chain((2..n).map(|i| format!("t{i}"))).collect()
    }

    fn vectors(n: usize, width: usize) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(7);
        (0..n * width).map(|i| rng.random_range(-1.0..1.0) / (1 + i % width) as f32).collect()
    }

    #[test]
    fn a_full_rank_table_keeps_the_angles_between_tokens() {
        let (n, width) = (200, 12);
        let (words, vectors) = (vocabulary(n), vectors(n, width));
        let table = distill(&words, &vectors, width, Recipe { dimensions: width, sif: None }).unwrap();
        assert!(table.summary.least_cosine > 0.999, "{:?}", table.summary);
        assert!((table.summary.explained_variance - 1.0).abs() < 1e-9);
        // The projection is a rotation about the mean: distances stay.
        let exact = |i: usize, j: usize| -> f64 {
            (0..width).map(|k| f64::from(vectors[i * width + k] - vectors[j * width + k]).powi(2)).sum::<f64>().sqrt()
        };
        let row = |i: usize, k: usize| f64::from(table.rows[i * width + k]) * f64::from(table.scales[i]);
        let stored = |i: usize, j: usize| (0..width).map(|k| (row(i, k) - row(j, k)).powi(2)).sum::<f64>().sqrt();
        for (i, j) in [(2, 3), (50, 199), (100, 7)] {
            assert!((exact(i, j) - stored(i, j)).abs() < 0.02, "{i} {j}: {} {}", exact(i, j), stored(i, j));
        }
        assert!(table.rows[..2 * width].iter().all(|x| *x == 0), "special tokens have no direction");
    }

    #[test]
    fn frequent_tokens_weigh_less_and_the_recipe_is_checked() {
        let weight = |rank| inverse_frequency(1e-2, rank, 30_000);
        assert!((weight(1) - 0.01 / (0.01 + 1.0 / 10.886_168)).abs() < 1e-4, "{}", weight(1));
        assert!(weight(1) < weight(10) && weight(10) < weight(20_000) && weight(20_000) > 0.999);
        let refused = |recipe| distill(&vocabulary(20), &vectors(20, 4), 4, recipe).is_err();
        assert!(refused(Recipe { dimensions: 5, sif: None }) && refused(Recipe { dimensions: 0, sif: None }));
        assert!(
            refused(Recipe { dimensions: 2, sif: Some(0.0) }) && refused(Recipe { dimensions: 2, sif: Some(f64::NAN) })
        );
        let recipe = Recipe { dimensions: 2, sif: Some(1e-2) };
        let table = || distill(&vocabulary(20), &vectors(20, 4), 4, recipe).unwrap();
        assert_eq!(table(), table());
    }
}

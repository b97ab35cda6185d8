//! Labelled queries as a matrix: what a fit reads.

use rungs_training::{Dataset, FitError, Parts};

use super::prices::Prices;
use super::rows::{Rows, Unit};
use crate::features::{Extractor, FeatureVector};
use crate::labelled::{LabelledQuery, RowError};

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A file or a row of it is at fault.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The rows cannot be learned from; says which tier and why.
    #[error("{0}")]
    Data(String),
    /// A query could not be embedded.
    #[error(transparent)]
    Embed(#[from] crate::features::embedding::EmbedError),
}

/// What to learn from the queries: tiers, cheap → frontier, and what must stay together in cross-validation.
#[derive(Debug, Clone)]
pub struct Task {
    /// The tiers, cheap → frontier.
    pub tiers: Vec<String>,
    /// What stays together in cross-validation, and so what the figures call unseen.
    pub unit: Unit,
    /// Prices for outcomes whose cost is not recorded; only figures need them.
    pub prices: Prices,
}

/// Reads the queries that have an outcome of every tier.
///
/// # Errors
/// When a row is bad, a tier has no outcomes or only one class, there are too few groups, or a query cannot be embedded.
pub fn read(
    queries: impl Iterator<Item = Result<LabelledQuery, RowError>>,
    task: &Task,
    extractor: &Extractor,
) -> Result<(Rows, Dataset), LearnError> {
    let mut rows = Rows::new(&task.tiers, task.unit).priced(task.prices.clone());
    let mut features = Features::default();
    for query in queries {
        let query = query?;
        if rows.take(&query) {
            features.push(&extractor.extract(&query.request)?);
        }
    }
    rows.check().map_err(LearnError::Data)?;
    let data = features.dataset(&rows).map_err(|error| named(&error, &task.tiers))?;
    Ok((rows, data))
}

/// Says which tier is at fault: the training crate knows tiers by number only.
#[must_use]
pub fn named(error: &FitError, tiers: &[String]) -> LearnError {
    LearnError::Data(match error {
        FitError::OneClass { tier, label } => format!(
            "tier `{}`: every score is {label}; with one class only there is nothing to learn: add queries that it \
             answers otherwise",
            tiers.get(*tier).map_or("", String::as_str)
        ),
        other => other.to_string(),
    })
}

/// Feature vectors, one after the other.
#[derive(Default)]
struct Features {
    embedding: Vec<f32>,
    lexical: Vec<f32>,
}

impl Features {
    fn push(&mut self, vector: &FeatureVector) {
        self.embedding.extend(&vector.embedding);
        self.lexical.extend(&vector.lexical);
    }

    fn dataset(self, rows: &Rows) -> Result<Dataset, FitError> {
        let parts =
            Parts::new(self.embedding, self.lexical, rows.labels.clone(), rows.weights.clone(), rows.groups.clone())?;
        Dataset::new(Parts { domains: rows.domain_numbers(), ..parts })
    }
}

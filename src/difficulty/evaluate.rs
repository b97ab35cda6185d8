//! Scored rows with what really happened.

use rungs_training::evaluate::{Scored, evaluate};

use super::Score;
use super::figures::{Figures, Operating};
use super::rows::{Rows, Unit};
use crate::features::embedding::EmbedError;
use crate::labelled::LabelledQuery;
use crate::policy::start;

/// Seed of the bootstrap: figures of the same rows and model are the same every time.
const SEED: u64 = 0;

/// Rows with the probabilities that an artifact gives them.
#[derive(Debug, Clone)]
pub struct Judged {
    rows: Rows,
    /// Per tier, one per row.
    probabilities: Vec<Vec<f64>>,
}

impl Judged {
    /// No rows yet, for an artifact's tiers.
    #[must_use]
    pub fn new(tiers: &[String]) -> Self {
        Self { rows: Rows::new(tiers, Unit::Group), probabilities: vec![Vec::new(); tiers.len()] }
    }

    /// Takes a query if it has an outcome of every tier; only then is it scored.
    ///
    /// # Errors
    /// When scoring fails.
    pub fn take(
        &mut self,
        query: &LabelledQuery,
        score: impl FnOnce() -> Result<Score, EmbedError>,
    ) -> Result<(), EmbedError> {
        if self.rows.take(query) {
            let score = score()?;
            self.probabilities.iter_mut().zip(score.p.values()).for_each(|(tier, p)| tier.push(p.get()));
        }
        Ok(())
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Adds the rows of another file.
    pub fn append(&mut self, other: Self) {
        self.probabilities.iter_mut().zip(other.probabilities).for_each(|(to, from)| to.extend(from));
        self.rows.append(other.rows);
    }

    /// The ranking score p_frontier − p_cheap of each row.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        self.scored().scores()
    }

    /// All figures; the operating point is that of `threshold`.
    #[must_use]
    pub fn figures(&self, threshold: f64) -> Figures {
        let point = self.operate(threshold);
        Figures::new(&evaluate(&self.scored(), SEED), &self.rows.tiers, self.rows.left_out, Some(point))
    }

    fn scored(&self) -> Scored<'_> {
        Scored {
            probabilities: &self.probabilities,
            labels: &self.rows.labels,
            weights: &self.rows.weights,
            groups: &self.rows.groups,
        }
    }

    /// What the router's own rule does at a threshold, with prices unknown.
    pub(super) fn operate(&self, threshold: f64) -> Operating {
        let last = self.rows.tiers.len().saturating_sub(1);
        let prices = vec![None; self.rows.tiers.len()];
        let (mut weight, mut sent, mut quality, mut cost) = (0.0, 0.0, 0.0, Some(0.0));
        for row in 0..self.rows.len() {
            let p: Vec<f64> = self.probabilities.iter().map(|tier| tier[row]).collect();
            let tier = start(&p, &prices, threshold);
            let w = self.rows.weights[row];
            weight += w;
            sent += if tier == last { w } else { 0.0 };
            quality += w * self.rows.labels[tier][row];
            cost = cost.zip(self.rows.costs[tier][row]).map(|(sum, cost)| sum + w * cost);
        }
        let total = if weight > 0.0 { weight } else { 1.0 };
        Operating {
            threshold,
            frontier_share: sent / total,
            quality: quality / total,
            cost_usd: cost.map(|cost| cost / total),
        }
    }
}

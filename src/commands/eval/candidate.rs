//! One artifact on its way through the data.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::{Difference, Evaluated};
use crate::cli::Failure;
use crate::config::Preset;
use crate::difficulty::Scorer;
use crate::difficulty::evaluate::Judged;
use crate::difficulty::figures::Figures;
use crate::difficulty::prices::Prices;
use crate::difficulty::rows::group_number;
use crate::difficulty::seen::Seen;
use crate::difficulty::trust::calibrators;
use crate::labelled::LabelledQuery;

/// An artifact with the rows that it has scored.
pub(super) struct Candidate {
    pub(super) model: PathBuf,
    pub(super) scorer: Scorer,
    seen: Seen,
    seen_in_training: usize,
    pub(super) judged: Judged,
    pub(super) by_dataset: IndexMap<String, Figures>,
}

impl Candidate {
    /// Opens the list of groups that the artifact was trained on; no rows yet.
    pub(super) fn new(model: &Path, scorer: Scorer, prices: &Prices) -> Self {
        Self {
            model: model.to_owned(),
            seen: scorer.artifact().training.seen.open(),
            seen_in_training: 0,
            judged: rows(&scorer, prices),
            by_dataset: IndexMap::new(),
            scorer,
        }
    }

    /// No rows yet, for the artifact's tiers.
    pub(super) fn rows(&self, prices: &Prices) -> Judged {
        rows(&self.scorer, prices)
    }

    /// Scores a query into a part of the rows.
    pub(super) fn take(&mut self, query: &LabelledQuery, part: &mut Judged) -> Result<(), Failure> {
        let before = part.rows().len();
        part.take(query, || self.scorer.score(&query.request)).map_err(|error| Failure::Failed(error.into()))?;
        let seen = part.rows().len() > before && self.seen.contains(group_number(query.cluster()));
        self.seen_in_training += usize::from(seen);
        Ok(())
    }

    /// The artifact's own operating point.
    pub(super) fn threshold(&self) -> f64 {
        self.scorer.threshold(Preset::Calibrated)
    }

    /// Its figures less those of the first artifact, which has taken the same rows.
    pub(super) fn difference(&self, first: &Self) -> Difference {
        Difference {
            model: self.model.clone(),
            model_version: self.scorer.version().to_owned(),
            against: first.scorer.version().to_owned(),
            comparison: self.judged.compared_to(&first.judged),
        }
    }

    /// The figures over all rows.
    pub(super) fn evaluated(self) -> Evaluated {
        Evaluated {
            model_version: self.scorer.version().to_owned(),
            artifact_signal: self.scorer.artifact().signal.verdict,
            calibrators: calibrators(self.scorer.artifact()),
            seen_in_training: self.seen_in_training,
            calibrated: self.scorer.artifact().calibrated.clone(),
            all: self.judged.figures(self.threshold()),
            model: self.model,
            by_dataset: self.by_dataset,
        }
    }
}

fn rows(scorer: &Scorer, prices: &Prices) -> Judged {
    Judged::new(scorer.heads()).priced(prices.clone())
}

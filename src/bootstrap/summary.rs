//! What a bootstrap came to.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::estimate::dollars;
use super::sample::Question;
use crate::difficulty::figures::Figures;
use crate::retrain::Report;

/// The whole story.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Different prompts in the sample.
    pub prompts: usize,
    /// Those of them that have a label of every tier.
    pub rows: usize,
    /// What all answers and verdicts in the folder have cost, USD; `None` where a price is not known.
    pub spent_usd: Option<f64>,
    /// Whether `--max-usd` ended it early.
    pub limit_reached: bool,
    /// What failed in this run.
    pub failed: Vec<Failed>,
    /// The labelled queries, for `train`, `eval` and `retrain.replay`.
    pub labelled: PathBuf,
    /// The folder with the fitted model; `None` where nothing could be fitted.
    pub model: Option<PathBuf>,
    /// The model's figures out of fold, where it is the first.
    pub out_of_fold: Option<Figures>,
    /// What became of the model.
    pub registry: Report,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failed {
    /// The prompt's name in the labelled queries.
    pub id: String,
    /// The tier, or the judge.
    pub at: String,
    /// Why.
    pub error: String,
}

/// Failures that a person is shown.
const SHOWN: usize = 10;

impl Failed {
    pub(super) fn of(question: &Question, at: &str, error: String) -> Self {
        Self { id: question.id.clone(), at: at.to_owned(), error }
    }
}

impl Summary {
    /// For a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let Self { prompts, rows, failed, labelled, .. } = self;
        let _ =
            writeln!(text, "{rows} of {prompts} prompts have a label of every tier; {} spent", dollars(self.spent_usd));
        for (why, n) in &self.registry.labels.dropped {
            let _ = writeln!(text, "  not used  {n}: {why}");
        }
        for Failed { id, at, error } in failed.iter().take(SHOWN) {
            let _ = writeln!(text, "  failed    {id} at {at}: {error}");
        }
        if failed.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more (--json has all)", failed.len() - SHOWN);
        }
        if !failed.is_empty() {
            text += "  what failed is tried again by the next run\n";
        }
        if self.limit_reached {
            text += "  the limit was reached: a higher --max-usd goes on from here\n";
        }
        let _ = writeln!(text, "labelled queries  {}", labelled.display());
        if let Some(model) = &self.model {
            let _ = writeln!(text, "model             {}", model.display());
        }
        text
    }
}

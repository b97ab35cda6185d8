//! What is predicted of each row, before and after the cheap answer.

use rungs_training::Settings;
use serde::Serialize;

use super::Calls;
use crate::cascade::evidence::Drawn;
use crate::difficulty::answers::Answers;
use crate::difficulty::learn::learn;
use crate::difficulty::matrix::{LearnError, Task};
use crate::difficulty::prices::Prices;
use crate::difficulty::rows::{Rows, Unit};
use crate::difficulty::{Acceptability, Scorer};
use crate::features::Extractor;
use crate::labelled::{LabelledQuery, RowError};

/// Probabilities of rows; every list has one entry per row, and tiers go cheap, frontier.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// The rows.
    pub rows: Rows,
    /// Per tier, the acceptability before any answer.
    pub before: Vec<Vec<f64>>,
    /// Per tier, the confidence after the cheap answer.
    pub after: Vec<Vec<f64>>,
    /// Where the acceptability is from.
    pub router: Source,
    /// Where the confidence is from.
    pub confidence: Source,
    /// Why there is no confidence.
    pub missing: Option<String>,
}

/// Where predictions are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An artifact.
    Artifact,
    /// Fitted on the rows themselves, each by a model that had not seen its group.
    CrossFitted,
    /// There is none: an answer tells nothing.
    None,
}

/// Why nothing was predicted.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The rows cannot be learned from, or a query cannot be embedded.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The artifact has no head for a tier.
    #[error("the artifact has no head for tier `{tier}`; it has {known}")]
    NoHead {
        /// The tier that was asked for.
        tier: String,
        /// Those that it has.
        known: String,
    },
}

/// The queries with an outcome of both tiers are used.
type Queries<'a> = &'a mut dyn Iterator<Item = Result<LabelledQuery, RowError>>;

impl Predicted {
    /// Router and confidence fitted on the rows themselves, out of fold.
    ///
    /// # Errors
    /// When the rows cannot be learned from.
    pub fn cross_fitted(
        queries: Queries<'_>,
        tiers: &[String; 2],
        calls: &mut Calls,
        extractor: &Extractor,
        settings: &Settings,
    ) -> Result<Self, EvalError> {
        let seen = queries.inspect(|query| query.iter().for_each(|query| calls.take(query)));
        let task = Task { tiers: tiers.to_vec(), unit: Unit::Group, prices: Prices::default() };
        let mut learned = learn(seen, &task, extractor, settings)?;
        let before = learned.judged.probabilities().to_vec();
        let (after, confidence, missing) = match learned.confidence.pop().flatten() {
            Some(Ok(confidence)) => (confidence.out_of_fold, Source::CrossFitted, None),
            other => (before.clone(), Source::None, Some(reason(other.and_then(Result::err)))),
        };
        let rows = learned.judged.rows().clone();
        Ok(Self { rows, before, after, router: Source::CrossFitted, confidence, missing })
    }

    /// An artifact's router and, where it has one for the cheap tier's answers, its confidence; else one fitted on the
    /// rows, out of fold.
    ///
    /// # Errors
    /// When a row is bad, the artifact lacks a head for a tier, or a query cannot be embedded.
    pub fn by_artifact(
        queries: Queries<'_>,
        tiers: &[String; 2],
        calls: &mut Calls,
        scorer: &Scorer,
        seed: u64,
    ) -> Result<Self, EvalError> {
        if let Some(tier) = tiers.iter().find(|tier| !scorer.heads().contains(tier)) {
            return Err(EvalError::NoHead { tier: tier.clone(), known: scorer.heads().join(", ") });
        }
        let of_pair =
            |model: &&crate::difficulty::ConfidenceModel| model.tier() == tiers[0] && model.tiers.contains(&tiers[1]);
        let model = scorer.artifact().confidence.iter().find(of_pair);
        let mut rows = Rows::new(tiers, Unit::Group);
        let mut answers = Answers::new(tiers);
        let (mut before, mut after) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
        for query in queries {
            let query = query.map_err(LearnError::from)?;
            if !rows.take(&query) {
                continue;
            }
            calls.take(&query);
            answers.take(&query);
            let prior = scorer.score(&query.request).map_err(LearnError::from)?.p;
            let drawn = query.outcomes.get(&tiers[0]).map(Drawn::of).filter(Drawn::tells);
            let judged =
                model.zip(drawn).and_then(|(model, drawn)| model.judge(&prior, &drawn.evidence(&query.request)));
            for (i, tier) in tiers.iter().enumerate() {
                let p = prior.get(tier).map_or(0.0, |p: &Acceptability| p.get());
                before[i].push(p);
                after[i].push(judged.as_ref().and_then(|judged| judged.get(tier)).map_or(p, |p| p.get()));
            }
        }
        rows.check().map_err(LearnError::Data)?;
        let mut predicted =
            Self { rows, before, after, router: Source::Artifact, confidence: Source::Artifact, missing: None };
        if model.is_none() {
            predicted.fit(&answers, seed);
        }
        Ok(predicted)
    }

    /// Puts a confidence fitted on the rows in the place of one that the artifact does not have.
    fn fit(&mut self, answers: &Answers, seed: u64) {
        match answers.fit(0, &self.rows, &self.before, seed) {
            Some(Ok(learned)) => {
                self.after = learned.out_of_fold;
                self.confidence = Source::CrossFitted;
            }
            other => {
                self.confidence = Source::None;
                self.missing = Some(reason(other.and_then(Result::err)));
            }
        }
    }
}

fn reason(error: Option<String>) -> String {
    error.unwrap_or_else(|| "no row has an answer, log-probabilities or samples of the cheap tier".to_owned())
}

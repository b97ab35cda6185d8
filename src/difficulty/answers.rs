//! The recorded answers of the tiers below the last, and what is learned from them.

use rungs_training::policies::worth;
use rungs_training::postgen::{self, Figures, Heads, Observed};

use super::confidence::{ConfidenceFigures, ConfidenceModel, Weights, Worth};
use super::rows::Rows;
use crate::cascade::evidence::{Drawn, Evidence, FAMILIES, Kind, SIGNALS};
use crate::labelled::LabelledQuery;

/// The answers of the rows that [`Rows`] takes, per tier below the last.
#[derive(Debug, Clone)]
pub struct Answers {
    tiers: Vec<String>,
    given: Vec<Vec<Option<Given>>>,
}

/// What a tier gave; `None` in its place where only the score was recorded.
#[derive(Debug, Clone)]
struct Given {
    evidence: Evidence,
    score: f64,
}

/// The model of one tier's answers, with what it says of rows that it had not seen.
#[derive(Debug, Clone)]
pub struct LearnedConfidence {
    /// The model.
    pub model: ConfidenceModel,
    /// Whether it follows a single signal, because nothing ranked better.
    pub single: bool,
    /// Per tier of the model, the held-out probability of each row; the one from before where there was no answer.
    pub out_of_fold: Vec<Vec<f64>>,
}

impl Answers {
    /// None yet, of these tiers, cheap → frontier.
    #[must_use]
    pub fn new(tiers: &[String]) -> Self {
        Self { tiers: tiers.to_vec(), given: vec![Vec::new(); tiers.len().saturating_sub(1)] }
    }

    /// Takes the answers of a query if it has an outcome of every tier.
    pub fn take(&mut self, query: &LabelledQuery) {
        if self.tiers.iter().any(|tier| !query.outcomes.contains_key(tier)) {
            return;
        }
        for (given, tier) in self.given.iter_mut().zip(&self.tiers) {
            let drawn = query.outcomes.get(tier).map(Drawn::of).filter(Drawn::tells);
            given.push(drawn.map(|drawn| Given { evidence: drawn.evidence(&query.request), score: drawn.score }));
        }
    }

    /// Fits the confidence in one tier's answers; `prior` are the probabilities of all tiers, out of fold. `None` where
    /// no answer was recorded.
    ///
    /// # Errors
    /// When the answers are too few or all alike; says how.
    pub fn fit(
        &self,
        tier: usize,
        rows: &Rows,
        prior: &[Vec<f64>],
        seed: u64,
    ) -> Option<Result<LearnedConfidence, String>> {
        let given = self.given.get(tier)?;
        let at: Vec<usize> = (0..given.len()).filter(|row| given[*row].is_some()).collect();
        if at.is_empty() {
            return None;
        }
        let observed = observed(given, &at, tier, rows, prior);
        let fitted = postgen::fit(&observed, seed).map_err(|error| error.to_string());
        Some(fitted.map(|fitted| {
            let mut out_of_fold = prior[tier..].to_vec();
            for (all, some) in out_of_fold.iter_mut().zip(&fitted.out_of_fold) {
                at.iter().zip(some).for_each(|(row, p)| all[*row] = *p);
            }
            let model = ConfidenceModel { worth: worth(&observed, &fitted), ..model(&fitted, &rows.tiers[tier..]) };
            LearnedConfidence { model, single: fitted.single, out_of_fold }
        }))
    }
}

/// A line per tier below the last: what was learned of its answers.
#[must_use]
pub fn summary(tiers: &[String], learned: &[Option<Result<LearnedConfidence, String>>]) -> String {
    let line =
        |(tier, learned): (&String, &Option<_>)| format!("  answers of {tier}: {}\n", in_words(learned.as_ref()));
    tiers.iter().zip(learned).map(line).collect()
}

fn in_words(learned: Option<&Result<LearnedConfidence, String>>) -> String {
    let number = |value: Option<f64>, ci: Option<[f64; 2]>| {
        let ci = ci.map_or(String::new(), |[low, high]| format!(" ({low:.3} to {high:.3})"));
        value.map_or("–".to_owned(), |value| format!("{value:.3}{ci}"))
    };
    match learned {
        None => "none are recorded; fixed limits decide whether to escalate".to_owned(),
        Some(Err(reason)) => format!("nothing learned, fixed limits decide whether to escalate: {reason}"),
        Some(Ok(LearnedConfidence { model: ConfidenceModel { figures, .. }, single, .. })) => format!(
            "confidence AUC {}, deferral APGR {}; the router's {}, the best signal's {}{}; {} answers",
            number(figures.auc, figures.auc_ci),
            number(figures.deferral_apgr, figures.deferral_apgr_ci),
            number(figures.prior_apgr, None),
            number(figures.signal_apgr, None),
            if *single { ", which alone is used" } else { "" },
            figures.n,
        ),
    }
}

fn observed(given: &[Option<Given>], at: &[usize], tier: usize, rows: &Rows, prior: &[Vec<f64>]) -> Observed {
    let pick = |list: &Vec<f64>| -> Vec<f64> { at.iter().map(|row| list[*row]).collect() };
    let answers: Vec<&Given> = at.iter().filter_map(|row| given[*row].as_ref()).collect();
    let mut labels: Vec<Vec<f64>> = rows.labels[tier..].iter().map(pick).collect();
    labels[0] = answers.iter().map(|given| given.score).collect();
    let signal = |i: usize| answers.iter().map(|given| given.evidence.values[i]).collect();
    Observed {
        prior: prior[tier..].iter().map(pick).collect(),
        signals: (0..SIGNALS.len()).map(signal).collect(),
        families: FAMILIES.iter().map(|family| family.to_vec()).collect(),
        kinds: answers.iter().map(|given| given.evidence.kind as usize).collect(),
        labels,
        weights: pick(&rows.weights),
        groups: at.iter().map(|row| rows.groups[*row]).collect(),
    }
}

fn model(fitted: &postgen::Fitted, tiers: &[String]) -> ConfidenceModel {
    let weights = |heads: &Heads| -> Vec<Weights> {
        let head = |head: &rungs_training::learners::logistic::Logistic| {
            let (prior, signals) = head.coefficients.split_at(tiers.len());
            Weights { intercept: head.intercept, prior: prior.to_vec(), signals: signals.to_vec() }
        };
        heads.tiers.iter().map(head).collect()
    };
    let kinds = Kind::ALL.iter().zip(&fitted.by_kind);
    ConfidenceModel {
        tiers: tiers.to_vec(),
        signals: SIGNALS.map(str::to_owned).to_vec(),
        typical: fitted.typical.clone(),
        pooled: weights(&fitted.pooled),
        by_kind: kinds.filter_map(|(kind, heads)| Some((*kind, weights(heads.as_ref()?)))).collect(),
        worth: Vec::new(),
        figures: figures(&fitted.figures),
    }
}

/// What it would have been worth to see these answers before the last tier was called.
fn worth(observed: &Observed, fitted: &postgen::Fitted) -> Vec<Worth> {
    let gain = |p: &[Vec<f64>]| -> Vec<f64> {
        let ends = p.first().zip(p.last());
        ends.map_or(Vec::new(), |(own, last)| last.iter().zip(own).map(|(last, own)| last - own).collect())
    };
    let Some((own, last)) = observed.labels.first().zip(observed.labels.last()) else { return Vec::new() };
    let worth = worth::fit(&gain(&observed.prior), &gain(&fitted.out_of_fold), [own, last], &observed.weights);
    let corners = |worth: &worth::Worth| worth.corners.iter().map(|corner| [corner.0, corner.1]).collect();
    worth.iter().map(|worth| Worth { price: worth.price, corners: corners(worth) }).collect()
}

fn figures(figures: &Figures) -> ConfidenceFigures {
    let ends = |interval: rungs_training::evaluate::Interval| [interval.0, interval.1];
    ConfidenceFigures {
        n: figures.n,
        auc: figures.auc,
        auc_ci: figures.auc_ci.map(ends),
        deferral_apgr: figures.deferral_apgr,
        deferral_apgr_ci: figures.deferral_apgr_ci.map(ends),
        prior_apgr: figures.prior_apgr,
        signal_apgr: figures.signal_apgr,
    }
}

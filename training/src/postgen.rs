//! What an answer tells of itself: P(acceptable | request, answer) for the tier that gave it and for those above it.
//!
//! One logistic head per tier over [logits of the pre-generation probabilities, signals of the answer], so that the gain
//! of climbing, p_above − p_own, is known after the answer was seen. The few columns that carry most (the logits and the
//! leading signal of each family) are hardly shrunken, the others as much as held-out loss asks for, down to nothing:
//! with some hundred rows the heads are those of three numbers, with thousands they use all.

mod figures;
mod heads;
mod lead;
mod matrix;

use crate::FitError;
use crate::dataset::distinct;
use crate::evaluate::area::Area;
use crate::evaluate::auc::Ranking;
use crate::learners::logistic::Logistic;
use crate::split::folds;

pub use figures::Figures;
use heads::{HeldOut, Penalties};
use lead::Lead;
use matrix::Matrix;

/// Answers of one tier with what could be seen of them; every list has one entry per row.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Per tier, that of the answer first, the most capable last: the probability before any answer was seen, by models
    /// that had not seen the row's group.
    pub prior: Vec<Vec<f64>>,
    /// Per signal, its values; NaN where an answer does not have it.
    pub signals: Vec<Vec<f64>>,
    /// Families of signals that measure the same thing, by their columns. The best of each family leads.
    pub families: Vec<Vec<usize>>,
    /// The kind of each answer, a small number; kinds with enough rows get heads of their own.
    pub kinds: Vec<usize>,
    /// Per tier, in the order of `prior`: labels in [0, 1].
    pub labels: Vec<Vec<f64>>,
    /// How much each row counts, finite and not negative.
    pub weights: Vec<f64>,
    /// Rows of one group stay together.
    pub groups: Vec<u64>,
}

/// The heads of all tiers over [logit of each prior, signals].
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// One per tier; coefficients act on the columns as they are, a missing signal counting as its typical value.
    pub tiers: Vec<Logistic>,
}

/// Everything that was learned.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Per signal, its mean where it is there: what stands for a missing one.
    pub typical: Vec<f64>,
    /// Heads for every kind of answer.
    pub pooled: Heads,
    /// By kind, heads of its own where they are better than the pooled ones.
    pub by_kind: Vec<Option<Heads>>,
    /// Whether the heads follow a single signal, because nothing ranked better than it.
    pub single: bool,
    /// Per tier, the probability of each row by heads that had not seen its group.
    pub out_of_fold: Vec<Vec<f64>>,
    /// How good those are.
    pub figures: Figures,
}

/// Parts of the cross-validation.
const FOLDS: usize = 5;

/// Fewer groups tell nothing.
const FEWEST_GROUPS: usize = 30;

/// Rows, and rows of the rarer label, from which on a kind may have heads of its own.
const FEWEST_OF_KIND: (f64, f64) = (200.0, 30.0);

/// Fits the heads.
///
/// # Errors
/// When lists differ in length, a number is out of range, there are fewer than 30 groups, or the answers are all
/// acceptable or all not.
pub fn fit(data: &Observed, seed: u64) -> Result<Fitted, FitError> {
    data.check()?;
    let matrix = Matrix::new(data);
    let fold = folds(&data.groups, FOLDS, seed);
    let leads = lead::choose(data, &matrix, &fold);
    let mut held_out: Vec<HeldOut> = data
        .labels
        .iter()
        .map(|labels| heads::choose(&matrix, &leads, labels, &data.weights, &data.groups, &fold))
        .collect();
    let mut by_kind = vec![None; data.kinds.iter().max().map_or(0, |most| most + 1)];
    for (kind, own) in by_kind.iter_mut().enumerate() {
        *own = of_kind(kind, data, &matrix, &fold, &mut held_out);
    }
    let pooled = final_heads(&matrix, &held_out, &data.labels, &data.weights);
    let mut fitted = Fitted {
        typical: matrix.typical(),
        pooled,
        by_kind,
        single: false,
        out_of_fold: held_out.into_iter().map(|head| head.probabilities).collect(),
        figures: Figures::default(),
    };
    if let Some(lead) = better_alone(data, &leads, &fitted.out_of_fold) {
        fitted.follow(lead, data, &matrix);
    }
    fitted.figures = Figures::new(data, &leads, &fitted.out_of_fold, seed);
    Ok(fitted)
}

/// The heads of one kind, where they are better than the pooled ones by more than the standard error of the difference;
/// what was held out is then theirs.
fn of_kind(kind: usize, data: &Observed, matrix: &Matrix, fold: &[usize], held_out: &mut [HeldOut]) -> Option<Heads> {
    let weights: Vec<f64> =
        data.weights.iter().zip(&data.kinds).map(|(w, k)| if *k == kind { *w } else { 0.0 }).collect();
    let (rows, rarer) = (weights.iter().sum::<f64>(), rarer_label(data.labels.first()?, &weights));
    let all: f64 = data.weights.iter().sum();
    if rows < FEWEST_OF_KIND.0 || rarer < FEWEST_OF_KIND.1 || rows >= all {
        return None;
    }
    let own: Vec<HeldOut> = held_out
        .iter()
        .zip(&data.labels)
        .map(|(pooled, labels)| HeldOut::new(matrix, pooled.penalties.clone(), labels, &weights, fold))
        .collect();
    let loss = |heads: &[HeldOut]| heads::row_losses(heads, &data.labels, &weights);
    if !heads::is_clearly_less(&loss(&own), &loss(held_out), &data.groups) {
        return None;
    }
    let heads = final_heads(matrix, &own, &data.labels, &weights);
    for (pooled, own) in held_out.iter_mut().zip(own) {
        let rows = (0..weights.len()).filter(|row| data.kinds[*row] == kind);
        rows.for_each(|row| pooled.probabilities[row] = own.probabilities[row]);
    }
    Some(heads)
}

fn final_heads(matrix: &Matrix, held_out: &[HeldOut], labels: &[Vec<f64>], weights: &[f64]) -> Heads {
    let head = |(held_out, labels): (&HeldOut, &Vec<f64>)| matrix.fit(&held_out.penalties, labels, weights);
    Heads { tiers: held_out.iter().zip(labels).map(head).collect() }
}

/// The leading signal that ranks by gain better than the heads do, if any.
fn better_alone<'a>(data: &Observed, leads: &'a [Lead], out_of_fold: &[Vec<f64>]) -> Option<&'a Lead> {
    let gains = data.gains();
    let area = |scores: &[f64]| ranked_apgr(&Ranking::new(scores), &gains, &data.weights);
    let heads = area(&gain(out_of_fold))?;
    let alone = |lead: &'a Lead| {
        let doubts: Vec<f64> = lead.probabilities.iter().map(|p| -p).collect();
        Some((area(&doubts)?, lead))
    };
    let (best, lead) = leads.iter().filter_map(alone).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best > heads).then_some(lead)
}

impl Fitted {
    /// Heads that follow one signal: its own probability for the tier that answered, the base rate for those above, so
    /// that the gain ranks as the signal does.
    fn follow(&mut self, lead: &Lead, data: &Observed, matrix: &Matrix) {
        let nothing = Penalties::only(matrix.columns(), None);
        for (tier, labels) in data.labels.iter().enumerate() {
            let penalties =
                if tier == 0 { Penalties::only(matrix.columns(), Some(lead.column)) } else { nothing.clone() };
            self.pooled.tiers[tier] = matrix.fit(&penalties, labels, &data.weights);
        }
        let constant = |head: &Logistic| crate::learners::logistic::sigmoid(head.intercept);
        let rates: Vec<f64> = self.pooled.tiers.iter().map(constant).collect();
        self.out_of_fold = rates.iter().map(|rate| vec![*rate; data.groups.len()]).collect();
        self.out_of_fold[0].clone_from(&lead.probabilities);
        self.by_kind.fill(None);
        self.single = true;
    }
}

impl Observed {
    fn check(&self) -> Result<(), FitError> {
        let rows = self.groups.len();
        let lists = self.prior.iter().chain(&self.labels).chain(&self.signals);
        if lists.chain([&self.weights]).any(|list| list.len() != rows)
            || self.kinds.len() != rows
            || self.prior.len() != self.labels.len()
            || self.labels.len() < 2
            || self.families.iter().flatten().any(|column| *column >= self.signals.len())
        {
            return Err(FitError::Shape);
        }
        if self.signals.iter().flatten().any(|x| x.is_infinite()) {
            return Err(FitError::NotFinite("signals"));
        }
        if !self.prior.iter().chain(&self.labels).flatten().all(|p| (0.0..=1.0).contains(p)) {
            return Err(FitError::NotFinite("probabilities or labels"));
        }
        if !self.weights.iter().all(|w| w.is_finite() && *w >= 0.0) {
            return Err(FitError::NotFinite("weights"));
        }
        let found = distinct(&self.groups);
        if found < FEWEST_GROUPS {
            return Err(FitError::TooFewGroups { found, needed: FEWEST_GROUPS });
        }
        match self.labels[0].first() {
            Some(&first) if self.labels[0].iter().all(|y| *y == first) => {
                Err(FitError::OneClass { tier: 0, label: first })
            }
            _ => Ok(()),
        }
    }

    /// What the most capable tier adds to the answer.
    fn gains(&self) -> Vec<f64> {
        gain(&self.labels)
    }
}

/// The area under PGR over the frontier share for the ranking by the last probability less the first; labels as for
/// [`Observed`].
#[must_use]
pub fn deferral_apgr(probabilities: &[Vec<f64>], labels: &[Vec<f64>], weights: &[f64]) -> Option<f64> {
    ranked_apgr(&Ranking::new(&gain(probabilities)), &gain(labels), weights)
}

fn ranked_apgr(ranking: &Ranking, gains: &[f64], weights: &[f64]) -> Option<f64> {
    Area::new(ranking, gains, weights)?.apgr()
}

/// The last list less the first.
fn gain(tiers: &[Vec<f64>]) -> Vec<f64> {
    match (tiers.first(), tiers.last()) {
        (Some(own), Some(above)) => above.iter().zip(own).map(|(above, own)| above - own).collect(),
        _ => Vec::new(),
    }
}

fn rarer_label(labels: &[f64], weights: &[f64]) -> f64 {
    let positive: f64 = labels.iter().zip(weights).map(|(y, w)| y * w).sum();
    positive.min(weights.iter().sum::<f64>() - positive)
}

#[cfg(test)]
mod tests;

//! The whole fit: scaling, learners, their mixture, calibration, operating points, all judged out of fold.

mod linear;
mod mixture;
#[cfg(test)]
mod simulation;

use ndarray::{Array2, ArrayView2};

use crate::calibrate::{Calibrator, choose};
use crate::evaluate::{Evaluation, GainCurve, Operation, Scored, evaluate};
use crate::learners::extra_trees::{Forest, Growth};
use crate::learners::logistic::{Logistic, logit, sigmoid};
use crate::split::{folds, without};
use crate::{Dataset, FitError, Projection, Scaling};

pub use mixture::Mixture;

/// What a fit may be told; the defaults are what measures best.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Seed of every random choice.
    pub seed: u64,
    /// Parts of the cross-validation.
    pub folds: usize,
    /// Penalties of the logistic heads to choose from, rising.
    pub l2: Vec<f64>,
    /// Principal components of the embedding that the forest sees.
    pub components: usize,
    /// How the forest is grown.
    pub growth: Growth,
    /// Weights of the forest in the mixture to choose from, in [0, 1]. By default neither learner can be dropped: which is
    /// better on one sample of outcomes says little, their mean errs less.
    pub mixtures: Vec<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            folds: 5,
            l2: vec![300.0, 1000.0, 3000.0],
            components: 64,
            growth: Growth { trees: 100, leaf: 15, candidates: 0.4 },
            mixtures: vec![0.25, 0.5, 0.75],
        }
    }
}

/// Everything that was learned.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// From features to the design matrix.
    pub scaling: Scaling,
    /// From the scaled embedding to the forest's components.
    pub projection: Projection,
    /// Per tier, the logistic head over [scaled embedding, standardised lexical features].
    pub linear: Vec<Logistic>,
    /// The forest over [standardised lexical features, components], for all tiers.
    pub forest: Forest,
    /// How the two are mixed.
    pub mixture: Mixture,
    /// Per tier, from the mixture's logit to the probability.
    pub calibration: Vec<Calibrator>,
    /// The penalty that was chosen.
    pub l2: f64,
    /// Per tier, the calibrated probability of each row by models and a calibrator that had not seen its group.
    pub out_of_fold: Vec<Vec<f64>>,
    /// The figures of those probabilities.
    pub evaluation: Evaluation,
    /// The least frontier shares that recover .5, .8 and .95 of the gap, on those probabilities.
    pub operating_points: [Operation; 3],
}

/// Targets of the operating points economy, balanced and quality.
pub const PGR_TARGETS: [f64; 3] = [0.5, 0.8, 0.95];

/// Learner outputs: per tier, per row, a probability.
type Probabilities = Vec<Vec<f64>>;

/// Fits a dataset.
///
/// # Errors
/// When the solver fails.
pub fn fit(data: &Dataset, settings: &Settings) -> Result<Fitted, FitError> {
    let scaling = Scaling::fit(data.embedding.view(), data.lexical.view());
    let design = scaling.design(data.embedding.view(), data.lexical.view());
    let (embedding, lexical) = design.view().split_at(ndarray::Axis(1), data.embedding.ncols());
    let projection = Projection::fit(embedding, settings.components, settings.seed);
    let columns = columns(lexical, &projection.apply(embedding));
    let fold = folds(&data.groups, settings.folds, settings.seed);

    let (l2, linear_held_out) = linear::choose(&design, data, &fold, settings);
    let trees_held_out = trees_held_out(&columns, data, &fold, settings);
    let mixture = Mixture::choose(&settings.mixtures, &linear_held_out, &trees_held_out, data);
    let mixed = mixture.mix(&linear_held_out, &trees_held_out);
    let (calibration, out_of_fold): (Vec<Calibrator>, Probabilities) = mixed
        .iter()
        .zip(&data.labels)
        .map(|(p, labels)| choose(&logits(p), labels, &data.weights, &data.groups, &fold))
        .map(|choice| (choice.calibrator, choice.held_out))
        .unzip();

    let scored =
        Scored { probabilities: &out_of_fold, labels: &data.labels, weights: &data.weights, groups: &data.groups };
    let (cheap, frontier) = scored.ends();
    let curve = GainCurve::new(&scored.scores(), cheap, frontier, &data.weights);
    Ok(Fitted {
        linear: linear::fit_all(&design, data, l2)?,
        forest: Forest::fit(&columns, &data.labels, &data.weights, settings.growth, settings.seed),
        evaluation: evaluate(&scored, settings.seed),
        operating_points: PGR_TARGETS.map(|target| curve.operate(target)),
        scaling,
        projection,
        mixture,
        calibration,
        l2,
        out_of_fold,
    })
}

impl Fitted {
    /// Out-of-fold ranking scores p_frontier − p_cheap, one per row.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        let (Some(cheap), Some(frontier)) = (self.out_of_fold.first(), self.out_of_fold.last()) else {
            return Vec::new();
        };
        frontier.iter().zip(cheap).map(|(f, c)| f - c).collect()
    }

    /// Per tier, the calibrated probability of each row of any data with the same features.
    #[must_use]
    pub fn predict(&self, data: &Dataset) -> Vec<Vec<f64>> {
        let design = self.scaling.design(data.embedding.view(), data.lexical.view());
        let (embedding, lexical) = design.view().split_at(ndarray::Axis(1), data.embedding.ncols());
        let columns = columns(lexical, &self.projection.apply(embedding));
        let tiers = self.linear.len();
        let forest: Vec<Vec<f64>> = (0..data.rows()).map(|row| self.forest.predict(&columns, row, tiers)).collect();
        let probability = |tier: usize, row: usize| {
            let linear = sigmoid(self.linear[tier].logit(design.row(row)));
            self.calibration[tier].apply(logit(self.mixture.of(linear, forest[row][tier])))
        };
        (0..tiers).map(|tier| (0..data.rows()).map(|row| probability(tier, row)).collect()).collect()
    }
}

/// The forest's features, a list per column.
fn columns(lexical: ArrayView2<'_, f64>, components: &Array2<f64>) -> Vec<Vec<f32>> {
    let blocks = lexical.columns().into_iter().chain(components.columns());
    blocks.map(|column| column.iter().map(|x| *x as f32).collect()).collect()
}

fn trees_held_out(columns: &[Vec<f32>], data: &Dataset, fold: &[usize], settings: &Settings) -> Probabilities {
    let tiers = data.labels.len();
    let mut held_out = vec![vec![0.0; data.rows()]; tiers];
    for part in 0..settings.folds {
        let weights = without(&data.weights, fold, part);
        let forest = Forest::fit(columns, &data.labels, &weights, settings.growth, settings.seed);
        for row in (0..data.rows()).filter(|row| fold[*row] == part) {
            let values = forest.predict(columns, row, tiers);
            held_out.iter_mut().zip(values).for_each(|(tier, value)| tier[row] = value);
        }
    }
    held_out
}

fn logits(p: &[f64]) -> Vec<f64> {
    p.iter().map(|p| logit(*p)).collect()
}

//! The whole fit: scaling, learners, their mixture, calibration, operating points, all judged out of fold.

mod domain;
mod linear;
mod mixture;
mod nearby;
#[cfg(test)]
mod simulation;
mod stack;
mod trees;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::calibrate::{Calibrator, choose};
use crate::evaluate::{Evaluation, GainCurve, Operation, Scored, evaluate};
use crate::learners::domains::Domains;
use crate::learners::extra_trees::{Forest, Growth};
use crate::learners::logistic::{Logistic, logit, sigmoid};
use crate::learners::neighbours::{Neighbours, Space};
use crate::split::folds;
use crate::{Dataset, FitError, Projection, Scaling};

use mixture::Said;
use stack::{Nested, per_tier};

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
    /// Mixtures of the learners to choose from. By default the forest is never dropped: on few outcomes the log-loss of one
    /// learner or another is luck, and the forest is the one that was never far behind.
    pub mixtures: Vec<Mixture>,
    /// Whether the forest is told what the neighbours say; an ablation leaves them out.
    pub tell_neighbours: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            folds: 5,
            l2: vec![300.0, 1000.0, 3000.0],
            components: 64,
            growth: Growth { trees: 100, leaf: 15, candidates: 0.4 },
            mixtures: Mixture::grid().into_iter().filter(|mixture| mixture.forest >= 0.25).collect(),
            tell_neighbours: true,
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
    /// What the rows' domains let expect, over [standardised lexical features, components]; `None` where fewer than two
    /// domains are known of enough rows.
    pub domains: Option<Domains>,
    /// The forest over [standardised lexical features, components, told], for all tiers. Told is the probability of each
    /// tier and the last less the first, by the heads, by the domains where there are any, and by the neighbours.
    pub forest: Forest,
    /// From the forest's features to the neighbours' codes.
    pub space: Space,
    /// The training rows that are asked what became of rows like this one.
    pub neighbours: Neighbours,
    /// Hundredths of the distances between training rows and their neighbours in other folds, rising.
    pub distances: Vec<f64>,
    /// How the three are mixed.
    pub mixture: Mixture,
    /// Per tier, from the mixture's logit to the probability.
    pub calibration: Vec<Calibrator>,
    /// The penalty that was chosen.
    pub l2: f64,
    /// Per tier, the calibrated probability of each row by models that had not seen its group.
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
    let features = columns(lexical, &projection.apply(embedding));
    let fold = folds(&data.groups, settings.folds, settings.seed);

    let (l2, linear) = linear::choose(&design, data, &fold, settings);
    let (domains, known) = domain::fit(&features, data, &fold, settings).unzip();
    let space = Space::fit(&features, lexical.ncols(), settings.seed);
    let (codes, dimensions) = (space.codes(&features), space.directions.len());
    let (nearby, distances) = nearby::held_out(&codes, dimensions, data, &fold, settings);
    let below: Vec<&Nested> =
        std::iter::once(&linear).chain(&known).chain(settings.tell_neighbours.then_some(&nearby)).collect();
    let trees_held_out = trees::held_out(&features, &below, data, &fold, settings);
    let said = Said { linear: linear.held_out(), forest: &trees_held_out, neighbours: nearby.held_out() };
    let mixture = Mixture::choose(&settings.mixtures, said, data);
    let mixed = mixture.mix(said);
    let choices = mixed
        .iter()
        .zip(&data.labels)
        .map(|(p, labels)| choose(&logits(p), labels, &data.weights, &data.groups, &fold));
    let (mut calibration, mut held_out, mut out_of_fold) = (Vec::new(), Vec::new(), Vec::new());
    for choice in choices {
        calibration.push(choice.calibrator);
        held_out.push(choice.held_out);
        out_of_fold.push(choice.ranking);
    }

    let scored =
        Scored { probabilities: &out_of_fold, labels: &data.labels, weights: &data.weights, groups: &data.groups };
    let calibrated = Scored { probabilities: &held_out, ..scored };
    let (cheap, frontier) = scored.ends();
    let columns = told(features, below.iter().map(|learner| learner.held_out()));
    let curve = GainCurve::new(&scored.scores(), cheap, frontier, &data.weights);
    Ok(Fitted {
        linear: linear::fit_all(&design, data, l2)?,
        forest: Forest::fit(&columns, &data.labels, &data.weights, settings.growth, settings.seed),
        evaluation: evaluate(&scored, settings.seed).with_calibration_of(&calibrated, settings.seed),
        operating_points: PGR_TARGETS.map(|target| curve.operate(target)),
        domains,
        neighbours: Neighbours::fit(dimensions, &codes, &data.labels, &data.weights, settings.seed),
        distances,
        scaling,
        projection,
        space,
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
        let features = columns(lexical, &self.projection.apply(embedding));
        let codes = self.space.codes(&features);
        let tiers = self.linear.len();
        let linear: Vec<Vec<f64>> = design
            .rows()
            .into_iter()
            .map(|row| self.linear.iter().map(|head| sigmoid(head.logit(row))).collect())
            .collect();
        let linear = per_tier(&linear);
        let known = self.domains.as_ref().map(|domains| {
            let rows = domain::matrix(&features, data.rows());
            per_tier(&rows.rows().into_iter().map(|row| domains.expected(row)).collect::<Vec<_>>())
        });
        let width = self.space.directions.len();
        let code = |row: usize| &codes[row * width..(row + 1) * width];
        let nearby: Vec<Vec<f64>> =
            (0..data.rows()).into_par_iter().map(|row| self.neighbours.around(code(row)).p).collect();
        let nearby = per_tier(&nearby);
        // A forest that was told nothing of the neighbours has no split on their columns, which are the last.
        let columns = told(features, std::iter::once(&linear).chain(&known).chain(std::iter::once(&nearby)));
        let probabilities = |row: usize| -> Vec<f64> {
            let forest = self.forest.predict(&columns, row, tiers);
            let probability = |tier: usize| {
                let mixed = self.mixture.of(linear[tier][row], forest[tier], nearby[tier][row]);
                self.calibration[tier].apply(logit(mixed))
            };
            (0..tiers).map(probability).collect()
        };
        per_tier(&(0..data.rows()).map(probabilities).collect::<Vec<_>>())
    }
}

/// The forest's features with what learners below it say, a list per column.
fn told<'a>(features: Vec<Vec<f32>>, below: impl Iterator<Item = &'a Probabilities>) -> Vec<Vec<f32>> {
    features.into_iter().chain(below.flat_map(stack::columns)).collect()
}

/// The features that the forest, the neighbours and the domains share, a list per column.
fn columns(lexical: ArrayView2<'_, f64>, components: &Array2<f64>) -> Vec<Vec<f32>> {
    let blocks = lexical.columns().into_iter().chain(components.columns());
    blocks.map(|column| column.iter().map(|x| *x as f32).collect()).collect()
}

fn logits(p: &[f64]) -> Vec<f64> {
    p.iter().map(|p| logit(*p)).collect()
}

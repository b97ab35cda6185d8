//! From features to one calibrated probability per tier.

use serde::{Deserialize, Serialize};

use super::Calibration;
use super::calibration::sigmoid;
use super::dot::{dot, dot_single};
use crate::features::FeatureVector;

/// From features to what the heads see: the embedding times one factor, each lexical feature standardised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Factor of every component of the embedding. Against unit deviation of the lexical features it sets how strongly
    /// one common penalty holds the embedding's coefficients down.
    pub embedding: f64,
    /// Mean of each lexical feature on the training rows.
    pub mean: Vec<f64>,
    /// Standard deviation of each lexical feature, positive; a constant feature has 1.
    pub deviation: Vec<f64>,
    /// Standardised lexical values are held within ± this.
    pub clip: f64,
}

/// What the learners see of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// The scaled embedding.
    pub embedding: Vec<f64>,
    /// The standardised lexical features.
    pub lexical: Vec<f64>,
}

/// How the learners of a tier are joined: a convex mixture of what forest, neighbours and the logistic head say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// The forest's weight, in [0, 1].
    pub forest: f64,
    /// The neighbours' weight, in [0, 1]; the logistic heads have what is left of 1.
    pub neighbours: f64,
}

/// The model of one tier: P(its answer is acceptable | request).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The tier's name.
    pub tier: String,
    /// The logistic model's logit.
    pub linear: Linear,
    /// From the logit of the mixture to the probability.
    pub calibration: Calibration,
}

/// A linear function of the inputs, in logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// The logit at inputs of zero.
    pub intercept: f64,
    /// One coefficient per component of the embedding.
    pub embedding: Vec<f64>,
    /// One coefficient per lexical feature.
    pub lexical: Vec<f64>,
}

impl Scaling {
    /// Scales one request's features.
    #[must_use]
    pub fn apply(&self, features: &FeatureVector) -> Inputs {
        let embedding = features.embedding.iter().map(|&x| f64::from(x) * self.embedding).collect();
        let lexical = features
            .lexical
            .iter()
            .zip(self.mean.iter().zip(&self.deviation))
            .map(|(&x, (mean, deviation))| ((f64::from(x) - mean) / deviation).clamp(-self.clip, self.clip))
            .collect();
        Inputs { embedding, lexical }
    }
}

impl Inputs {
    /// What forest, neighbours and domains share: the standardised lexical features, then the embedding along each
    /// direction.
    #[must_use]
    pub fn along(&self, directions: &[Vec<f32>]) -> Vec<f32> {
        let embedding: Vec<f32> = self.embedding.iter().map(|x| *x as f32).collect();
        let along = |direction: &Vec<f32>| dot_single(direction, &embedding);
        self.lexical.iter().map(|x| *x as f32).chain(directions.iter().map(along)).collect()
    }
}

impl Mixture {
    /// The mixture of what the logistic head, the forest and the neighbours say of one tier.
    #[must_use]
    pub fn of(self, linear: f64, forest: f64, neighbours: f64) -> f64 {
        self.forest * forest + self.neighbours * neighbours + (1.0 - self.forest - self.neighbours) * linear
    }
}

impl Linear {
    /// The probability that the logistic head gives, before any calibration.
    #[must_use]
    pub fn probability(&self, inputs: &Inputs) -> f64 {
        sigmoid(self.logit(inputs))
    }

    fn logit(&self, inputs: &Inputs) -> f64 {
        self.intercept + dot(&self.embedding, &inputs.embedding) + dot(&self.lexical, &inputs.lexical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexical_features_are_standardised_and_clipped() {
        let scaling = Scaling { embedding: 3.0, mean: vec![1.0, 0.0], deviation: vec![2.0, 1.0], clip: 4.0 };
        let inputs = scaling.apply(&FeatureVector { embedding: vec![0.5], lexical: vec![5.0, -100.0] });
        assert_eq!(inputs, Inputs { embedding: vec![1.5], lexical: vec![2.0, -4.0] });
    }
}

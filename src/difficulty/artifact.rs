//! The artifact: everything that training learned and serving needs, in one `model.json`.

use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::calibrated::Calibrated;
use super::calibration::logit;
use super::confidence::ConfidenceModel;
use super::envelope::{self, ArtifactError};
use super::seen::SeenGroups;
use super::{Acceptability, Domains, Forest, Head, Mixture, Neighbours, OperatingPoints, Scaling, Score, Signal};
use crate::config::Preset;
use crate::features::embedding::EmbedderId;
use crate::features::{FeatureVector, Schema};

/// The file inside an artifact's folder.
pub const MODEL_FILE: &str = "model.json";

/// A trained model: heads, operating points, and what they were fitted on.
///
/// Equal data, settings and seed give an equal artifact, byte for byte: it holds no time and no path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The version of rungs that fitted it.
    pub rungs: String,
    /// The sentence embedder that it was fitted with; any other is refused.
    pub embedder: EmbedderId,
    /// The lexical features that it was fitted with; any others are refused.
    pub schema: Schema,
    /// From features to what the heads see.
    pub scaling: Scaling,
    /// Principal directions of the scaled embedding: what the forest sees of it.
    pub directions: Vec<Vec<f32>>,
    /// One head per tier, cheap → frontier; at least two.
    pub heads: Vec<Head>,
    /// What the domains of the training rows let expect; absent where they had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<Domains>,
    /// The learner of interactions, for all tiers, over [standardised lexical features, components, told]. Told is the
    /// probability of each tier and the last less the first, by the heads, by the domains where there are any, and by the
    /// neighbours.
    pub forest: Forest,
    /// The training rows that are asked what became of rows like a request.
    pub neighbours: Neighbours,
    /// How heads, forest and neighbours are joined.
    pub mixture: Mixture,
    /// Where `auto` sends the frontier tier its share.
    pub operating_points: OperatingPoints,
    /// Whether the score ranks better than chance.
    pub signal: Signal,
    /// What it was fitted on, and how.
    pub training: Provenance,
    /// The operating point that `rungs calibrate` set for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// What answers tell of themselves: a model per tier whose answers were recorded, cheap → frontier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confidence: Vec<ConfidenceModel>,
}

/// What an artifact was fitted on, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// SHA-256 over the ids, prompts and outcomes of the rows used, in order, hexadecimal.
    pub data: String,
    /// Rows used.
    pub rows: usize,
    /// Rows left out because they lack an outcome of one of the tiers.
    pub rows_without_outcome: usize,
    /// Distinct groups among the rows used.
    pub groups: usize,
    /// Those groups.
    #[serde(default)]
    pub seen: SeenGroups,
    /// Seed of every random choice.
    pub seed: u64,
    /// Settings chosen by validation, by name.
    pub hyper_parameters: IndexMap<String, f64>,
}

impl Artifact {
    /// Reads `model.json` of a folder, or the file itself.
    ///
    /// # Errors
    /// When the file cannot be read or [`Artifact::from_bytes`] refuses it.
    pub fn load(path: &Path) -> Result<Self, ArtifactError> {
        let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_owned() };
        let bytes = std::fs::read(&file)
            .map_err(|source| ArtifactError::Unreadable { origin: file.display().to_string(), source })?;
        Self::from_bytes(&bytes, &file.display().to_string())
    }

    /// Reads the content of a `model.json`; `origin` names it in errors.
    ///
    /// # Errors
    /// When it is of another format, its checksum does not fit, or a part of it is missing, not finite or of the wrong
    /// length.
    pub fn from_bytes(bytes: &[u8], origin: &str) -> Result<Self, ArtifactError> {
        let artifact: Self = envelope::open(bytes, origin)?;
        artifact.check().map_err(|reason| ArtifactError::Invalid { origin: origin.to_owned(), reason })?;
        Ok(artifact)
    }

    /// Writes `model.json` into a folder, which is made when it is missing. The file is whole or not there at all.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn save(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let part = dir.join(format!("{MODEL_FILE}.part"));
        std::fs::write(&part, self.to_bytes()?)?;
        std::fs::rename(part, dir.join(MODEL_FILE))
    }

    /// The bytes of its `model.json`.
    ///
    /// # Errors
    /// When a part of it cannot be written as JSON, which none is.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        envelope::seal(self)
    }

    /// The first twelve hexadecimal digits of the body's SHA-256: equal versions are equal models.
    #[must_use]
    pub fn version(&self) -> String {
        envelope::version(self)
    }

    /// The version without what `rungs calibrate` set: what a calibrated operating point belongs to.
    #[must_use]
    pub fn uncalibrated_version(&self) -> String {
        match &self.calibrated {
            None => self.version(),
            Some(_) => Self { calibrated: None, ..self.clone() }.version(),
        }
    }

    /// Where a preset calls the frontier, in [−1, 1]; without a calibrated operating point that one is `balanced`.
    #[must_use]
    pub fn threshold(&self, preset: Preset) -> f64 {
        match (preset, &self.calibrated) {
            (Preset::Economy, _) => self.operating_points.economy.threshold,
            (Preset::Calibrated, Some(calibrated)) => calibrated.threshold,
            (Preset::Balanced | Preset::Calibrated, _) => self.operating_points.balanced.threshold,
            (Preset::Quality, _) => self.operating_points.quality.threshold,
        }
    }

    /// The tiers, cheap → frontier.
    pub fn tiers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.heads.iter().map(|head| head.tier.as_str())
    }

    /// Scores one request's features; finite for every input, since features are.
    #[must_use]
    pub fn score(&self, features: &FeatureVector) -> Score {
        let inputs = self.scaling.apply(features);
        let linear: Vec<f64> = self.heads.iter().map(|head| head.linear.probability(&inputs)).collect();
        let mut features = inputs.along(&self.directions);
        let near = self.neighbours.around(&features);
        let known = self.domains.as_ref().map(|domains| domains.expected(&features));
        features.extend(told(&linear));
        features.extend(known.iter().flat_map(|known| told(known)));
        features.extend(told(&near.p));
        let forest = self.forest.probabilities(&features, self.heads.len());
        let said = linear.into_iter().zip(forest).zip(near.p);
        let p: IndexMap<String, Acceptability> = self
            .heads
            .iter()
            .zip(said)
            .map(|(head, ((linear, forest), near))| {
                let mixed = self.mixture.of(linear, forest, near);
                (head.tier.clone(), Acceptability::new(head.calibration.apply(logit(mixed))))
            })
            .collect();
        let end = |p: Option<&Acceptability>| p.map_or(0.0, |p| p.get());
        let score = end(p.values().last()) - end(p.values().next());
        Score { p, score, novelty: Some(near.novelty) }
    }

    /// Refuses features of another extractor.
    ///
    /// # Errors
    /// Which of schema and embedder differs, and what to do.
    pub fn check_extractor(&self, schema: &Schema, embedder: &EmbedderId) -> Result<(), String> {
        if *embedder != self.embedder {
            return Err(format!(
                "it was fitted with the embedder {} but {} is in use: set embedding.backend = \"{}\" (and its files), or \
                 train again with `rungs train --embedder {}`",
                describe(&self.embedder),
                describe(embedder),
                self.embedder.backend,
                embedder.backend,
            ));
        }
        if *schema != self.schema {
            return Err(format!(
                "it was fitted with feature schema {} ({:.8}) but this rungs has {} ({:.8}): train again with `rungs \
                 train`, or use the rungs that fitted it ({})",
                self.schema.version, self.schema.hash, schema.version, schema.hash, self.rungs,
            ));
        }
        Ok(())
    }
}

/// What the forest sees of a learner below it: the probability of each tier, and the last less the first.
fn told(p: &[f64]) -> impl Iterator<Item = f32> {
    let gain = p.last().zip(p.first()).map(|(last, first)| last - first);
    p.iter().copied().chain(gain).map(|p| p as f32)
}

fn describe(id: &EmbedderId) -> String {
    format!("{} {} ({} dimensions, {:.8})", id.backend, id.model, id.dimensions, id.fingerprint)
}

#[cfg(test)]
pub(crate) mod tests;

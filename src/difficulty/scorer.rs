//! An artifact with the extractor that it was fitted with: what serving asks.

use std::sync::Arc;

use super::{Artifact, ArtifactError, ConfidenceModel, Score, Verdict};
use crate::chat::ChatRequest;
use crate::config::{Backend, Config, EmbeddingConfig, Preset};
use crate::features::Extractor;
use crate::features::embedding::{EmbedError, Embedder};
use crate::policy::{Certified, Scoring};

/// The artifact that needs no training of one's own (`models/baseline`).
const BASELINE: &[u8] = include_bytes!("../../models/baseline/model.json");

/// Scores requests.
pub struct Scorer {
    artifact: Artifact,
    extractor: Extractor,
    version: String,
    heads: Vec<String>,
}

/// Why requests cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScorerError {
    /// The artifact is refused.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The embedder cannot be opened.
    #[error(transparent)]
    Embedder(#[from] EmbedError),
    /// Artifact and extractor do not belong together.
    #[error("model {version}: {reason}")]
    Mismatch {
        /// The artifact's version.
        version: String,
        /// Which of schema and embedder differs, and what to do.
        reason: String,
    },
}

impl Scorer {
    /// Opens the artifact at `model.path`, or the built-in baseline, with the configured embedder.
    ///
    /// # Errors
    /// When the artifact is refused, the embedder cannot be opened, or the two do not belong together.
    pub fn open(config: &Config) -> Result<Self, ScorerError> {
        let artifact = match &config.model.path {
            Some(path) => Artifact::load(path)?,
            None => Artifact::from_bytes(BASELINE, "baseline")?,
        };
        Self::new(artifact, Extractor::open(&config.embedding, &config.data_dir())?)
    }

    /// An artifact with the embedder that it names; `config` tells where that embedder's files are.
    ///
    /// # Errors
    /// When the embedder cannot be opened or is not the one that the artifact was fitted with.
    pub fn of(artifact: Artifact, config: &Config) -> Result<Self, ScorerError> {
        let backend = if artifact.embedder.backend == "fastembed" { Backend::Fastembed } else { Backend::Static };
        let embedding = EmbeddingConfig { backend, ..config.embedding.clone() };
        Self::new(artifact, Extractor::open(&embedding, &config.data_dir())?)
    }

    fn new(artifact: Artifact, extractor: Extractor) -> Result<Self, ScorerError> {
        let version = artifact.version();
        if let Err(reason) = artifact.check_extractor(extractor.schema(), extractor.embedder().id()) {
            return Err(ScorerError::Mismatch { version, reason });
        }
        let heads = artifact.tiers().map(str::to_owned).collect();
        Ok(Self { artifact, extractor, version, heads })
    }

    /// Scores one request.
    ///
    /// # Errors
    /// When the embedder fails; the static table never does.
    pub fn score(&self, request: &ChatRequest) -> Result<Score, EmbedError> {
        Ok(self.artifact.score(&self.extractor.extract(request)?))
    }

    /// The tiers that the artifact has a head for, cheap → frontier.
    #[must_use]
    pub fn heads(&self) -> &[String] {
        &self.heads
    }

    /// The artifact.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The artifact, by itself again.
    #[must_use]
    pub fn into_artifact(self) -> Artifact {
        self.artifact
    }

    /// Whether a score takes milliseconds, so that an async caller must move it off its worker thread.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.extractor.embedder().is_slow()
    }

    /// The artifact's version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The threshold of one of the artifact's operating points, in [−1, 1].
    #[must_use]
    pub fn threshold(&self, preset: Preset) -> f64 {
        self.artifact.threshold(preset)
    }

    /// Whether the score ranks better than chance.
    #[must_use]
    pub fn has_signal(&self) -> bool {
        self.artifact.signal.verdict == Verdict::Usable
    }
}

impl Scoring for Scorer {
    fn score(&self, request: &ChatRequest) -> Result<Score, EmbedError> {
        Self::score(self, request)
    }

    fn is_slow(&self) -> bool {
        Self::is_slow(self)
    }

    fn version(&self) -> &str {
        Self::version(self)
    }

    fn threshold(&self, preset: Preset) -> f64 {
        Self::threshold(self, preset)
    }

    fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        Some(self.extractor.shared_embedder())
    }

    fn confidence(&self) -> &[ConfidenceModel] {
        &self.artifact.confidence
    }

    fn has_signal(&self) -> bool {
        Self::has_signal(self)
    }

    fn artifact(&self) -> Option<&Artifact> {
        Some(&self.artifact)
    }

    fn certified(&self) -> Option<Certified<'_>> {
        let calibrated = self.artifact.calibrated.as_ref()?;
        let certificate = calibrated.certificate.as_ref()?;
        let weighs = self.artifact.confidence.iter().any(|model| !model.worth.is_empty());
        Some(Certified { certificate, threshold: calibrated.threshold, heads: &self.heads, weighs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_belongs_to_this_build_and_scores() {
        let scorer = Scorer::open(&Config::default()).unwrap();
        assert!(scorer.has_signal());
        let easy = scorer.score(&ChatRequest::from_prompt("What is the capital of France?")).unwrap();
        assert!(easy.score.abs() <= 1.0 && easy.p.len() == scorer.heads().len());
        let thresholds = [Preset::Economy, Preset::Balanced, Preset::Quality].map(|preset| scorer.threshold(preset));
        assert!(thresholds[0] > thresholds[1] && thresholds[1] > thresholds[2], "{thresholds:?}");
    }

    #[test]
    fn what_training_never_saw_is_novel() {
        let scorer = Scorer::open(&Config::default()).unwrap();
        let novelty = |prompt| scorer.score(&ChatRequest::from_prompt(prompt)).unwrap().novelty.unwrap();
        let exam = "Which of the following is a noble gas?\nA. Oxygen\nB. Argon\nC. Chlorine\nD. Sulfur\nAnswer:";
        assert!(novelty(exam) < 0.8, "{}", novelty(exam));
        let mail = "Write a friendly email to my landlord asking him to fix the heating before Friday.";
        assert!(novelty(mail) > 0.85, "{}", novelty(mail));
    }

    #[test]
    fn an_artifact_of_another_embedder_is_refused() {
        let mut artifact = Artifact::from_bytes(BASELINE, "baseline").unwrap();
        artifact.embedder.fingerprint = "0".repeat(64);
        let error = Scorer::of(artifact, &Config::default()).err().unwrap().to_string();
        assert!(error.contains("fitted with the embedder static"), "{error}");
    }
}

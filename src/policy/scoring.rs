//! What the policy needs of a trained artifact.

use std::sync::Arc;

use super::Certified;
use crate::chat::ChatRequest;
use crate::config::Preset;
use crate::difficulty::{Artifact, ConfidenceModel, Score};
use crate::features::embedding::{EmbedError, Embedder};

/// Scores requests.
pub trait Scoring: Send + Sync {
    /// Acceptability per head, cheap → frontier.
    ///
    /// # Errors
    /// When the request cannot be embedded.
    fn score(&self, request: &ChatRequest) -> Result<Score, EmbedError>;

    /// Whether a score takes milliseconds, so that an async caller must move it off its worker thread.
    fn is_slow(&self) -> bool;

    /// Names the artifact in records and answers.
    fn version(&self) -> &str;

    /// One of the artifact's own operating points, in [−1, 1].
    fn threshold(&self, preset: Preset) -> f64;

    /// The sentence embedder that it goes by; `None` where it has none to lend.
    fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        None
    }

    /// What it has learned of the answers of some tiers; empty where it has not.
    fn confidence(&self) -> &[ConfidenceModel] {
        &[]
    }

    /// Whether the score is known to rank requests better than chance; otherwise it is not routed by.
    fn has_signal(&self) -> bool;

    /// The whole artifact; `None` where the scores come from elsewhere.
    fn artifact(&self) -> Option<&Artifact> {
        None
    }

    /// The artifact's certificate; `None` where `rungs calibrate` gave it none.
    fn certified(&self) -> Option<Certified<'_>> {
        None
    }
}

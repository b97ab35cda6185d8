//! What stands against a challenger, beside what the holdout says.

use serde::Serialize;

/// Why a challenger is refused.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Objection {
    /// There is too little to learn from or to judge by.
    #[error(
        "the log has {have} labelled conversations, and {needed} are needed (retrain.min_labels): judge more requests \
         (judge.learn_rate), or wait"
    )]
    TooFewLabels {
        /// Conversations at hand.
        have: usize,
        /// Those needed.
        needed: usize,
    },
    /// The fit failed.
    #[error("nothing can be learned: {reason}")]
    Unlearnable {
        /// Why.
        reason: String,
    },
    /// The fit gave the champion again.
    #[error("the log has taught nothing new: what was fitted is the champion itself")]
    SameModel,
    /// The score ranks no better than chance.
    #[error("its score has no usable signal (AUC {auc:.3}, 95 % interval {low:.3} to {high:.3})")]
    NoSignal {
        /// Area under the ROC curve against the gain.
        auc: f64,
        /// Lower end of its interval.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The labels say that the cheapest tier is the better one.
    #[error(
        "the log's labels say that `{cheap}` is better than `{frontier}`, by {:.1} pp ({:.1} pp at the least): look at the \
         judge and at the order of the tiers before anything learns from them", 100.0 * difference, 100.0 * least
    )]
    Inverted {
        /// The first tier.
        cheap: String,
        /// The last tier.
        frontier: String,
        /// How much better.
        difference: f64,
        /// By how much at the least.
        least: f64,
    },
    /// The operating point cannot be set anew.
    #[error("the champion's operating point cannot be set for it: {reason}")]
    NoOperatingPoint {
        /// Why.
        reason: String,
    },
    /// What the holdout says.
    #[error(transparent)]
    Gate {
        /// The gate's own objection.
        #[serde(flatten)]
        source: rungs_training::gate::Objection,
    },
}

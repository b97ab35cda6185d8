use serde::{Deserialize, Serialize};

use super::in_range;

/// How long a streamed answer that is checked may be held back, and what decides it before its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Tokens with a log-probability after which the answer so far is judged; rising. Empty: it is not.
    pub checkpoints: Vec<u32>,
    /// Whether an answer may be committed at a checkpoint.
    pub early_commit: bool,
    /// Whether a call may be given up for a higher tier before its end.
    pub early_escalation: bool,
    /// By how much the gain expected of climbing must differ from its price after 16 tokens, in [0, 1]; after n tokens it
    /// is this times √(16/n).
    pub margin: f64,
    /// Where nothing was learned of answers: by how many standard errors the mean log-probability must differ from
    /// `cascade.min_mean_logprob`.
    pub standard_errors: f64,
    /// From the request's arrival until what has come of an answer is passed on or given up, in seconds.
    pub ttft_budget_s: f64,
    /// Between two comments that keep a silent stream alive, in seconds.
    pub keep_alive_s: f64,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            checkpoints: vec![16, 32, 64, 128],
            early_commit: true,
            early_escalation: true,
            margin: 0.2,
            standard_errors: 3.0,
            ttft_budget_s: 10.0,
            keep_alive_s: 15.0,
        }
    }
}

impl StreamConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let checkpoints = &self.checkpoints;
        if checkpoints.first() == Some(&0) || checkpoints.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(format!("cascade.stream.checkpoints = {checkpoints:?}: must be positive and rising"));
        }
        in_range("cascade.stream.margin", self.margin, 0.0, 1.0)?;
        in_range("cascade.stream.standard_errors", self.standard_errors, 0.0, 100.0)?;
        in_range("cascade.stream.ttft_budget_s", self.ttft_budget_s, 0.0, 86_400.0)?;
        in_range("cascade.stream.keep_alive_s", self.keep_alive_s, 0.01, 3_600.0)
    }
}

use serde::{Deserialize, Serialize};

use super::in_range;
use super::stream::StreamConfig;

/// Which answers are checked, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CascadeConfig {
    /// Check the answers of the tiers below the last one.
    pub enabled: bool,
    /// Escalate when the mean token log-probability is below this (natural logarithm).
    pub min_mean_logprob: f64,
    /// Answers to draw of a tier below the last, at most; 1 turns self-consistency off.
    pub samples: u32,
    /// Stop drawing when the first answer would stay ahead of the second with this probability.
    pub sample_stop: f64,
    /// Draw only where the same call is at least so many times as dear at the highest tier, with cached prompts; 0 draws
    /// always.
    pub min_price_ratio: f64,
    /// Escalate when the most common answer has a smaller share of the samples than this.
    pub min_agreement: f64,
    /// Start by what it is worth to see a cheaper answer first, where the artifact knows.
    pub weigh_start: bool,
    /// Switch the cascade off where it is measured not to pay.
    pub switch_off: bool,
    /// Share of the requests that still try it then.
    pub probe_share: f64,
    /// The most calls that one request may make, samples among them.
    pub max_calls: u32,
    /// The most USD that one request may cost; `None` for no limit.
    pub max_cost_usd: Option<f64>,
    /// Temperature of the second and further answers where the request sets a lower one.
    pub sample_temperature: f64,
    /// How long streamed answers are held back.
    pub stream: StreamConfig,
}

impl Default for CascadeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            min_mean_logprob: -0.7,
            samples: 3,
            sample_stop: 0.87,
            min_price_ratio: 8.0,
            min_agreement: 0.6,
            weigh_start: true,
            switch_off: true,
            probe_share: 0.05,
            max_calls: 16,
            max_cost_usd: None,
            sample_temperature: 0.7,
            stream: StreamConfig::default(),
        }
    }
}

impl CascadeConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("cascade.probe_share", self.probe_share, 0.001, 1.0)?;
        in_range("cascade.max_calls", f64::from(self.max_calls), 1.0, 1000.0)?;
        in_range("cascade.max_cost_usd", self.max_cost_usd.unwrap_or(0.0), 0.0, 1e6)?;
        in_range("cascade.min_mean_logprob", self.min_mean_logprob, -100.0, 0.0)?;
        in_range("cascade.samples", f64::from(self.samples), 1.0, 32.0)?;
        in_range("cascade.sample_stop", self.sample_stop, 0.5, 1.0)?;
        in_range("cascade.min_price_ratio", self.min_price_ratio, 0.0, 1e9)?;
        in_range("cascade.min_agreement", self.min_agreement, 0.0, 1.0)?;
        in_range("cascade.sample_temperature", self.sample_temperature, 0.0, 2.0)?;
        self.stream.check()
    }
}

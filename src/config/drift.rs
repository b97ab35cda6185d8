use serde::{Deserialize, Serialize};

use super::in_range;

/// The monitors over the decision log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Whether they run.
    pub enabled: bool,
    /// Judged answers between two false alarms, on average at least: all monitors of judged answers together.
    pub run_length_judged: f64,
    /// The same in scores of the anchor set, for the judge.
    pub run_length_anchors: f64,
    /// The same in requests, for inputs, escalations and upstreams.
    pub run_length_requests: f64,
    /// The same in hours, for cost and latency.
    pub run_length_hours: f64,
    /// Judged answers that tell the normal rate of failures; until then a monitor learns.
    pub baseline: u64,
    /// What is tolerated above the normal rate, in [0, 1].
    pub tolerance: f64,
    /// Requests that the inputs of later ones are compared with.
    pub input_reference: u64,
    /// Requests in a window of inputs.
    pub input_window: u64,
    /// The index below which a window of inputs is never remarked on.
    pub min_psi: f64,
    /// The share of requests that may climb.
    pub max_escalation_rate: f64,
    /// By how much cost and latency may differ from the same hour of the week, as a share.
    pub max_hourly_change: f64,
    /// The share of the calls of an endpoint that may fail.
    pub max_failure_rate: f64,
    /// Seconds from one look at the log to the next.
    pub period_s: f64,
    /// What becomes of requests while an alarm of quality stands.
    pub consequence: Consequence,
}

/// What an alarm of quality, calibration or inputs does to the requests that it speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// Nothing: a retrain is proposed, in the alert and in `/v1/stats`.
    #[default]
    ProposeRetrain,
    /// They are routed by the artifact's `quality` operating point, where that is the dearer one.
    RaiseOperatingPoint,
    /// They go to the highest tier.
    Frontier,
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            run_length_judged: 10_000.0,
            run_length_anchors: 5_000.0,
            run_length_requests: 1_000_000.0,
            run_length_hours: 8_760.0,
            baseline: 1_000,
            tolerance: 0.02,
            input_reference: 2_000,
            input_window: 500,
            min_psi: 0.1,
            max_escalation_rate: 0.3,
            max_hourly_change: 0.2,
            max_failure_rate: 0.1,
            period_s: 10.0,
            consequence: Consequence::default(),
        }
    }
}

impl DriftConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, value, low, high) in [
            ("run_length_judged", self.run_length_judged, 100.0, 1e12),
            ("run_length_anchors", self.run_length_anchors, 100.0, 1e12),
            ("run_length_requests", self.run_length_requests, 100.0, 1e12),
            ("run_length_hours", self.run_length_hours, 24.0, 1e9),
            ("baseline", self.baseline as f64, 500.0, 1e9),
            ("tolerance", self.tolerance, 0.0, 0.5),
            ("input_reference", self.input_reference as f64, 100.0, 1e6),
            ("input_window", self.input_window as f64, 100.0, 1e6),
            ("min_psi", self.min_psi, 0.0, 10.0),
            ("max_escalation_rate", self.max_escalation_rate, 0.001, 0.999),
            ("max_hourly_change", self.max_hourly_change, 0.01, 100.0),
            ("max_failure_rate", self.max_failure_rate, 0.001, 0.9),
            ("period_s", self.period_s, 0.1, 3_600.0),
        ] {
            in_range(&format!("drift.{key}"), value, low, high)?;
        }
        Ok(())
    }
}

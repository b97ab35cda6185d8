use serde::{Deserialize, Serialize};

use super::in_range;

/// Where traces are sent, and how the log looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The address of an OpenTelemetry collector that speaks OTLP over HTTP, without `/v1/traces`; `None`: nothing is sent.
    pub otlp_url: Option<String>,
    /// The share of the requests that are traced, in [0, 1]; one whose client traces it is, whatever the share.
    pub trace_share: f64,
    /// How the server logs to stderr.
    pub log_format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people: words, then `name=value`.
    #[default]
    Text,
    /// For collectors: one JSON object, its fields beside `timestamp`, `level`, `target` and `message`.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_url: None, trace_share: 1.0, log_format: LogFormat::default() }
    }
}

impl TelemetryConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("telemetry.trace_share", self.trace_share, 0.0, 1.0)?;
        let Some(url) = &self.otlp_url else { return Ok(()) };
        match url.parse::<reqwest::Url>() {
            Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) && parsed.has_host() => Ok(()),
            _ => Err(format!("telemetry.otlp_url = \"{url}\": not an address, such as http://127.0.0.1:4318")),
        }
    }
}

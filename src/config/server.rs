use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::in_range;

/// The listening socket and its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// Larger request bodies are refused with 413.
    pub max_body_bytes: usize,
    /// Longest time for a request, every attempt included, in seconds.
    pub request_timeout_s: f64,
    /// Requests for an answer that may be under way at once.
    pub max_concurrent_requests: usize,
    /// How long open requests may take after a shutdown signal, in seconds.
    pub drain_s: f64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            max_body_bytes: 32 << 20,
            request_timeout_s: 600.0,
            max_concurrent_requests: 1024,
            drain_s: 30.0,
        }
    }
}

impl ServerConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        in_range("server.request_timeout_s", self.request_timeout_s, 0.001, 86_400.0)?;
        in_range("server.max_concurrent_requests", self.max_concurrent_requests as f64, 1.0, 1e6)?;
        in_range("server.drain_s", self.drain_s, 0.0, 86_400.0)
    }
}

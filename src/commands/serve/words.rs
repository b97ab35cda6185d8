//! What the server says of itself on stderr: words for people, or a JSON object a line.

use std::io::IsTerminal;
use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::policy::{Scoring, Standing};
use crate::standin;
use crate::upstream::Tier;

/// From here on what happens is told on stderr: what `RUST_LOG` lets through, else all from `info` on.
pub(super) fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A subscriber that is there already, as in a test, stays.
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
    };
}

/// How the certificate stands.
pub(super) fn certificate(certificate: &Standing) {
    let Standing { epsilon, delta, holds, void_because, .. } = certificate;
    if *holds {
        tracing::info!(epsilon, delta, "the certificate holds for `auto` until the requests drift");
    } else {
        tracing::warn!(epsilon, delta, "THE CERTIFICATE IS VOID for what is served: {}", void_because.join("; "));
    }
}

/// Says what serves, and where.
pub(super) fn announce(config: &Config, tiers: &[Tier], scoring: &dyn Scoring, address: SocketAddr) {
    let names: Vec<String> = tiers.iter().map(|tier| format!("{} ({})", tier.name(), tier.config.model)).collect();
    let log = config
        .log
        .place()
        .ok()
        .flatten()
        .map_or_else(|| format!("sqlite://{}/rungs.db", config.data_dir().display()), |url| url.to_string());
    let tiers = names.join(" → ");
    if config.telemetry.log_format == LogFormat::Json {
        tracing::info!(%address, tiers, artifact = scoring.version(), log, version = env!("CARGO_PKG_VERSION"), "listens");
    } else {
        banner(address, &tiers, scoring.version(), &log);
    }
    if config.tiers.is_empty() {
        tracing::warn!("no [[tiers]] are configured: stand-ins answer from recorded samples, and every answer says so");
    }
    if !scoring.has_signal() {
        tracing::warn!("the artifact has no usable signal: every `auto` request starts where policy.fallback says");
    }
    if !address.ip().is_loopback() && !config.auth.is_required(address.ip()) {
        tracing::warn!(%address, "ANYONE WHO REACHES THIS ADDRESS CAN SPEND YOUR PROVIDER KEYS: auth.required = false; keep it behind something that asks for keys");
    }
}

/// The same for people, with something to try.
fn banner(address: SocketAddr, tiers: &str, artifact: &str, log: &str) {
    eprintln!("rungs {} listens on http://{address}/v1", env!("CARGO_PKG_VERSION"));
    eprintln!("  tiers     {tiers}");
    eprintln!("  artifact  {artifact}");
    eprintln!("  log       {log}");
    eprintln!("  try       curl http://{address}/v1/chat/completions -H 'content-type: application/json' \\");
    eprintln!(
        "              -d '{{\"model\":\"auto\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}'",
        standin::EXAMPLE
    );
}

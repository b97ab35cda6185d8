//! What a Prometheus server is told: counted from decision records as requests end.

mod labels;
mod traces;

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use self::traces::Traces;

use self::labels::{At, Cost, Ended, Failed, Moved, Tokens};
use crate::config::Config;
use crate::decisions::{AttemptStatus, DecisionRecord, LogState};
use crate::upstream::Tier;

type Seconds = Family<Ended, Histogram>;

/// Bounds of a request's time, in seconds.
const DURATIONS: [f64; 14] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0];

/// Bounds of the router's own part of it, in seconds.
const OVERHEADS: [f64; 10] = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3, 250e-3];

/// The metrics of one router.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Routes that have a label of their own; clients name routes, and labels must stay few.
    routes: Vec<String>,
    duration: Seconds,
    overhead: Histogram,
    tokens: Family<Tokens, Counter>,
    cost: Family<Cost, Counter<f64, AtomicU64>>,
    escalations: Family<Moved, Counter>,
    failures: Family<Failed, Counter>,
    resting: Family<At, Gauge<f64, AtomicU64>>,
    pending: Gauge,
    lost: Gauge,
}

impl Metrics {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut registry = Registry::with_prefix("rungs");
        let duration = Seconds::new_with_constructor(|| Histogram::new(DURATIONS));
        let overhead = Histogram::new(OVERHEADS);
        let metrics = Self {
            routes: config.routes.keys().cloned().collect(),
            duration,
            overhead,
            tokens: Family::default(),
            cost: Family::default(),
            escalations: Family::default(),
            failures: Family::default(),
            resting: Family::default(),
            pending: Gauge::default(),
            lost: Gauge::default(),
            registry: Registry::default(),
        };
        let (seconds, usd) = (Unit::Seconds, Unit::Other("usd".to_owned()));
        registry.register_with_unit("request_duration", "Time of a request", seconds.clone(), metrics.duration.clone());
        let help = "The router's own time before the first call: features, score and plan";
        registry.register_with_unit("overhead", help, seconds.clone(), metrics.overhead.clone());
        registry.register(
            "tokens",
            "Tokens of all calls; cached and cache_write are parts of input",
            metrics.tokens.clone(),
        );
        registry.register_with_unit("cost", "Cost of all calls whose price is known", usd, metrics.cost.clone());
        registry.register("escalations", "Answers that did not pass, and failed calls", metrics.escalations.clone());
        registry.register("failed_calls", "Calls of an endpoint that failed", metrics.failures.clone());
        let help = "How long an endpoint is still left alone; 0 where it is called";
        registry.register_with_unit("endpoint_resting", help, seconds, metrics.resting.clone());
        registry.register("decisions_pending", "Records that wait for the database", metrics.pending.clone());
        registry.register("decisions_lost", "Records that nothing took", metrics.lost.clone());
        Self { registry, ..metrics }
    }

    /// Counts a request that has ended.
    pub fn count(&self, record: &DecisionRecord) {
        let route = self.route(record.route.as_deref());
        let ended = Ended {
            route: route.clone(),
            tier: record.tier.clone().unwrap_or_default(),
            outcome: record.outcome.into(),
        };
        self.duration.get_or_create(&ended).observe(record.latency_ms / 1e3);
        self.overhead.observe(record.decide_ms / 1e3);
        for attempt in &record.attempts {
            let tier = attempt.tier.clone();
            if let Some(usage) = attempt.usage {
                let written = usage.cache_write_5m_tokens.saturating_add(usage.cache_write_1h_tokens);
                for (kind, tokens) in [
                    ("input", usage.input_tokens),
                    ("output", usage.output_tokens),
                    ("cached", usage.cached_tokens),
                    ("cache_write", written),
                    ("reasoning", usage.reasoning_tokens),
                ] {
                    self.tokens.get_or_create(&Tokens { tier: tier.clone(), kind }).inc_by(tokens);
                }
            }
            if let Some(cost) = attempt.cost_usd.filter(|cost| *cost > 0.0) {
                self.cost.get_or_create(&Cost { tier: tier.clone(), route: route.clone() }).inc_by(cost);
            }
            if let Some(reason) = attempt.reason.filter(|_| attempt.status != AttemptStatus::Accepted) {
                self.escalations.get_or_create(&Moved { reason: reason.name() }).inc();
            }
            for call in &attempt.failed_calls {
                let failed = Failed { tier: tier.clone(), endpoint: call.endpoint.clone() };
                self.failures.get_or_create(&failed).inc();
            }
        }
    }

    /// All of it in OpenMetrics' text format, with the state of these tiers and of the log.
    ///
    /// # Errors
    /// When the text cannot be written, which memory alone can cause.
    pub fn text<'a>(&self, tiers: impl Iterator<Item = &'a Tier>, log: &LogState) -> Result<String, std::fmt::Error> {
        for tier in tiers {
            for (endpoint, rest) in tier.endpoints.states() {
                let at = At { tier: tier.name().to_owned(), endpoint: endpoint.to_owned() };
                self.resting.get_or_create(&at).set(rest.unwrap_or_default().as_secs_f64());
            }
        }
        self.pending.set(log.pending.try_into().unwrap_or(i64::MAX));
        self.lost.set(log.lost.try_into().unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn route(&self, named: Option<&str>) -> String {
        match named {
            None => String::new(),
            Some(route) if self.routes.iter().any(|known| known == route) => route.to_owned(),
            Some(_) => "other".to_owned(),
        }
    }
}

//! Spans of requests and of their calls for an OpenTelemetry collector (OTLP over HTTP), in the words of the GenAI semantic
//! conventions. They are made from decision records as requests end, so that a trace says what the log says.

mod collector;
mod words;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use self::collector::Collector;
use crate::config::TelemetryConfig;
use crate::decisions::{Attempt, AttemptStatus, DecisionRecord, Outcome};

/// The spans of one router, on their way to a collector in batches. A collector that is down or slow holds nothing up: what does
/// not fit the batches is dropped, and the library says so in the log.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Starts sending to the collector that the configuration names; `None` where it names none.
    ///
    /// # Errors
    /// When no TLS roots are to be had, or there is no runtime to send on.
    pub fn open(config: &TelemetryConfig) -> Result<Option<Self>, String> {
        let Some(url) = &config.otlp_url else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new()?)
            .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
            .build()
            .map_err(|error| error.to_string())?;
        let service = Resource::builder().with_service_name("rungs");
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_share)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(service.with_attribute(version).build())
            .build();
        let tracer = provider.tracer("rungs");
        Ok(Some(Self { provider, tracer }))
    }

    /// Makes the spans of a request that has ended, below the client's own where it sent one.
    pub fn tell(&self, record: &DecisionRecord) {
        let parent = parent(record.trace.as_deref());
        let mut request = self
            .tracer
            .span_builder(format!("chat {}", record.requested_model))
            .with_kind(SpanKind::Server)
            .with_start_time(at(record.at, 0.0))
            .with_attributes(words::request(record))
            .start_with_context(&self.tracer, &parent);
        if record.outcome == Outcome::Failed {
            request.set_status(Status::error(record.error.clone().unwrap_or_default()));
        }
        let within = Context::new().with_remote_span_context(request.span_context().clone());
        let decide = self.tracer.span_builder("route").with_start_time(at(record.at, 0.0));
        let mut decide = decide.with_attributes(words::decision(record)).start_with_context(&self.tracer, &within);
        decide.end_with_timestamp(at(record.at, record.decide_ms));
        record.attempts.iter().for_each(|attempt| self.call(record.at, attempt, &within));
        request.end_with_timestamp(at(record.at, record.latency_ms));
    }

    fn call(&self, arrived: Timestamp, attempt: &Attempt, within: &Context) {
        let mut span = self
            .tracer
            .span_builder(format!("chat {}", attempt.model.as_ref().unwrap_or(&attempt.tier)))
            .with_kind(SpanKind::Client)
            .with_start_time(at(arrived, attempt.started_ms))
            .with_attributes(words::call(attempt))
            .start_with_context(&self.tracer, within);
        if attempt.status == AttemptStatus::Failed {
            span.set_status(Status::error(attempt.error.clone().unwrap_or_default()));
        }
        span.end_with_timestamp(at(arrived, attempt.started_ms + attempt.latency_ms));
    }

    /// Sends what is waiting, for five seconds at most. Blocks: not for a thread that serves.
    pub fn close(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The client's span, from its `traceparent`.
fn parent(traceparent: Option<&str>) -> Context {
    let carrier: HashMap<String, String> =
        traceparent.into_iter().map(|value| ("traceparent".to_owned(), value.to_owned())).collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

fn at(arrived: Timestamp, ms: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
    SystemTime::from(arrived).checked_add(since).unwrap_or_else(|| SystemTime::from(arrived))
}

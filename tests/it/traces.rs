//! Traces, as a collector gets them.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::model::saying;
use crate::support::router::{Router, header, question, two_tiers};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn collector() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/traces")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    server
}

async fn traced(collector: &str, small: &str, large: &str) -> Router {
    let more = format!("[telemetry]\notlp_url = \"{collector}\"");
    Router::with(&two_tiers(&more, &format!("{small}/v1"), &format!("{large}/v1"))).await
}

/// The spans that came, once there are so many.
async fn spans(collector: &MockServer, expected: usize) -> Vec<Span> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut spans = Vec::new();
        for request in collector.received_requests().await.unwrap() {
            let batch = ExportTraceServiceRequest::decode(&request.body[..]).unwrap();
            spans.extend(batch.resource_spans.into_iter().flat_map(|r| r.scope_spans).flat_map(|s| s.spans));
        }
        if spans.len() >= expected {
            return spans;
        }
        assert!(Instant::now() < deadline, "{} of {expected} spans came", spans.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn said(span: &Span, name: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value?;
    Some(match value {
        Any::StringValue(text) => text,
        Any::IntValue(n) => n.to_string(),
        Any::DoubleValue(x) => x.to_string(),
        other => format!("{other:?}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_calls_are_one_trace_below_the_clients_span() {
    let (collector, small, large) = (collector().await, saying("I'm not sure.").await, saying("42").await);
    let router = traced(&collector.uri(), &small.uri(), &large.uri()).await;
    let request = router.client.post(format!("{}/v1/chat/completions", router.url));
    let body = question("easy", json!({ "stream": false }));
    let response = request.header("traceparent", PARENT).header("x-rungs-route", "triage").json(&body).send().await;
    let response = response.unwrap();
    let id = header(&response, "x-rungs-decision-id");
    assert_eq!(router.record(&response).await.trace.as_deref(), Some(PARENT));

    let spans = spans(&collector, 4).await;
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let [root] = named("chat auto")[..] else { panic!("{spans:?}") };
    assert_eq!(root.trace_id, u128::from_str_radix("0af7651916cd43dd8448eb211c80319c", 16).unwrap().to_be_bytes());
    assert_eq!(root.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(said(root, "gen_ai.request.model").as_deref(), Some("auto"));
    assert_eq!(said(root, "rungs.decision.id"), Some(id));
    assert_eq!(said(root, "rungs.route").as_deref(), Some("triage"));
    assert_eq!(said(root, "rungs.escalations").as_deref(), Some("1"));
    assert!(said(root, "gen_ai.usage.input_tokens").is_some() && root.end_time_unix_nano > root.start_time_unix_nano);
    assert!(spans.iter().all(|span| span.trace_id == root.trace_id));
    assert!(spans.iter().all(|span| span.span_id == root.span_id || span.parent_span_id == root.span_id));
    assert_eq!(said(named("route")[0], "rungs.cause").as_deref(), Some("score"));
    let calls: Vec<_> = spans.iter().filter(|span| said(span, "rungs.purpose").is_some()).collect();
    let mut outcomes: Vec<_> =
        calls.iter().map(|span| (said(span, "rungs.tier"), said(span, "rungs.reason"))).collect();
    outcomes.sort();
    let text = |word: &str| Some(word.to_owned());
    assert_eq!(outcomes, [(text("large"), None), (text("small"), text("unsure"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_holds_nobody_up() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = traced("http://127.0.0.1:9", &small.uri(), &large.uri()).await;
    for _ in 0..3 {
        assert_eq!(router.ask("easy", json!({})).await.status(), 200);
    }
}

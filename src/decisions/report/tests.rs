use serde_json::{Value, json};

use super::*;
use crate::decisions::{DecisionRecord, Feedback};

/// A served request of a tenant, with these changes.
fn exported(tenant: &str, changes: Value) -> Exported {
    let mut record = json!({
        "id": "1", "at": "2026-01-02T03:04:05Z", "tenant": tenant, "requested_model": "auto", "cause": "score", "p": {},
        "rungs": ["a", "b"], "propensity": 1.0, "outcome": "served", "tier": "a", "escalations": 0, "streamed": false,
        "stand_in": false, "usage": {"input_tokens": 100, "output_tokens": 10, "cached_tokens": 25}, "cost_usd": 0.25,
        "frontier_usd": 1.0, "cache_saved_usd": 0.05, "latency_ms": 100.0, "ttft_ms": 10.0, "decide_ms": 0.5,
        "config": "c", "attempts": [{
            "tier": "a", "purpose": "answer", "status": "accepted", "reason": null, "signals": {}, "usage": null,
            "cost_usd": 0.25, "started_ms": 0.0, "latency_ms": 1.0, "finish_reason": null, "model": null, "error": null
        }],
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    Exported {
        record: serde_json::from_value::<DecisionRecord>(record).unwrap(),
        feedback: Vec::new(),
        verdicts: Vec::new(),
    }
}

fn report(all: impl IntoIterator<Item = Exported>) -> Report {
    let mut reporter = Reporter::default();
    all.into_iter().for_each(|exported| reporter.add(&exported));
    reporter.report(None)
}

#[test]
fn money_is_what_was_paid_and_savings_are_told_apart() {
    let report = report([
        exported("acme", json!({})),
        exported("acme", json!({"escalations": 1, "cost_usd": 1.5})),
        exported(
            "",
            json!({"outcome": "failed", "tier": null, "cost_usd": null, "frontier_usd": null, "cache_saved_usd": null}),
        ),
    ]);
    let total = &report.total;
    assert_eq!((total.requests, total.failed, total.cost_unknown, total.cost_usd), (3, 1, 1, 0.75));
    // (1 − .25) + (1 − 1.5) of 2.
    assert_eq!((total.frontier_usd, total.routing_saved_usd, total.routing_saved_share), (2.0, 0.25, Some(0.125)));
    assert_eq!((total.cache_saved_usd, total.cache_hit, total.escalated), (0.1, Some(0.25), Some(1.0 / 3.0)));
    assert_eq!(report.by_tenant["acme"].requests, 2);
    assert_eq!((report.by_tier["a"].requests, report.by_tier[""].requests), (2, 1));
}

#[test]
fn spreads_are_nearest_ranks() {
    let all = (1..=200).map(|n| exported("", json!({"latency_ms": f64::from(n), "ttft_ms": null})));
    let total = report(all).total;
    assert_eq!(total.latency_ms, Some(Spread { p50: 100.0, p95: 190.0, p99: 198.0 }));
    assert_eq!((total.ttft_ms, total.output_tokens.map(|spread| spread.p99)), (None, Some(10.0)));
}

#[test]
fn quality_has_an_interval_and_the_last_word_counts() {
    let said = |score: f64| Feedback {
        id: String::new(),
        decision_id: "1".to_owned(),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        score,
        comment: None,
    };
    let judged = |scores: &[f64]| Exported {
        feedback: scores.iter().map(|score| said(*score)).collect(),
        ..exported("", json!({}))
    };
    let all = (0..10).map(|n| if n < 8 { judged(&[0.0, 1.0]) } else { judged(&[0.0]) }).chain([judged(&[])]);
    let quality = report(all).total.quality.unwrap();
    assert_eq!((quality.judged, quality.mean), (10, 0.8));
    // Wilson's interval of 8 in 10.
    assert!(
        (quality.interval[0] - 0.490_2).abs() < 1e-4 && (quality.interval[1] - 0.943_3).abs() < 1e-4,
        "{quality:?}"
    );
}

#[test]
fn an_empty_log_gives_no_figures_and_names_without_end_are_counted_together() {
    let empty = report([]);
    assert_eq!(
        (empty.between, empty.total.latency_ms, empty.total.quality, empty.total.escalated),
        (None, None, None, None)
    );
    let many = report((0..1_100).map(|n| exported(&n.to_string(), json!({}))));
    assert_eq!((many.by_tenant.len(), many.by_tenant[OTHERS].requests), (MOST_GROUPS + 1, 100));
}

#[test]
fn what_was_only_observed_is_held_against_what_was_paid() {
    let observed = |rungs: Value, would: Option<f64>, cost: f64| {
        let observed = json!({"rungs": rungs, "cause": "score", "cost_usd": would});
        exported("t", json!({"tier": "large", "cost_usd": cost, "observed": observed}))
    };
    let figures = report([
        observed(json!(["small", "large"]), Some(0.25), 1.0),
        observed(json!(["large"]), Some(2.0), 2.0),
        observed(json!(["small"]), None, 4.0),
        exported("t", json!({})),
    ]);
    let expected = Observing { requests: 3, elsewhere: 2, cost_usd: 3.0, routed_usd: 2.25, lost: None };
    assert_eq!(figures.total.observed, Some(expected));
    assert_eq!(report([exported("t", json!({}))]).total.observed, None);
}

//! Records to store.

use indexmap::IndexMap;
use jiff::{Timestamp, ToSpan};
use rungs::chat::Usage;
use rungs::decisions::{
    Attempt, AttemptStatus, CallFailure, Cap, CheckResult, CheckVerdict, ContentHashes, DecisionRecord, DecisionStore,
    Early, EarlyVerdict, EscalationReason, Form, Observed, Outcome, Posterior, Purpose, Signals, Trigger,
};
use rungs::difficulty::Acceptability;
use rungs::judge::{Sampling, Stream};
use rungs::policy::Cause;
use serde_json::json;

/// The stored record of this id as it was before it got its receipt.
pub(crate) async fn stored(store: &dyn DecisionStore, id: &str) -> Option<DecisionRecord> {
    store.get(id).await.unwrap().map(without_receipt)
}

/// Waits until the database has everything: on a busy machine records may take the way through the journal.
pub(crate) async fn settled(store: &dyn DecisionStore) {
    let start = std::time::Instant::now();
    while store.state().pending > 0 {
        assert!(start.elapsed() < std::time::Duration::from_secs(120), "{:?}", store.state());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A stored record as it was before it got its receipt, which it must have.
pub(crate) fn without_receipt(record: DecisionRecord) -> DecisionRecord {
    assert!(record.receipt.is_some(), "{} has no receipt", record.id);
    DecisionRecord { receipt: None, ..record }
}

const START: &str = "2026-03-04T05:06:07.123456789Z";

/// An id as a request of this moment gets it, the same each time.
pub(crate) fn id_at(at: Timestamp) -> String {
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().to_string()
}

/// A record in which every field is set, the `n`th of its kind.
pub(crate) fn full_record(n: u64) -> DecisionRecord {
    let at = START.parse::<Timestamp>().unwrap().checked_add(i64::try_from(n).unwrap().seconds()).unwrap();
    DecisionRecord {
        id: id_at(at),
        at,
        route: Some("support".to_owned()),
        task: Some("task-1".to_owned()),
        tenant: Some("tenant \u{1f980} \"quoted\"".to_owned()),
        conversation: Some("c".repeat(32)),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        observed: Some(Observed { rungs: vec!["small".to_owned()], cause: Cause::Score, cost_usd: Some(0.25) }),
        key: Some("team-key".to_owned()),
        metadata: json!({"team": "search", "nested": {"n": 1}}).as_object().cloned().unwrap(),
        requested_model: "auto".to_owned(),
        cause: Cause::ContextWindow,
        model_version: Some("v1".to_owned()),
        p: IndexMap::from([
            ("small".to_owned(), Acceptability::new(0.1)),
            ("large".into(), Acceptability::new(1.0 / 3.0)),
        ]),
        score: Some(1.0 / 3.0 - 0.1),
        threshold: Some(0.2),
        novelty: Some(f64::MIN_POSITIVE),
        rungs: vec!["small".to_owned(), "large".to_owned()],
        propensity: 0.98,
        outcome: Outcome::Served,
        tier: Some("large".to_owned()),
        model: Some("large-2026".to_owned()),
        escalations: 1,
        streamed: true,
        stand_in: true,
        usage: Usage {
            cached_tokens: 64,
            cache_write_5m_tokens: 8,
            cache_write_1h_tokens: 4,
            reasoning_tokens: 2,
            batch: true,
            ..Usage::new(118, 9)
        },
        cost_usd: Some(0.000_12),
        frontier_usd: Some(0.000_5),
        cache_saved_usd: Some(-0.000_01),
        latency_ms: 310.25,
        ttft_ms: Some(300.125),
        ttft_uncascaded_ms: Some(12.5),
        decide_ms: 0.07,
        content_sha256: Some(ContentHashes { request: Some("aa".to_owned()), answer: None }),
        redaction_error: Some("redaction took longer than 1 s".to_owned()),
        budget: Some("agents".to_owned()),
        cap: Some(Cap::Cost),
        fell_back: true,
        sampling: Some(Sampling {
            monitor: 0.01,
            learn: 0.04,
            propensity: 0.0496,
            capped: 0.5,
            drawn: vec![Stream::Learn],
            counterfactual: 0.04,
            shadow: true,
        }),
        error: Some("none".to_owned()),
        config: "abcdef".to_owned(),
        receipt: None,
        request: Some(json!({"model": "auto", "messages": [{"role": "user", "content": "a\u{0}b"}], "seed": 1.10})),
        answer: Some("it's 42\n".to_owned()),
        attempts: vec![
            Attempt {
                status: AttemptStatus::Rejected,
                reason: Some(EscalationReason::LowLogprob),
                error: Some("low".to_owned()),
                ..attempt("small")
            },
            attempt("large"),
        ],
    }
}

fn attempt(tier: &str) -> Attempt {
    Attempt {
        tier: tier.to_owned(),
        purpose: Purpose::Answer,
        status: AttemptStatus::Accepted,
        reason: None,
        signals: Signals {
            mean_logprob: Some(-0.9),
            agreement: Some(2.0 / 3.0),
            form: Some(Form::Unchecked),
            posterior: Some(Posterior { own: 0.25, above: 0.75, price: 0.125 }),
        },
        checks: vec![CheckResult {
            name: "tests".to_owned(),
            verdict: CheckVerdict::Pass,
            score: Some(0.75),
            error: None,
            took_ms: 1.5,
        }],
        usage: Some(Usage { cached_tokens: 32, ..Usage::new(59, 4) }),
        usage_estimated: true,
        cost_usd: Some(0.000_06),
        started_ms: 0.2,
        latency_ms: 150.0,
        early: Some(Early {
            verdict: EarlyVerdict::Commit,
            trigger: Trigger::Budget,
            tokens: 32,
            signals: Signals { mean_logprob: Some(-0.2), ..Signals::default() },
            regret: Some(EscalationReason::Truncated),
        }),
        finish_reason: Some("stop".to_owned()),
        model: Some(format!("{tier}-2026")),
        error: None,
        endpoint: Some("eu.example.com".to_owned()),
        failed_calls: vec![CallFailure {
            endpoint: "us.example.com".to_owned(),
            error: "answered with status 500".to_owned(),
            latency_ms: 3.5,
        }],
        hedged: 1,
    }
}

pub(crate) fn bare_record(n: u64) -> DecisionRecord {
    DecisionRecord {
        route: None,
        task: None,
        tenant: None,
        conversation: None,
        trace: None,
        observed: None,
        key: None,
        metadata: Default::default(),
        model_version: None,
        p: IndexMap::new(),
        score: None,
        threshold: None,
        novelty: None,
        tier: None,
        model: None,
        cost_usd: None,
        ttft_ms: None,
        ttft_uncascaded_ms: None,
        error: None,
        request: None,
        answer: None,
        attempts: vec![],
        ..full_record(n)
    }
}

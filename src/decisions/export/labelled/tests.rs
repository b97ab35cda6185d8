use super::*;
use crate::decisions::Feedback;

/// A request that `small` failed by a check and `large` answered.
fn climbed() -> Exported {
    let record = json!({
        "id": "d", "at": "2026-01-02T03:04:05Z", "route": "r", "task": "t", "requested_model": "auto", "cause": "score", "p": {},
        "rungs": ["small", "large"], "propensity": 1.0, "outcome": "served", "tier": "large", "escalations": 1,
        "streamed": false, "stand_in": false, "usage": {"input_tokens": 1, "output_tokens": 2}, "latency_ms": 1.5,
        "decide_ms": 0.5, "config": "c", "answer": "yes", "attempts": [
            {"tier": "small", "purpose": "answer", "status": "rejected", "reason": "schema", "signals": {}, "usage":
                {"input_tokens": 1, "output_tokens": 1}, "cost_usd": 0.5, "started_ms": 0.0, "latency_ms": 7.0},
            {"tier": "large", "purpose": "answer", "status": "accepted", "reason": null, "signals": {"mean_logprob": -0.1},
                "usage": null, "cost_usd": null, "started_ms": 0.0, "latency_ms": 8.0},
        ],
        "request": {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "seed": 7, "tools": []},
    });
    Exported { record: serde_json::from_value(record).unwrap(), feedback: Vec::new(), verdicts: Vec::new() }
}

fn feedback(score: f64) -> Feedback {
    Feedback { id: "f".into(), decision_id: "d".into(), at: jiff::Timestamp::UNIX_EPOCH, score, comment: None }
}

#[test]
fn what_was_seen_or_said_of_an_answer_is_its_label() {
    let mut exported = climbed();
    let line = labelled(&exported).unwrap();
    assert_eq!(
        line["outcomes"],
        json!({"small": {"score": 0.0, "latency_ms": 7.0, "cost_usd": 0.5, "input_tokens": 1, "output_tokens": 1}})
    );
    exported.feedback = vec![feedback(0.0), feedback(1.0)];
    let line = labelled(&exported).unwrap();
    assert_eq!(line["outcomes"]["large"], json!({"score": 1.0, "latency_ms": 8.0, "logprob": -0.1, "answer": "yes"}));
    assert_eq!(
        (&line["id"], &line["route"], &line["group"], &line["weight"]),
        (&json!("d"), &json!("r"), &json!("t"), &json!(1.0))
    );
    assert!(line.get("seed").is_none() && line["messages"][0]["content"] == "hi" && line["tools"] == json!([]));
}

#[test]
fn what_is_only_predicted_or_not_stored_is_no_label() {
    let mut exported = climbed();
    exported.record.attempts[0].reason = Some(crate::decisions::EscalationReason::LowLogprob);
    assert_eq!(labelled(&exported), None);
    exported.feedback = vec![feedback(1.0)];
    exported.record.request = None;
    assert_eq!(labelled(&exported), None);
}

#[test]
fn a_judge_compares_with_what_is_acceptable_and_speaks_for_those_that_were_not_drawn() {
    let mut exported = climbed();
    exported.record.tier = Some("small".to_owned());
    exported.record.attempts.truncate(1);
    exported.record.attempts[0].status = AttemptStatus::Accepted;
    let verdict = |score| Verdict {
        against: Some("large".to_owned()),
        propensity: Some(0.05),
        ..Verdict::of(&exported.record, Kind::Pairwise, score)
    };
    exported.verdicts = vec![verdict(1.0), verdict(0.0)];
    let line = labelled(&exported).unwrap();
    assert_eq!((&line["outcomes"]["small"]["score"], &line["weight"]), (&json!(0.5), &json!(20.0)));
    assert_eq!(line["outcomes"]["large"], json!({"score": 1.0}));
}

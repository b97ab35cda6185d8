use serde_json::json;

use super::super::receipt::Chain;
use super::*;

/// Five sealed records of one writer.
fn lines() -> Vec<Value> {
    let mut chain = Chain::new();
    (1..=5)
        .map(|n| {
            let mut record = json!({"id": format!("r{n}"), "cost_usd": 0.1 * f64::from(n)});
            let (request, answer) = (json!({"model": "auto", "n": n}), format!("answer {n}"));
            let content = content_digest(Some(&request), Some(&answer));
            let receipt = chain.next(&digest(&record), content.as_deref());
            record["receipt"] = serde_json::to_value(receipt).unwrap();
            record["request"] = request;
            record["answer"] = answer.into();
            record
        })
        .collect()
}

fn verify(lines: &[Value]) -> Verified {
    let mut verifier = Verifier::default();
    for (i, line) in lines.iter().enumerate() {
        verifier.push(line.to_string().as_bytes(), &format!("f:{}", i + 1)).unwrap();
    }
    verifier.end()
}

fn first(lines: &[Value]) -> (Fault, String, String) {
    let first = verify(lines).first.expect("a finding");
    (first.fault, first.id, first.place)
}

#[test]
fn what_was_written_is_sound() {
    let sound = Verified { records: 5, writers: 1, ..Verified::default() };
    assert_eq!(verify(&lines()), sound);
    let mut with_feedback = lines();
    with_feedback[2]["feedback"] = json!([{"score": 1.0}]);
    assert_eq!(verify(&with_feedback), sound);
}

#[test]
fn the_first_altered_record_is_named() {
    for change in [
        |line: &mut Value| line["cost_usd"] = json!(0.0),
        |line: &mut Value| line["extra"] = json!(1),
        |line: &mut Value| line["answer"] = json!("another"),
        |line: &mut Value| line["receipt"]["previous"] = json!(GENESIS),
        |line: &mut Value| line["receipt"]["content"] = json!(null),
    ] {
        let mut altered = lines();
        change(&mut altered[2]);
        assert_eq!(first(&altered), (Fault::Altered, "r3".to_owned(), "f:3".to_owned()));
    }
}

#[test]
fn a_record_that_was_written_anew_breaks_the_link_to_the_next() {
    let mut forged = lines();
    forged[2]["cost_usd"] = json!(0.0);
    let mut bare = forged[2].as_object().unwrap().clone();
    bare.retain(|name, _| !["receipt", "request", "answer"].contains(&name.as_str()));
    let mut receipt: Receipt = serde_json::from_value(forged[2]["receipt"].clone()).unwrap();
    receipt.body = digest(&bare);
    receipt.hash = receipt.expected_hash();
    forged[2]["receipt"] = serde_json::to_value(receipt).unwrap();
    assert_eq!(first(&forged), (Fault::Altered, "r4".to_owned(), "f:4".to_owned()));
}

#[test]
fn missing_and_reordered_records_are_told_apart() {
    let mut missing = lines();
    missing.remove(2);
    assert_eq!(first(&missing), (Fault::Missing, "r4".to_owned(), "f:3".to_owned()));
    let mut swapped = lines();
    swapped.swap(1, 2);
    assert_eq!(first(&swapped), (Fault::Reordered, "r3".to_owned(), "f:2".to_owned()));
    let mut twice = lines();
    twice.push(twice[4].clone());
    assert_eq!(first(&twice), (Fault::Reordered, "r5".to_owned(), "f:6".to_owned()));
}

#[test]
fn what_cannot_be_said_is_counted() {
    let mut cut = lines();
    cut.remove(0);
    cut[1]["request"] = Value::Null;
    cut[1].as_object_mut().unwrap().remove("answer");
    cut.push(json!({"id": "old"}));
    let expected =
        Verified { records: 5, writers: 1, begun_later: 1, without_content: 1, without_receipt: 1, first: None };
    assert_eq!(verify(&cut), expected);
    assert!(Verifier::default().push(b"{}", "f:1").unwrap_err().contains("f:1: not a decision record"));
    assert!(Verifier::default().push(b"{\"id\":", "f:1").is_err());
}

//! `rungs demo`: its figures against the decision log that it leaves behind.

use std::path::Path;
use std::process::Command;

use rungs::config::LogConfig;
use rungs::decisions::{DecisionFilter, DecisionRecord, Outcome, open};
use rungs::labelled::{LabelledQuery, OnBad, Reader};
use serde_json::Value;

fn demo(folder: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_rungs"))
        .args(["demo", "--json", "--pace", "0", "--data-dir", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else on stdout")
}

async fn records(folder: &Path) -> Vec<DecisionRecord> {
    let store = open(&LogConfig::default(), folder).await.unwrap();
    let page = store.list(&DecisionFilter { limit: 1000, ..DecisionFilter::default() }).await.unwrap();
    assert_eq!(page.next, None);
    page.decisions
}

fn held_out() -> Vec<LabelledQuery> {
    let queries = Reader::open(&["datasets/sample/queries.jsonl"], OnBad::Stop).unwrap();
    queries.map(Result::unwrap).filter(|query| query.split.as_deref() == Some("test")).collect()
}

fn assert_close(name: &str, shown: &Value, expected: f64) {
    let shown = shown.as_f64().unwrap();
    assert!((shown - expected).abs() < 1e-9, "{name}: {shown} shown, {expected} expected");
}

#[tokio::test]
async fn the_figures_are_those_of_the_log_and_of_the_recorded_scores() {
    let folder = tempfile::tempdir().unwrap();
    let summary = demo(folder.path());
    let (log, queries) = (records(folder.path()).await, held_out());
    for model in ["auto", "auto:economy"] {
        let run = &summary["runs"][model];
        let log: Vec<_> = log.iter().filter(|record| record.requested_model == model).collect();
        assert_eq!((log.len(), run["requests"].as_u64()), (queries.len(), Some(queries.len() as u64)));
        assert!(log.iter().all(|record| record.outcome == Outcome::Served && !record.stand_in));
        assert!(log.iter().filter(|record| record.streamed).count() > 50);

        let n = queries.len() as f64;
        let score = |tier: &str| queries.iter().map(|query| query.outcomes[tier].score).sum::<f64>() / n;
        let served = log.iter().map(|record| {
            let query = queries.iter().find(|query| Some(&query.id) == record.task.as_ref()).unwrap();
            query.outcomes[record.tier.as_deref().unwrap()].score
        });
        let spent: f64 = log.iter().map(|record| record.cost_usd.unwrap()).sum();
        let policy = &run["policy"];
        assert_close("router", &policy["router+cascade"]["value"], served.sum::<f64>() / n);
        assert_close("cheap", &policy["cheap"]["value"], score("stand-in-small"));
        assert_close("frontier", &policy["frontier"]["value"], score("stand-in-large"));
        assert_close("cost", &policy["router+cascade"]["cost_usd"], spent);
        assert_close("a random mix costs the same", &policy["random-mix"]["cost_usd"], spent);
        let escalated = log.iter().filter(|record| record.escalations > 0).count();
        assert_eq!(run["escalated"].as_u64(), Some(escalated as u64));
    }
}

#[test]
fn routing_beats_a_random_mix_of_the_same_cost_and_economy_escalates_more_and_costs_less() {
    let folder = tempfile::tempdir().unwrap();
    let runs = demo(folder.path())["runs"].take();
    let number = |model: &str, path: &str| runs[model].pointer(path).and_then(Value::as_f64).unwrap();
    for model in ["auto", "auto:economy"] {
        assert!(number(model, "/gain/random-mix/interval/0") > 0.0, "{}", runs[model]["gain"]);
        assert!(number(model, "/policy/router+cascade/cost_ratio") < 0.9, "{}", runs[model]["policy"]);
    }
    assert!(
        number("auto:economy", "/policy/router+cascade/cost_usd") < number("auto", "/policy/router+cascade/cost_usd")
    );
    assert!(number("auto:economy", "/escalations/expected_gain") > 10.0, "{}", runs["auto:economy"]["escalations"]);
}

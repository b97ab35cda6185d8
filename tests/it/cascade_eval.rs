//! `rungs cascade-eval` and the confidence that `rungs train` fits, from the command line.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use rungs::difficulty::Artifact;
use serde_json::{Value, json};

use crate::support::labelled::{recorded, rows, write};

fn rungs(args: &[&str]) -> Output {
    Command::cargo_bin("rungs").unwrap().args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The rows of the other tests with answers of the small tier, whose log-probabilities tell mostly whether they are
/// right.
fn answered(count: usize, first: usize) -> Vec<Value> {
    let mut rows = rows(count, first);
    for (i, row) in rows.iter_mut().enumerate() {
        let small = &mut row["outcomes"]["small"];
        let seems_right = (small["score"] == 1.0) != hash(first + i).is_multiple_of(5);
        small["answer"] = json!("B");
        small["token_logprobs"] = json!([if seems_right { -0.05 } else { -1.5 } - 0.001 * (i % 50) as f64]);
    }
    rows
}

fn hash(i: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    i.hash(&mut hasher);
    hasher.finish()
}

/// The figures of `cascade-eval --json`, and what was said on stderr.
fn eval(data: &Path, cheap: &str, frontier: &str, more: &[&str]) -> (Value, String) {
    let args = ["cascade-eval", "--json", "--data", text(data), "--cheap", cheap, "--frontier", frontier];
    let output = rungs(&[&args[..], more].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn policies_are_replayed_with_and_without_an_artifact() {
    let dir = tempfile::tempdir().unwrap();
    let (seen, unseen) = (
        write(&dir.path().join("a.jsonl"), &answered(600, 0)),
        write(&dir.path().join("b.jsonl"), &answered(400, 2000)),
    );
    let page = dir.path().join("page.html");
    let (figures, _) = eval(&seen, "small", "large", &["--html", text(&page)]);
    assert_eq!(
        (&figures["n"], &figures["router"], &figures["confidence"]),
        (&json!(600), &json!("cross_fitted"), &json!("cross_fitted"))
    );
    let names = ["cheap", "frontier", "random-mix", "router", "cascade", "router+cascade", "oracle"];
    for name in names {
        let policy = &figures["policy"][name];
        assert!(
            ["quality", "cost_ratio", "escalation_rate"].iter().all(|field| policy[field].is_f64()),
            "{name}: {policy}"
        );
    }
    assert!(
        number(&figures["deferral_apgr"]) > number(&figures["router_apgr"]) && number(&figures["confidence_auc"]) > 0.7
    );
    assert_eq!((number(&figures["policy"]["cheap"]["cost_ratio"]) * 1e6).round(), 1e5);
    assert!(
        number(&figures["policy"]["router+cascade"]["cost_ratio"]) < number(&figures["policy"]["router"]["cost_ratio"])
    );
    assert_eq!(std::fs::read_to_string(page).unwrap().matches("<svg").count(), 1);

    let model = dir.path().join("m");
    let output =
        rungs(&["train", "--data", text(&seen), "--cheap", "small", "--frontier", "large", "--out", text(&model)]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("answers of small: confidence AUC 0.") && said.contains("600 answers"), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(model.join("report.json")).unwrap()).unwrap();
    assert!(number(&report["confidence"]["small"]["auc"]) > 0.7, "{report}");
    let learned = Artifact::load(&model).unwrap().confidence.swap_remove(0);
    assert_eq!(learned.tiers, ["small", "large"]);
    // The dearer the climb, the more it is worth to see the answer first; where climbing is free it is worth little.
    let worth = [0.001, 0.1, 0.5].map(|price| learned.worth(0.3, price).unwrap());
    assert!(worth.is_sorted() && worth[0].abs() < 0.1, "{worth:?}");
    let (figures, _) = eval(&unseen, "small", "large", &["--model", text(&model)]);
    assert_eq!((&figures["router"], &figures["confidence"]), (&json!("artifact"), &json!("artifact")));
    assert!(number(&figures["confidence_auc"]) > 0.7, "{figures}");
}

#[test]
fn without_answers_nothing_is_learned_of_them_and_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &rows(400, 0));
    let model = dir.path().join("m");
    let output =
        rungs(&["train", "--data", text(&data), "--cheap", "small", "--frontier", "large", "--out", text(&model)]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("answers of small: none are recorded"));
    assert!(Artifact::load(&model).unwrap().confidence.is_empty());
    let (figures, said) = eval(&data, "small", "large", &[]);
    assert_eq!(
        (&figures["confidence"], said.contains("an answer tells nothing here")),
        (&json!("none"), true),
        "{said}"
    );

    // An artifact without the section leaves the confidence to the rows.
    let answers = write(&dir.path().join("b.jsonl"), &answered(400, 1000));
    let (figures, _) = eval(&answers, "small", "large", &["--model", text(&model)]);
    assert_eq!((&figures["router"], &figures["confidence"]), (&json!("artifact"), &json!("cross_fitted")));
}

#[test]
fn an_unknown_price_is_assumed_with_a_warning_and_can_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = answered(300, 0);
    for row in &mut rows {
        for tier in ["small", "large"] {
            row["outcomes"][tier].as_object_mut().unwrap().remove("cost_usd");
            row["outcomes"][tier]["input_tokens"] = json!(100);
            row["outcomes"][tier]["output_tokens"] = json!(100);
        }
    }
    let data = write(&dir.path().join("a.jsonl"), &rows);
    let (figures, said) = eval(&data, "small", "large", &[]);
    assert!(said.contains("--price small=IN/OUT") && figures["prices"]["large"] == "assumed", "{said}");
    let (figures, said) = eval(&data, "small", "large", &["--price", "small=1/1", "--price", "large=2/8"]);
    assert_eq!((&figures["prices"]["small"], said.contains("--price")), (&json!("given"), false), "{said}");
    assert!((number(&figures["policy"]["cheap"]["cost_ratio"]) - 0.2).abs() < 1e-9);
}

#[test]
fn bad_usage_ends_with_code_two() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &rows(60, 0));
    for (args, reason) in [
        (&["--cheap", "small", "--frontier", "small"][..], "different tiers"),
        (&["--cheap", "small", "--frontier", "huge"], "no row has an outcome of tier `huge`"),
        (&["--cheap", "small", "--frontier", "large", "--price", "large=2"], "TIER=IN/OUT"),
        (&["--cheap", "small", "--frontier", "large", "--model", "/nowhere"], "/nowhere"),
    ] {
        let output = rungs(&[&["cascade-eval", "--data", text(&data)], args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{args:?}: {said}");
    }
}

/// Some of the groups of a recorded file, so that the test stays short.
fn part_of(file: &Path, dir: &Path, share: u64) -> PathBuf {
    let mut lines = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut lines).unwrap();
    let mut kept: HashMap<String, bool> = HashMap::new();
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| {
            let next = kept.len() as u64;
            *kept.entry(row["group"].to_string()).or_insert(next.is_multiple_of(share))
        })
        .collect();
    write(&dir.join("part.jsonl"), &rows)
}

#[test]
fn on_real_log_probabilities_the_union_is_cheapest_and_ranks_best() {
    let Some(file) = recorded("mmlu-logprobs.jsonl.gz") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (figures, _) = eval(&part_of(&file, dir.path(), 6), "qwen-14b", "gpt-4o", &[]);
    let deferral = number(&figures["deferral_apgr"]);
    assert!(deferral > 0.68 && deferral > number(&figures["router_apgr"]) + 0.05, "{figures}");
    for point in figures["grid"].as_array().unwrap() {
        let best = ["router", "cascade"].iter().filter_map(|part| point[part].as_f64()).fold(0.0, f64::max);
        assert!(point["router+cascade"].as_f64().unwrap_or(0.0) >= best - 0.005, "{point}");
    }
}

#[test]
fn on_real_samples_agreement_tells_right_from_wrong() {
    let Some(file) = recorded("crux-samples.jsonl.gz") else { return };
    let (all, _) = eval(&file, "codellama-7b", "gpt-4o", &[]);
    assert!(number(&all["confidence_auc"]) >= 0.72 && number(&all["calls_checked"]) == 10.0, "{all}");
    let (three, _) = eval(&file, "codellama-7b", "gpt-4o", &["--max-samples", "3"]);
    assert_eq!(number(&three["calls_checked"]), 3.0);
    assert!(
        number(&three["confidence_auc"]) > 0.6
            && number(&three["policy"]["cascade"]["cost_ratio"]) < number(&all["policy"]["cascade"]["cost_ratio"])
    );
}

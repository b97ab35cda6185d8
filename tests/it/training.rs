//! train → eval → score from the command line, on good data, bad data and real data.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use rungs::difficulty::{Artifact, Verdict};
use serde_json::{Value, json};

use crate::support::command::{json_of, refusal, rungs, said, text};
use crate::support::labelled::{noise, recorded, rows, write};

/// Trains small → large on a file; panics with the command's own words when that fails.
fn train(data: &Path, out: &Path) -> String {
    said(&["train", "--data", text(data), "--cheap", "small", "--frontier", "large", "--out", text(out)]).0
}

#[test]
fn train_eval_and_score_work_together() {
    let dir = tempfile::tempdir().unwrap();
    let (data, unseen) =
        (write(&dir.path().join("a.jsonl"), &rows(400, 0)), write(&dir.path().join("b.jsonl"), &rows(200, 1000)));
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let summary = train(&data, &first);
    assert!(
        summary.contains("small → large") && summary.contains("400 rows in 200 groups") && summary.contains("balanced"),
        "{summary}"
    );

    // Equal data and seed give equal bytes.
    train(&data, &second);
    let bytes = |folder: &Path| std::fs::read(folder.join("model.json")).unwrap();
    assert_eq!(bytes(&first), bytes(&second));
    let report: Value = serde_json::from_slice(&std::fs::read(first.join("report.json")).unwrap()).unwrap();
    assert!(report["out_of_fold"]["apgr"].as_f64().unwrap() > 0.6, "{report}");
    let page = std::fs::read_to_string(first.join("report.html")).unwrap();
    assert!(
        page.matches("<svg").count() == 4
            && page.contains("color-scheme: light dark")
            && !page.contains("http://www.w3.org/1999")
    );

    let output = rungs(&["eval", "--model", text(&first), "--json", "--data", text(&unseen), text(&data)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((figures["n"].clone(), figures["tiers"].clone()), (json!(600), json!(["small", "large"])));
    let unseen_figures = &figures["by_dataset"]["b"];
    for figures in [&figures, unseen_figures, &figures["by_dataset"]["a"]] {
        assert!(figures["apgr"].as_f64().unwrap() > 0.6, "{figures}");
        let interval = figures["apgr_ci"].as_array().unwrap();
        assert!(interval[0].as_f64() < figures["apgr"].as_f64() && figures["apgr"].as_f64() < interval[1].as_f64());
        assert!(figures["cpt50"].as_f64().unwrap() < figures["cpt80"].as_f64().unwrap());
        assert!(figures["auc"]["small"].as_f64().unwrap() > 0.7 && figures["ece"].is_f64());
        assert_eq!((&figures["signal"], figures["curve"].as_array().unwrap().len()), (&json!("usable"), 101));
        let point = &figures["operating_point"];
        assert!(
            ["threshold", "frontier_share", "quality", "cost_usd"].iter().all(|field| point[field].is_f64()),
            "{point}"
        );
    }

    let report = &report["out_of_fold"];
    for figures in [&figures, report] {
        for tier in ["small", "large"] {
            let trust = &figures["calibration"][tier];
            for name in ["log_loss", "brier", "slope", "intercept", "ece", "ece_raw", "ece_expected"] {
                assert!(trust[name].is_f64(), "{name} of {trust}");
            }
            let bins = figures["reliability"][tier].as_array().unwrap();
            let share: f64 = bins.iter().map(|bin| bin["share"].as_f64().unwrap()).sum();
            assert!(bins.len() > 1 && bins.len() <= 15 && (share - 1.0).abs() < 1e-9, "{bins:?}");
        }
    }
    assert_eq!(figures["calibrators"], json!({"small": "platt", "large": "platt"}), "200 groups bear no more");
    assert!(page.contains("<td>platt</td>") && page.contains("Brier"));

    let output = rungs(&["score", "--model", text(&first), "--data", text(&unseen)]);
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["id"]), (200, &json!("q1000")));
    let gain = |line: &Value| line["p"]["large"].as_f64().unwrap() - line["p"]["small"].as_f64().unwrap();
    assert!(lines.iter().all(|line| (line["score"].as_f64().unwrap() - gain(line)).abs() < 1e-12));
    assert!(lines[0]["score"].as_f64() > lines[1]["score"].as_f64(), "a sum gains more than a fact");
    let to_large = |odd: usize| lines.iter().skip(odd).step_by(2).filter(|line| line["tier"] == "large").count();
    assert!(to_large(0) > 40 && to_large(1) < 10, "{} {}", to_large(0), to_large(1));
}

#[test]
fn more_than_two_tiers_and_rows_without_one_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &rows(600, 0));
    let out = dir.path().join("m");
    let output = rungs(&["train", "--data", text(&data), "--tiers", "small,middle,large", "--out", text(&out)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("480 left out for want of an outcome"));
    let artifact = Artifact::load(&out).unwrap();
    assert_eq!(artifact.tiers().collect::<Vec<_>>(), ["small", "middle", "large"]);
    assert_eq!((artifact.training.rows, artifact.training.rows_without_outcome), (120, 480));
}

#[test]
fn noise_has_no_usable_signal_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &noise(400));
    let model = dir.path().join("m");
    let summary = train(&data, &model);
    assert!(summary.contains("no usable signal"), "{summary}");
    assert_eq!(Artifact::load(&model).unwrap().signal.verdict, Verdict::None);

    let eval = ["eval", "--model", text(&model), "--data", text(&data)];
    assert!(said(&eval).0.contains("no usable signal"));
    assert_eq!(json_of(&[&eval[..], &["--json"]].concat())["artifact_signal"], "none");
}

#[test]
fn bad_data_ends_with_code_two_and_says_where_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let good = rows(40, 0);
    let with = |row: &str| good.iter().map(|row| format!("{row}\n")).collect::<String>() + row + "\n";
    let one_class = |score: f64| -> String {
        let row = |i: usize| json!({"id": i.to_string(), "prompt": "p", "outcomes": {"small": {"score": score}, "large": {"score": i % 2}}});
        (0..40).map(|i| format!("{}\n", row(i))).collect()
    };
    let outcomes = |score: &str| {
        format!(r#"{{"id":"x","prompt":"p","outcomes":{{"small":{{"score":{score}}},"large":{{"score":1}}}}}}"#)
    };
    let cases: Vec<(Vec<u8>, Vec<&str>)> = vec![
        (with(r#"{"id":"x","prompt":"#).into(), vec!["line 41", "malformed JSON"]),
        (with(r#"{"prompt":"p","outcomes":{"small":{"score":1}}}"#).into(), vec!["line 41", "`id`", "missing"]),
        (
            with(r#"{"id":"x","outcomes":{"small":{"score":1}}}"#).into(),
            vec!["line 41", "neither `prompt` nor `messages`"],
        ),
        (with(&outcomes("NaN")).into(), vec!["line 41", "`score`", "NaN"]),
        (with(&outcomes("1.5")).into(), vec!["line 41", "`outcomes.small.score`", "[0, 1]", "1.5"]),
        (with(&outcomes("\"high\"")).into(), vec!["line 41", "`outcomes.small.score`", "high"]),
        ([with("").as_bytes(), b"{\"id\":\"\xff\"}\n"].concat(), vec!["line 42", "invalid UTF-8"]),
        (Vec::new(), vec!["is empty"]),
        (one_class(1.0).into(), vec!["tier `small`", "every score is 1"]),
        (with("").replace("large", "big").into(), vec!["tier `large`", "small (40 rows)", "big (40 rows)"]),
        (
            rows(12, 0).iter().map(|row| format!("{row}\n")).collect::<String>().into(),
            vec!["6 distinct groups", "at least 10"],
        ),
    ];
    let (data, out) = (dir.path().join("data.jsonl"), dir.path().join("m"));
    for (content, expected) in cases {
        std::fs::write(&data, &content).unwrap();
        let (code, said) =
            refusal(&["train", "--data", text(&data), "--cheap", "small", "--frontier", "large", "--out", text(&out)]);
        assert_eq!(code, 2, "{said}");
        assert!(expected.iter().all(|part| said.contains(part)), "{expected:?} in {said}");
        assert!(!out.exists());
    }
    let missing = dir.path().join("nowhere.jsonl");
    let (code, said) =
        refusal(&["train", "--data", text(&missing), "--cheap", "a", "--frontier", "b", "--out", text(&out)]);
    assert!(code == 2 && said.contains("nowhere.jsonl"), "{said}");
    let (code, said) =
        refusal(&["train", "--data", text(&data), "--cheap", "a", "--frontier", "a", "--out", text(&out)]);
    assert!(code == 2 && said.contains("two different tiers"), "{said}");
}

#[test]
fn bad_rows_can_be_left_out_and_a_huge_prompt_is_no_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let mut good = rows(200, 0);
    good[7]["prompt"] = json!("What does this say? ".repeat(500_000));
    let data = write(&dir.path().join("a.jsonl"), &good);
    let text_of_file = std::fs::read_to_string(&data).unwrap() + "{broken\n";
    std::fs::write(&data, text_of_file).unwrap();
    let args = ["train", "--data", text(&data), "--cheap", "small", "--frontier", "large", "--skip-bad-rows", "--out"];
    let output = rungs(&[&args[..], &[text(&dir.path().join("m"))]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("1 bad rows were left out") && said.contains("line 201"),
        "{said}"
    );
}

#[test]
fn artifacts_that_are_corrupt_or_foreign_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &rows(100, 0));
    let model = dir.path().join("m");
    train(&data, &model);
    let good = std::fs::read_to_string(model.join("model.json")).unwrap();
    let cases = [
        (good.replacen("\"intercept\":", "\"intercept\":1", 1), "corrupt"),
        (good[..good.len() / 2].to_owned(), "not an artifact"),
        (good.replace("rungs-artifact/1", "rungs-artifact/2"), "rungs-artifact/2"),
    ];
    for (content, expected) in cases {
        std::fs::write(model.join("model.json"), content).unwrap();
        let (code, said) = refusal(&["eval", "--model", text(&model), "--data", text(&data), "--json"]);
        assert!(code == 2 && said.contains(expected) && said.contains("train"), "{said}");
    }
    let (code, said) = refusal(&["score", "--model", text(&dir.path().join("nothing")), "--data", text(&data)]);
    assert!(code == 2 && said.contains("rungs train"), "{said}");
}

/// Published best on this data: .603; random: .5.
#[test]
fn on_unseen_mmlu_questions_the_score_stands_above_the_published_plateau() {
    let Some(path) = recorded("routellm-mmlu.jsonl.gz") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()), &mut lines)
        .unwrap();
    let is_held_out = |line: &&str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let mut hasher = DefaultHasher::new();
        row["group"].as_str().unwrap().hash(&mut hasher);
        hasher.finish().is_multiple_of(2)
    };
    let (held_out, seen): (Vec<&str>, Vec<&str>) = lines.lines().partition(is_held_out);
    let (data, unseen, model) = (dir.path().join("train.jsonl"), dir.path().join("test.jsonl"), dir.path().join("m"));
    std::fs::write(&data, seen.join("\n")).unwrap();
    std::fs::write(&unseen, held_out.join("\n")).unwrap();
    let tiers = ["--cheap", "mixtral-8x7b", "--frontier", "gpt-4", "--out", text(&model)];
    let output = rungs(&[&["train", "--data", text(&data)], &tiers[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = rungs(&["eval", "--model", text(&model), "--data", text(&unseen), "--json"]);
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(figures["apgr"].as_f64().unwrap() >= 0.65, "{figures}");
    assert_eq!(figures["signal"], "usable");
    assert!(figures["ece"].as_f64().unwrap() < 0.03, "{}", figures["ece"]);
}

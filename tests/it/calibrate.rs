//! train → calibrate from the command line: operating points, certificates and refusals.

use std::path::{Path, PathBuf};

use rungs::config::{Config, Preset};
use rungs::difficulty::{Artifact, Scorer};
use serde_json::{Value, json};

use crate::support::command::{rungs, text};
use crate::support::labelled::{rows, write};

/// A model trained on 400 rows, those rows, and 1200 that it has not seen.
struct Trained {
    _dir: tempfile::TempDir,
    model: PathBuf,
    training: PathBuf,
    unseen: PathBuf,
}

impl Trained {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let training = write(&dir.path().join("a.jsonl"), &rows(400, 0));
        let unseen = write(&dir.path().join("b.jsonl"), &rows(1200, 1000));
        let model = dir.path().join("m");
        let args = ["train", "--cheap", "small", "--frontier", "large", "--data", text(&training), "--out"];
        let output = rungs(&[&args[..], &[text(&model)]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { _dir: dir, model, training, unseen }
    }

    fn run(&self, data: &Path, args: &[&str]) -> (i32, Value, String) {
        let output =
            rungs(&[&["calibrate", "--json", "--model", text(&self.model), "--data", text(data)], args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
    }

    /// What was set; the artifact must hold the same.
    fn set(&self, args: &[&str]) -> Value {
        let (code, found, said) = self.run(&self.unseen, args);
        assert_eq!(code, 0, "{said}");
        let artifact = Artifact::load(&self.model).unwrap();
        assert_eq!(found["model_version"], json!(artifact.version()));
        let calibrated = artifact.calibrated.unwrap();
        assert_eq!((&found["threshold"], &found["data"]), (&json!(calibrated.threshold), &json!(calibrated.data)));
        found
    }
}

#[test]
fn operating_points_are_written_into_the_artifact_and_served() {
    let trained = Trained::new();
    let share = trained.set(&["--frontier-share", "0.3"]);
    let found = share["frontier_share"].as_f64().unwrap();
    assert!(found <= 0.3 && found > 0.25, "{share}");
    let first = share["model"].clone();

    let quality = trained.set(&["--min-quality", "0.85"]);
    assert!(quality["quality"].as_f64().unwrap() >= 0.85 && quality["certificate"].is_null(), "{quality}");
    let budget = trained.set(&["--budget", "0.004"]);
    assert!(budget["cost_usd"].as_f64().unwrap() <= 0.004, "{budget}");

    let promise = trained.set(&["--max-quality-loss", "0.02", "--delta", "0.1"]);
    let certificate = &promise["certificate"];
    assert_eq!((&certificate["n"], &certificate["loss"]), (&json!(600), &json!("quality_lost")), "{promise}");
    assert!(certificate["void_if"].as_array().unwrap().len() > 2 && promise["frontier_share"].as_f64().unwrap() < 0.8);
    assert_eq!(promise["model"], first, "setting the point again leaves the model itself as it was");
    assert_eq!(trained.set(&["--max-quality-loss", "0.02"]), promise, "equal seeds give equal certificates");

    let config = format!("[model]\npath = \"{}\"", text(&trained.model));
    let file = trained.model.join("rungs.toml");
    std::fs::write(&file, config).unwrap();
    let scorer = Scorer::open(&Config::load(Some(&file)).unwrap()).unwrap();
    assert_eq!(json!(scorer.threshold(Preset::Calibrated)), promise["threshold"]);
    let output = rungs(&["eval", "--json", "--model", text(&trained.model), "--data", text(&trained.unseen)]);
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["operating_point"]["threshold"], promise["threshold"]);
    assert_eq!(figures["calibrated"]["certificate"], *certificate);
}

#[test]
fn what_the_data_cannot_carry_is_refused_with_code_three() {
    let trained = Trained::new();
    let before = std::fs::read(trained.model.join("model.json")).unwrap();
    let few = write(&trained.model.join("few.jsonl"), &rows(120, 5000));
    let promise = ["--max-quality-loss", "0.02"];
    for (data, args, expected) in [
        (&few, &promise[..], "60 labelled units cannot carry the promise"),
        (&trained.training, &promise, "the very rows"),
        (&trained.unseen, &["--min-quality", "0.999"], "no threshold reaches a quality of 0.999"),
        (&trained.unseen, &["--budget", "0.0001"], "the cheapest costs $0.001"),
    ] {
        let (code, found, said) = trained.run(data, args);
        assert!(code == 3 && found.is_null() && said.contains(expected), "{code} {said}");
    }
    let mixed = write(&trained.model.join("mixed.jsonl"), &[rows(100, 300), rows(1200, 1000)].concat());
    let (code, _, said) = trained.run(&mixed, &promise);
    assert!(code == 3 && said.contains("the groups of 100 of these queries"), "{said}");
    assert_eq!(std::fs::read(trained.model.join("model.json")).unwrap(), before, "a refusal changes nothing");

    let (code, found, said) = trained.run(&mixed, &["--max-quality-loss", "0.02", "--leave-out-seen"]);
    assert!(code == 0 && found["rows"] == 1200 && said.contains("100 queries were left out"), "{said}");
}

#[test]
fn a_wrong_question_ends_with_code_two() {
    for (args, expected) in [
        (&["--max-quality-loss", "0"][..], "must be above 0 and below 1"),
        (&["--max-quality-loss", "0.1", "--delta", "NaN"], "--delta NaN"),
        (&["--frontier-share", "1.5"], "must be between 0 and 1"),
        (&["--delta", "0.1", "--min-quality", "0.5"], "belongs to --max-quality-loss"),
        (&[], "--frontier-share"),
        (&["--min-quality", "0.5", "--budget", "1"], "cannot be used with"),
    ] {
        let output = rungs(&[&["calibrate", "--model", "models/baseline", "--data", "x.jsonl"], args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{args:?} {said}");
    }
}

//! Figures that can be believed: what is held out stays out, and artifacts are compared on the same rows.

use std::path::{Path, PathBuf};

use rungs::difficulty::rows::place_of_group;
use serde_json::{Value, json};

use crate::support::command::{json_of, refusal, said, text};
use crate::support::labelled::{rows, write};

const TIERS: [&str; 4] = ["--cheap", "small", "--frontier", "large"];

fn train(data: &Path, out: &Path, args: &[&str]) -> String {
    said(&[&["train", "--data", text(data), "--out", text(out)], &TIERS[..], args].concat()).0
}

fn is_held_out(row: &Value) -> bool {
    place_of_group(row["group"].as_str().unwrap()) < 0.3
}

/// Every answer of these rows the other way round.
fn turned(mut row: Value) -> Value {
    for tier in ["small", "large"] {
        let score = row["outcomes"][tier]["score"].as_f64().unwrap();
        row["outcomes"][tier]["score"] = json!(1.0 - score);
    }
    row
}

#[test]
fn what_is_held_out_is_never_trained_on_and_is_all_that_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let rows = rows(300, 0);
    let data = write(&dir.path().join("a.jsonl"), &rows);
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let hold_out = ["--hold-out", "0.3"];
    let summary = train(&data, &first, &hold_out);
    let held_out = rows.iter().filter(|row| is_held_out(row)).count();
    assert!(held_out > 50 && summary.contains(&format!("{} rows in", 300 - held_out)), "{summary}");

    // Whatever the held-out answers are, the model is the same to the byte.
    let poisoned: Vec<Value> = rows.into_iter().map(|row| if is_held_out(&row) { turned(row) } else { row }).collect();
    train(&write(&dir.path().join("b.jsonl"), &poisoned), &second, &hold_out);
    let bytes = |folder: &Path| std::fs::read(folder.join("model.json")).unwrap();
    assert_eq!(bytes(&first), bytes(&second));

    let eval =
        |args: &[&str]| json_of(&[&["eval", "--json", "--model", text(&first), "--data", text(&data)], args].concat());
    let (judged, all) = (eval(&hold_out), eval(&[]));
    assert_eq!((&judged["n"], &judged["seen_in_training"]), (&json!(held_out), &json!(0)));
    assert_eq!((&all["n"], &all["seen_in_training"]), (&json!(300), &json!(300 - held_out)));
    let (_, warning) = said(&["eval", "--model", text(&first), "--data", text(&data)]);
    assert!(warning.contains(&format!("groups of {} of the queries", 300 - held_out)), "{warning}");
}

/// Questions of twenty subjects with made-up names; in every second the frontier gains, and nothing but the name tells.
fn subjects() -> Vec<Value> {
    let syllables = ["zor", "bla", "kin", "mup", "tes", "gri", "fal", "hox", "lum", "pre"];
    (0..600)
        .map(|i| {
            let subject = i % 20;
            let name = format!("{}{}", syllables[subject % 10], syllables[(3 * subject + subject / 10 + 1) % 10]);
            // Scattered, so that no order of the names gives the rule away.
            let gains = [3, 4, 6, 7, 9, 10, 13, 16, 18, 19].contains(&subject);
            let small = f64::from(u8::from(gains == (i % 13 == 0)));
            let large = f64::from(u8::from(i % 11 != 0));
            json!({"id": i.to_string(), "prompt": format!("In {name}, {name} and again {name}: which rule holds?"),
                   "domain": name, "outcomes": {"small": {"score": small}, "large": {"score": large}}})
        })
        .collect()
}

#[test]
fn by_domain_a_model_never_sees_the_domain_that_it_is_judged_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &subjects());
    let report = |unit: &str| -> Value {
        let out = dir.path().join(unit);
        train(&data, &out, &["--cv", unit]);
        serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap()
    };
    let (group, domain) = (report("group"), report("domain"));
    let figures = |report: &Value| (report["out_of_fold"]["groups"].clone(), report["out_of_fold"]["signal"].clone());
    assert_eq!(figures(&group), (json!(600), json!("usable")));
    assert_eq!(figures(&domain), (json!(20), json!("none")));
    let apgr = |report: &Value| report["out_of_fold"]["apgr"].as_f64().unwrap();
    assert!(apgr(&group) > 0.65 && apgr(&domain) < 0.56, "{} {}", apgr(&group), apgr(&domain));
    // Slices resample questions, so that a domain is not one group.
    let slices = domain["out_of_fold"]["by_domain"].as_object().unwrap();
    assert!(slices.len() == 20 && slices.values().all(|slice| slice["groups"] == 30), "{slices:?}");
    let page = std::fs::read_to_string(dir.path().join("domain/report.html")).unwrap();
    assert!(page.contains("<h2>By domain</h2>") && page.matches("<td>30</td><td>30</td>").count() == 20);
    assert!(!page.contains("<h2>By route</h2>"), "no row names a route");
}

/// A model of the rule, one of its opposite, one of other tiers, and rows that none has seen.
struct Models {
    _dir: tempfile::TempDir,
    good: PathBuf,
    bad: PathBuf,
    other: PathBuf,
    unseen: PathBuf,
}

impl Models {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let data = write(&path("good.jsonl"), &rows(300, 0));
        let wrong: Vec<Value> = rows(300, 0).into_iter().map(turned).collect();
        let (good, bad, other) = (path("good"), path("bad"), path("other"));
        train(&data, &good, &[]);
        train(&write(&path("bad.jsonl"), &wrong), &bad, &[]);
        said(&["train", "--data", text(&data), "--tiers", "small,middle,large", "--out", text(&other)]);
        let unseen = write(&path("unseen.jsonl"), &rows(200, 1000));
        Self { _dir: dir, good, bad, other, unseen }
    }

    fn eval<'a>(&'a self, models: &[&'a Path], args: &[&'a str]) -> Vec<&'a str> {
        let models = models.iter().flat_map(|model| ["--model", text(model)]);
        ["eval", "--data", text(&self.unseen)].into_iter().chain(models).chain(args.iter().copied()).collect()
    }
}

#[test]
fn several_models_are_compared_with_the_first_on_the_same_rows() {
    let models = Models::new();
    let alone = json_of(&models.eval(&[&models.good], &["--json"]));
    assert!(alone.get("by_model").is_none() && alone.get("differences").is_none(), "{alone}");

    let found = json_of(&models.eval(&[&models.good, &models.bad, &models.good], &["--json"]));
    let [good, bad, again] = &found["by_model"].as_array().unwrap()[..] else { panic!("{found}") };
    for figure in ["model", "model_version", "n", "apgr", "apgr_ci", "ece", "curve", "operating_point", "cost"] {
        assert_eq!((&found[figure], &good[figure]), (&alone[figure], &again[figure]), "{figure}");
    }
    let [worse, same] = &found["differences"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!((&worse["model"], &worse["against"]), (&json!(text(&models.bad)), &good["model_version"]));
    let at_half = |figures: &Value| figures["curve"][50][1].as_f64().unwrap();
    for (figure, expected) in [
        ("apgr", bad["apgr"].as_f64().unwrap() - good["apgr"].as_f64().unwrap()),
        ("quality_at_half", at_half(bad) - at_half(good)),
        ("gain_auc", bad["gain_auc"].as_f64().unwrap() - good["gain_auc"].as_f64().unwrap()),
    ] {
        assert!((worse[figure]["difference"].as_f64().unwrap() - expected).abs() < 1e-9, "{figure}: {worse}");
        assert!(expected < -0.05 && worse[figure]["ci"][1].as_f64().unwrap() < 0.0, "{figure}: {worse}");
        assert_eq!(same[figure], json!({"difference": 0.0, "ci": [0.0, 0.0]}), "{figure}");
    }

    let (table, _) = said(&models.eval(&[&models.good, &models.bad], &[]));
    let lines: Vec<&str> = table.lines().filter(|line| line.contains(text(&models.bad))).collect();
    assert!(lines.len() == 2 && lines[1].contains("(95 %: -"), "{table}");

    let (code, error) = refusal(&models.eval(&[&models.good, &models.other], &["--json"]));
    assert!(code == 2 && error.contains("small → middle → large, but") && error.contains("same tiers"), "{error}");
    let twice = ["--model", text(&models.good), "--model", text(&models.bad), "--data", text(&models.unseen)];
    let (code, error) = refusal(&[&["score"], &twice[..]].concat());
    assert!(code == 2 && error.contains("takes one artifact"), "{error}");
}

#[test]
fn costs_are_recorded_or_follow_from_tokens_and_prices_and_otherwise_are_said_to_be_missing() {
    let models = Models::new();
    let recorded = json_of(&models.eval(&[&models.good], &["--json"]));
    let usd = |end: usize| recorded["cost"]["range"][end].as_f64().unwrap();
    assert!(recorded["cost"]["source"] == "recorded", "{}", recorded["cost"]);
    assert!((usd(0) - 0.001).abs() < 1e-9 && (usd(1) - 0.01).abs() < 1e-9);
    let aiq = |figures: &Value| figures["cost"]["aiq"].as_f64().unwrap();
    assert!(aiq(&recorded) > recorded["cost"]["aiq_random"].as_f64().unwrap() && aiq(&recorded) < 1.0);

    let mut tokens = rows(200, 1000);
    for row in &mut tokens {
        for (tier, output) in [("small", 100), ("large", 50)] {
            let outcome = row["outcomes"][tier].as_object_mut().unwrap();
            outcome.remove("cost_usd");
            outcome.insert("input_tokens".into(), json!(1000));
            outcome.insert("output_tokens".into(), json!(output));
        }
    }
    write(&models.unseen, &tokens);
    let (text, _) = said(&models.eval(&[&models.good], &[]));
    assert!(text.contains("cost      none") && text.contains("--price"), "{text}");
    let none = json_of(&models.eval(&[&models.good], &["--json"]));
    assert!(none["cost"].is_null() && none["operating_point"].get("cost_usd").is_none(), "{none}");

    // 1000 × 0.5 + 100 × 5 and 1000 × 5 + 50 × 100 millionths: .001 and .01, the recorded costs.
    let prices = ["--json", "--price", "small=0.5/5", "--price", "large=5/100"];
    let priced = json_of(&models.eval(&[&models.good], &prices));
    assert_eq!(priced["cost"]["source"], "tokens");
    assert!((aiq(&priced) - aiq(&recorded)).abs() < 1e-9, "{} {}", aiq(&priced), aiq(&recorded));
    let (text, _) = said(&models.eval(&[&models.good], &prices[1..]));
    let expected =
        ["$1.0000 always cheap, $10.0000 always frontier", "recorded tokens × price", "AIQ", "best single model"];
    assert!(expected.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn an_ablation_says_what_every_family_of_features_is_worth() {
    let dir = tempfile::tempdir().unwrap();
    let data = write(&dir.path().join("a.jsonl"), &rows(120, 0));
    let args = [&["ablate", "--data", text(&data)], &TIERS[..]].concat();
    let found = json_of(&[&args[..], &["--json"]].concat());
    assert_eq!((&found["n"], &found["groups"]), (&json!(120), &json!(60)));
    let parts = found["parts"].as_object().unwrap();
    let features = |name: &str| parts[name]["features"].as_u64();
    let learners = ["linear heads", "forest", "neighbours"];
    let others = ["embedding", "domains"];
    let families = parts.keys().map(String::as_str).filter(|name| !others.contains(name) && !learners.contains(name));
    let schema = rungs::features::Schema::current();
    assert_eq!(families.map(|name| features(name).unwrap()).sum::<u64>(), schema.names.len() as u64);
    assert_eq!((features("embedding"), features("forest")), (Some(256), None));

    // No row names a domain, and none has tools; numbers alone tell sums from facts, and every learner finds that by itself.
    assert_eq!(parts["tools"], json!({"features": 4, "varies": false, "without": null, "alone": null}));
    assert_eq!(parts["domains"], json!({"features": null, "varies": false, "without": null, "alone": null}));
    assert!(parts["numbers"]["alone"]["apgr"].as_f64().unwrap() > 0.7, "{}", parts["numbers"]);
    for learner in learners {
        let apgr = |how: &str| parts[learner][how]["apgr"].as_f64().unwrap();
        assert!(apgr("alone") > 0.6 && apgr("without") > 0.6, "{learner}: {}", parts[learner]);
    }
    let full = found["apgr"].as_f64().unwrap();
    for (name, part) in parts.iter().filter(|(_, part)| part["varies"] == true) {
        let without = &part["without"];
        let difference = without["apgr"].as_f64().unwrap() - full;
        assert!((without["difference"]["difference"].as_f64().unwrap() - difference).abs() < 1e-9, "{name}: {part}");
    }
    let (table, _) = said(&args);
    assert!(table.contains("full recipe: APGR") && table.contains("the same in every row"), "{table}");
}

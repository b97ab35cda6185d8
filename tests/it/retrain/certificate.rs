//! A champion with a certificate is followed by one that has its own, or by none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rungs::decisions::{DecisionStore, open};
use rungs::difficulty::Artifact;
use rungs::difficulty::calibrated::Goal;
use rungs::registry::Outcome;
use rungs::retrain::{Ask, Report, run};
use serde_json::Value;

use super::kill::{fill, settings};
use crate::support::command::{said, text};
use crate::support::labelled::{rows, write};
use crate::support::serving::config;

const EPSILON: f64 = 0.2;

/// A model, in the folder's `model`, that takes each tier for the other, so that there is something to gain.
pub(super) fn poor(folder: &Path) -> PathBuf {
    let turned = |mut row: Value| {
        let outcomes = row["outcomes"].as_object_mut().unwrap();
        outcomes.remove("middle");
        let large = outcomes.insert("large".to_owned(), outcomes["small"].clone());
        outcomes.insert("small".to_owned(), large.unwrap());
        row
    };
    let data = write(&folder.join("data.jsonl"), &rows(600, 5000).into_iter().map(turned).collect::<Vec<_>>());
    let out = folder.join("model");
    said(&["train", "--data", text(&data), "--cheap", "small", "--frontier", "large", "--out", text(&out)]);
    out
}

/// The same with a certificate.
fn certified(folder: &Path) -> Artifact {
    let out = poor(folder);
    let more = write(&folder.join("more.jsonl"), &rows(600, 9000));
    let (loss, delta) = (EPSILON.to_string(), "0.2");
    let asked =
        ["calibrate", "--model", text(&out), "--data", text(&more), "--max-quality-loss", &loss, "--delta", delta];
    said(&asked);
    Artifact::load(&out).unwrap()
}

async fn attempt(folder: &Path, store: &Arc<dyn DecisionStore>) -> Report {
    let model = format!("[model]\npath = \"{}\"\n", folder.join("model").display());
    let toml = model + &settings().replace("threshold = 0.1", "threshold = \"calibrated\"");
    let config = config(folder, &toml);
    let report = run(Arc::clone(store), &config, &Ask { dry_run: true, ..Ask::default() }, &|_| ()).await.unwrap();
    eprintln!("{}", report.text());
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_issued_anew_on_rows_that_the_gate_does_not_see_or_the_challenger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let champion = certified(folder.path());
    let before = champion.calibrated.clone().unwrap();
    let store = open(&rungs::config::LogConfig::default(), folder.path()).await.unwrap();
    fill(&*store, 1000).await;

    let report = attempt(folder.path(), &store).await;
    let set = report.calibrated.as_ref().expect("the operating point is set");
    let certificate = set.certificate.as_ref().expect("and certified");
    assert_eq!((set.goal, certificate.epsilon), (before.goal, EPSILON));
    assert_ne!(set.certificate, before.certificate);
    // 400 conversations are held out; what certifies does not compare.
    let compared = report.findings.as_ref().unwrap().utility.groups;
    assert_eq!((compared + certificate.n, report.held_out[0]), (400, 400));
    assert!(
        !report.objections.iter().any(|objection| objection.contains("operating point")),
        "{:?}",
        report.objections
    );

    // A promise that so few labels cannot carry: no certificate, no promotion.
    let mut strict = champion.clone();
    let promise = strict.calibrated.as_mut().unwrap();
    let Goal::MaxQualityLoss { epsilon, .. } = &mut promise.goal else { panic!("{:?}", before.goal) };
    *epsilon = 0.001;
    promise.certificate.as_mut().unwrap().epsilon = 0.001;
    strict.save(&folder.path().join("model")).unwrap();
    let report = attempt(folder.path(), &store).await;
    assert_eq!((report.outcome, &report.calibrated), (Outcome::Refused, &None));
    let refused = "the champion's operating point cannot be set for it";
    assert!(report.objections.iter().any(|objection| objection.contains(refused)), "{:?}", report.objections);
    store.close().await.unwrap();
}

//! Recorded outcomes of real models: what a first model of a few hundred prompts is worth on questions that were never asked.

use std::path::{Path, PathBuf};

use rungs::difficulty::rows::place_of_group;
use rungs::labelled::{LabelledQuery, OnBad, Reader};
use serde_json::{Value, json};

use super::{Replayed, configured, recorded};
use crate::judge::scripted::Upstream;
use crate::support::command::{json_of, rungs, text};
use crate::support::labelled::{recorded as at_hand, write};

const MODELS: [&str; 2] = ["llama-3.1-8b", "gpt-4o"];

/// A question with what it is worth that each model answered: a win or a tie against the other is acceptable.
fn row(query: &LabelledQuery) -> Option<Value> {
    let [small, large] = [query.score_of(MODELS[0])?, query.score_of(MODELS[1])?];
    let acceptable = |own: f64, other: f64| json!({"score": f64::from(u8::from(own >= other))});
    let outcomes = json!({"small": acceptable(small, large), "large": acceptable(large, small)});
    let prompt = &query.request.messages()[0].text;
    Some(json!({"id": query.id, "prompt": prompt, "group": query.cluster(), "outcomes": outcomes}))
}

fn evaluated(model: &Path, data: &Path) -> Value {
    json_of(&["eval", "--model", text(model), "--data", text(data), "--json"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_hundred_prompts_make_a_model_that_is_better_than_chance_on_questions_that_were_never_asked() {
    let files: Vec<PathBuf> =
        ["mmlu-pro.jsonl.gz", "zeroeval.jsonl.gz"].iter().filter_map(|name| at_hand(name)).collect();
    if files.len() < 2 {
        return;
    }
    let all = Reader::open(&files, OnBad::Stop).unwrap().map(Result::unwrap);
    let plain = all.filter(|query| query.request.messages().len() == 1);
    let (asked, unseen): (Vec<_>, Vec<_>) = plain
        .filter_map(|query| Some((place_of_group(query.cluster()), row(&query)?)))
        .partition(|(place, _)| *place < 0.5);
    let rows = |of: Vec<(f64, Value)>| of.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let folder = tempfile::tempdir().unwrap();
    let (tape, prompts) = recorded(folder.path(), rows(asked));
    let unseen = write(&folder.path().join("unseen.jsonl"), &rows(unseen));
    let (tiers, judge) = (Replayed::start(&tape), Upstream::start().await);
    let config = configured(folder.path(), &["small", "large"], &tiers.url, &judge.url, "");
    let args = ["bootstrap", "--config", text(&config), "--data", text(&prompts), "--sample", "600", "--yes", "--json"];
    let args = args.map(str::to_owned);
    let output = tokio::task::spawn_blocking(move || rungs(&args.each_ref().map(String::as_str))).await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    eprintln!("{error}{}", summary["registry"]["reason"]);
    assert_eq!((output.status.code(), &summary["rows"]), (Some(0), &json!(600)), "{error}");
    let own = evaluated(Path::new(summary["model"].as_str().unwrap()), &unseen);
    eprintln!(
        "600 prompts; on {} questions that were never asked: APGR {} {}, quality {}",
        own["n"], own["apgr"], own["apgr_ci"], own["quality"]
    );
    assert!(own["apgr_ci"][0].as_f64().unwrap() > 0.5, "{own}");
}

//! The first model, and what keeps one from being made.

use std::path::Path;

use rungs::config::LogConfig;
use rungs::decisions::{DecisionRecord, open};
use rungs::labelled::{OnBad, Reader};
use serde_json::{Value, json};

use super::{Replayed, configured, recorded};
use crate::judge::scripted::{Manner, Upstream};
use crate::support::command::{json_of, refusal, rungs, said, text};
use crate::support::labelled::{noise, rows, write};
use crate::support::record::{bare_record, settled};

/// Runs it in a thread of its own: the judge answers from this one's runtime.
async fn bootstrap(config: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
    let mut args = vec!["bootstrap".to_owned(), "--config".to_owned(), text(config).to_owned(), "--json".to_owned()];
    args.extend(more.iter().map(|word| (*word).to_owned()));
    let ended = tokio::task::spawn_blocking(move || rungs(&args.iter().map(String::as_str).collect::<Vec<_>>()));
    let output = ended.await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prompts_become_labels_and_labels_the_first_model_which_the_registry_has() {
    let folder = tempfile::tempdir().unwrap();
    let (tape, prompts) = recorded(folder.path(), rows(240, 0));
    let (tiers, judge) = (Replayed::start(&tape), Upstream::start().await);
    let config = configured(folder.path(), &["small", "large"], &tiers.url, &judge.url, "");
    let data = ["--data", text(&prompts)];

    // What it costs is told first, and nothing is called without a yes.
    let (code, estimate, _) = bootstrap(&config, &[&data[..], &["--dry-run"]].concat()).await;
    assert_eq!((code, &estimate["prompts"], &estimate["judge"]["calls"]), (Some(0), &json!(240), &json!(240)));
    assert_eq!(estimate["tiers"][1]["calls"], json!(240));
    let usd = |calls: &Value| calls["usd"].as_f64().unwrap();
    let sum = usd(&estimate["tiers"][0]) + usd(&estimate["tiers"][1]) + usd(&estimate["judge"]);
    assert!(sum > 0.0 && (usd(&estimate) - sum).abs() < 1e-12, "{estimate}");
    let (code, _, error) = bootstrap(&config, &data).await;
    assert!(code == Some(2) && error.contains("say --yes"), "{error}");
    let (code, _, error) = bootstrap(&config, &[&data[..], &["--yes", "--max-usd", "0.01"]].concat()).await;
    assert!(code == Some(2) && error.contains("more than --max-usd 0.01"), "{error}");
    assert_eq!(judge.calls(), 0);

    let (code, summary, error) = bootstrap(&config, &[&data[..], &["--yes", "--max-usd", "2"]].concat()).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!((&summary["rows"], judge.calls(), &summary["failed"]), (&json!(240), 240, &json!([])), "{summary}");
    let registry = &summary["registry"];
    assert_eq!((&registry["outcome"], &registry["state"]), (&json!("first"), &json!("champion")), "{registry}");
    let spent = summary["spent_usd"].as_f64().unwrap();
    assert!(spent > 0.0 && spent < 2.0, "{spent}");

    // The labels are what the judge saw: a win or a tie is acceptable.
    let labelled = Path::new(summary["labelled"].as_str().unwrap());
    let truth = Reader::open(&[&tape], OnBad::Stop).unwrap().map(Result::unwrap);
    let truth: std::collections::HashMap<String, _> = truth.map(|query| (query.id.clone(), query)).collect();
    for query in Reader::open(&[labelled], OnBad::Stop).unwrap().map(Result::unwrap) {
        let [small, large] = ["small", "large"].map(|tier| truth[&query.id].score_of(tier).unwrap());
        let expected = [small >= large, large >= small].map(|good| Some(f64::from(u8::from(good))));
        assert_eq!(["small", "large"].map(|tier| query.score_of(tier)), expected, "{}", query.id);
        let outcome = &query.outcomes["large"];
        assert!(outcome.answer.is_some() && outcome.cost_usd.is_some() && query.group == truth[&query.id].group);
    }

    // It is the model that `train` makes of the same file, and it serves.
    let version = registry["challenger"].as_str().unwrap();
    let out = folder.path().join("trained");
    let train = ["train", "--data", text(labelled), "--cheap", "small", "--frontier", "large", "--out", text(&out)];
    said(&train);
    assert_eq!(rungs::difficulty::Artifact::load(&out).unwrap().version(), version);
    let models = || json_of(&["models", "list", "--json", "--config", text(&config)])["models"].take();
    let champion = || models().as_array().unwrap().iter().find(|model| model["state"] == "champion").cloned().unwrap();
    assert_eq!((&champion()["version"], &champion()["origin"]), (&json!(version), &json!("bootstrap")));
    let evaluated = json_of(&["eval", "--model", text(&out), "--data", text(labelled), "--json"]);
    assert_eq!(evaluated["n"], 240);

    // Once more: everything is paid for, and what is made now has to pass the gate.
    let (code, again, error) = bootstrap(&config, &[&data[..], &["--yes"]].concat()).await;
    assert_eq!((code, judge.calls(), &again["spent_usd"]), (Some(3), 240, &summary["spent_usd"]), "{error}");
    assert!(again["registry"]["findings"].is_object() && again["registry"]["champion"] == version, "{again}");
    assert_eq!(champion()["version"], version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_coins_make_no_model_and_it_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let (tape, prompts) = recorded(folder.path(), noise(200));
    let (tiers, judge) = (Replayed::start(&tape), Upstream::start().await);
    let config = configured(folder.path(), &["small", "large"], &tiers.url, &judge.url, "");
    let (code, summary, error) = bootstrap(&config, &["--data", text(&prompts), "--yes"]).await;
    assert!(code == Some(3) && error.contains("no usable signal"), "{error}");
    assert_eq!((&summary["registry"]["outcome"], &summary["rows"]), (&json!("nothing"), &json!(200)));
    assert!(Path::new(summary["model"].as_str().unwrap()).join("report.html").exists());
    assert_eq!(json_of(&["models", "list", "--json", "--config", text(&config)])["models"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_named_and_tried_again_and_a_tier_or_judge_that_is_down_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = rows(60, 0);
    let missing = rows[7]["id"].clone();
    rows[7]["outcomes"].as_object_mut().unwrap().remove("large");
    let (tape, prompts) = recorded(folder.path(), rows);
    let (tiers, judge) = (Replayed::start(&tape), Upstream::start().await);
    let at = |tiers: &str, judge: &str| configured(folder.path(), &["small", "large"], tiers, judge, "");
    let data = ["--data", text(&prompts), "--yes"];

    let (code, _, error) = bootstrap(&at("http://127.0.0.1:9/v1", &judge.url), &data).await;
    assert!(
        code == Some(1) && error.contains("10 calls of `") && error.contains("what was answered is kept"),
        "{error}"
    );
    judge.behaves(Manner::Nonsense);
    let config = at(&tiers.url, &judge.url);
    let (code, _, error) = bootstrap(&config, &data).await;
    assert!(code == Some(1) && error.contains("none succeeded: the judge"), "{error}");

    judge.behaves(Manner::Honest);
    let (_, summary, error) = bootstrap(&config, &data).await;
    assert_eq!((&summary["rows"], &summary["prompts"]), (&json!(59), &json!(60)), "{error}");
    let failed = &summary["failed"];
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["id"], &failed[0]["at"]), (1, &missing, &json!("large")));
    assert!(failed[0]["error"].as_str().unwrap().contains("status"), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tiers_are_each_asked_once_and_nothing_is_begun_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (tiers, judge) = (Upstream::start().await, Upstream::start().await);
    let config = configured(folder.path(), &["small", "middle", "large"], &tiers.url, &judge.url, "");
    let question = |n| if n == 7 { "say nothing to 7\n".to_owned() } else { format!("what is {n}?\n") };
    let prompts: String = (1..=60).map(question).collect();
    let file = folder.path().join("prompts.txt");
    std::fs::write(&file, prompts).unwrap();
    let data = ["--data", text(&file), "--yes", "--workers", "2"];

    // Answers are longer than they are said to be: the limit holds all the same, but for what is under way.
    let limited = [&data[..], &["--answer-tokens", "1", "--max-usd", "0.08"]].concat();
    let (_, summary, error) = bootstrap(&config, &limited).await;
    assert_eq!(summary["limit_reached"], json!(true), "{summary} {error}");
    let spent = summary["spent_usd"].as_f64().unwrap();
    assert!(spent > 0.02 && spent < 0.08, "{spent}");

    let (_, summary, error) = bootstrap(&config, &data).await;
    assert_eq!((&summary["rows"], tiers.calls(), judge.calls()), (&json!(60), 180, 119), "{summary} {error}");
    // 120 tokens a call, at 1, 1 and 10 of the tiers and 1 of the judge.
    let expected = (60.0 * (1.0 + 1.0 + 10.0 + 2.0) - 1.0) * 120.0 / 1e6;
    assert!((summary["spent_usd"].as_f64().unwrap() - expected).abs() < 1e-9, "{summary}");
    let labelled = Path::new(summary["labelled"].as_str().unwrap());
    for query in Reader::open(&[labelled], OnBad::Stop).unwrap().map(Result::unwrap) {
        assert_eq!(query.outcomes.keys().collect::<Vec<_>>(), ["small", "middle", "large"]);
        let text = &query.request.messages()[0].text;
        if text.starts_with("say nothing") {
            // A blank answer is worse than any, and nobody is asked.
            assert_eq!((query.score_of("small"), query.score_of("large")), (Some(0.0), Some(1.0)));
        }
    }
}

#[tokio::test]
async fn the_logs_own_requests_are_prompts_and_each_question_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), &["small", "large"], "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "");
    let store = open(&LogConfig::default(), folder.path()).await.unwrap();
    for n in 0..6 {
        let body = json!({"model": "auto", "stream": n % 2 == 0, "messages": [{"role": "user", "content": format!("what is {}?", n / 2)}]});
        let id = uuid::Uuid::now_v7().to_string();
        store.append(DecisionRecord { id, request: Some(body), ..bare_record(n) }).await.unwrap();
    }
    settled(&*store).await;
    store.close().await.unwrap();
    let estimate = json_of(&["bootstrap", "--config", text(&config), "--dry-run", "--json"]);
    assert_eq!(estimate["prompts"], 3);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let url = "http://127.0.0.1:9/v1";
    let config = configured(folder.path(), &["small", "large"], url, url, "");
    let prompts = write(&folder.path().join("prompts.jsonl"), &[json!({"prompt": "a"}), json!({"id": "b"})]);
    let bare = folder.path().join("bare.toml");
    std::fs::write(&bare, format!("data_dir = '{}'\n", folder.path().display())).unwrap();
    let whole = std::fs::read_to_string(&config).unwrap();
    let without = |name: &str, from: &str, to: &str| {
        let file = folder.path().join(name);
        let (begin, end) = (whole.find(from).unwrap(), whole.find(to).unwrap());
        std::fs::write(&file, [&whole[..begin], &whole[end..]].concat()).unwrap();
        file
    };
    let unjudged = without("unjudged.toml", "[judge.tier]", "[upstreams]");
    let unpriced = folder.path().join("unpriced.toml");
    std::fs::write(&unpriced, whole.replace("price = ", "# ")).unwrap();
    let good = write(&folder.path().join("good.jsonl"), &[json!({"prompt": "a"})]);
    for (config, data, more, because) in [
        (&config, Some(&prompts), "--yes", "prompts.jsonl, line 2, field `prompt`"),
        (&config, None, "--yes", "there are no prompts"),
        (&bare, Some(&good), "--yes", "at least two [[tiers]]"),
        (&unjudged, Some(&good), "--yes", "nobody is there to judge"),
        (&unpriced, Some(&good), "--max-usd=1", "--max-usd cannot be kept to"),
    ] {
        let mut args = vec!["bootstrap", "--config", text(config), more];
        args.extend(data.iter().flat_map(|data| ["--data", text(data)]));
        let (code, error) = refusal(&args);
        assert!(code == 2 && error.contains(because), "{code} {error}");
    }
}

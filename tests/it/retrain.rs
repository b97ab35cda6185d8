//! The log teaches the router: a poor model is replaced, one that is no better is not, and wrong labels teach nothing.

mod certificate;
mod kill;
mod labels;
mod outcomes;
mod schedule;
mod tiers;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use rungs::alert::Event;
use rungs::alert::outbox::Signal;
use rungs::database::Statement;
use rungs::decisions::{DecisionFilter, DecisionRecord, DecisionStore};
use rungs::difficulty::{Artifact, Scorer};
use rungs::judge::{Kind, Preference, Subject, Verdict, verdicts};
use rungs::labelled::{LabelledQuery, OnBad, Reader};
use rungs::registry::{Outcome, State};
use rungs::retrain::{Ask, Report, run};
use rungs::upstream::replay::{Tape, router};
use serde_json::{Value, json};

use crate::support::command::{json_of, refusal, said, text};
use crate::support::labelled::{recorded, write};
use crate::support::serving::{Serving, config};
use crate::support::{client, record, serve};

const SMALL: &str = "llama-3.1-8b";
const LARGE: &str = "gpt-4o";

/// What each tier is worth against the other: a win or a tie is acceptable.
fn acceptable(query: &LabelledQuery) -> Option<[f64; 2]> {
    let [small, large] = [query.score_of(SMALL)?, query.score_of(LARGE)?];
    Some([f64::from(u8::from(small >= large)), f64::from(u8::from(large >= small))])
}

/// The row of a query as labelled queries, by what the tiers are worth; `turned` the other way round.
fn labelled(query: &LabelledQuery, turned: bool) -> Value {
    let [mut small, mut large] = acceptable(query).unwrap();
    if turned {
        (small, large) = (large, small);
    }
    let messages: Value = serde_json::from_slice::<Value>(&query.request.to_body()).unwrap()["messages"].clone();
    let outcomes = json!({"small": {"score": small}, "large": {"score": large}});
    json!({"id": query.id, "messages": messages, "group": query.cluster(), "domain": query.domain, "outcomes": outcomes})
}

/// Recorded questions, divided: routed, replay set, never routed.
struct Questions {
    routed: Vec<LabelledQuery>,
    replay: Vec<LabelledQuery>,
    unseen: Vec<LabelledQuery>,
}

fn questions(files: &[PathBuf]) -> Questions {
    let all = Reader::open(files, OnBad::Stop).unwrap().map(Result::unwrap);
    let mut all: Vec<LabelledQuery> = all.filter(|query| acceptable(query).is_some()).collect();
    // By group, so that no question stands on two sides.
    all.sort_by(|a, b| (group(a), &a.id).cmp(&(group(b), &b.id)));
    let unseen = all.split_off(7500.min(all.len()));
    let replay = all.split_off(5000);
    Questions { routed: all, replay, unseen }
}

fn group(query: &LabelledQuery) -> u64 {
    // Not by the hash that the replay set is divided by.
    (rungs::difficulty::rows::place_of_group(&format!("{}/test", query.cluster())) * 1e15) as u64
}

/// A model that takes each tier for the other.
fn poor(folder: &Path, queries: &[LabelledQuery]) -> Artifact {
    let rows: Vec<Value> = queries.iter().map(|query| labelled(query, true)).collect();
    let (data, out) = (write(&folder.join("poor.jsonl"), &rows), folder.join("poor"));
    said(&["train", "--data", text(&data), "--cheap", "small", "--frontier", "large", "--out", text(&out)]);
    Artifact::load(&out).unwrap()
}

fn settings(url: &str, replay: &Path, model: &Path) -> String {
    let tier = |name: &str, model: &str, price: f64| {
        format!(
            "[[tiers]]\nname = \"{name}\"\nmodel = \"{model}\"\nbase_url = \"{url}/v1\"\n\
             price = {{ input = {price:?}, output = {price:?} }}\n"
        )
    };
    format!(
        "[model]\npath = \"{}\"\n[policy]\nthreshold = 0.1\nfallback = \"cheap\"\n[cascade]\nenabled = false\n\
         [judge]\nmonitor_rate = 0.0\nlearn_rate = 0.2\nmax_spend_share = 1.0\n\
         [judge.tier]\nname = \"judge\"\nmodel = \"judge\"\nbase_url = \"{url}/v1\"\n\
         [retrain]\nmin_labels = 100\nreplay_share = 0.9\nreplay = [\"{}\"]\n{}{}",
        model.display(),
        replay.display(),
        tier("small", SMALL, 2.0),
        tier("large", LARGE, 5.0),
    )
}

async fn route(serving: &Serving, queries: &[LabelledQuery]) {
    let url = format!("{}/v1/chat/completions", serving.url);
    let client = client();
    let bodies: Vec<Value> = queries
        .iter()
        .map(|query| serde_json::from_slice::<Value>(&query.request.to_body()).unwrap()["messages"].clone())
        .map(|messages| json!({"model": "auto", "messages": messages}))
        .collect();
    let ask = |body: Value| {
        let request = client.post(&url).json(&body);
        async move { assert_eq!(request.send().await.unwrap().status(), 200) }
    };
    stream::iter(bodies).map(ask).buffer_unordered(8).collect::<Vec<()>>().await;
    record::settled(&*serving.store).await;
}

/// Judges what was drawn by the recorded outcomes, `turned` the other way round; gives the number of requests judged.
async fn judge(store: &dyn DecisionStore, queries: &[LabelledQuery], turned: bool) -> usize {
    let truth: std::collections::HashMap<String, [f64; 2]> =
        queries.iter().map(|query| (query.request.messages()[0].text.clone(), acceptable(query).unwrap())).collect();
    let database = store.database().unwrap();
    let mut judged = 0;
    for record in records(store).await {
        let Some(sampling) = record.sampling.clone().filter(|sampling| !sampling.drawn.is_empty()) else { continue };
        let asked = record.request.as_ref().unwrap()["messages"][0]["content"].as_str().unwrap();
        let [mut small, mut large] = truth[asked];
        if turned {
            (small, large) = (large, small);
        }
        let preference = match small - large {
            d if d > 0.0 => Preference::Win,
            d if d < 0.0 => Preference::Loss,
            _ => Preference::Tie,
        };
        let served = Verdict {
            tier: Some("small".to_owned()),
            against: Some("large".to_owned()),
            preference: Some(preference),
            ..Verdict::of(&record, Kind::Pairwise, preference.score())
        };
        let verdict = match record.tier.as_deref() {
            Some("large") if sampling.shadow => Verdict { subject: Subject::Shadow, ..served },
            Some("small") => served,
            _ => continue,
        };
        verdicts::add(&database, &verdict).await.unwrap();
        judged += 1;
    }
    judged
}

async fn records(store: &dyn DecisionStore) -> Vec<DecisionRecord> {
    let (mut filter, mut records) = (DecisionFilter { limit: 1000, ..DecisionFilter::default() }, Vec::new());
    loop {
        let page = store.list(&filter).await.unwrap();
        records.extend(page.decisions);
        filter.before = page.next;
        if filter.before.is_none() {
            return records;
        }
    }
}

async fn attempt(serving: &Serving, ask: &Ask) -> Report {
    let report = run(Arc::clone(&serving.store), &serving.config, ask, &|_| ()).await.unwrap();
    eprintln!("{}", report.text());
    report
}

/// The alerts that wait in the outbox.
async fn alerts(store: &dyn DecisionStore) -> Vec<Event> {
    let rows = store.database().unwrap().read(Statement::new("SELECT signal FROM alert_signals ORDER BY id")).await;
    let event = |json: String| match serde_json::from_str(&json).unwrap() {
        Signal::Fire(event) => event,
        other => panic!("{other:?}"),
    };
    rows.unwrap().iter().map(|row| event(row.text(0).unwrap())).collect()
}

/// Mean utility of each model's choices on questions, at a price of .1, and the 95 % interval of the second less the first.
fn compared(old: &Artifact, new: &Artifact, serving: &Serving, queries: &[LabelledQuery]) -> (f64, f64, [f64; 2]) {
    let scorers = [old, new].map(|artifact| Scorer::of(artifact.clone(), &serving.config).unwrap());
    let utility = |scorer: &Scorer, query: &LabelledQuery| {
        let [small, large] = acceptable(query).unwrap();
        if scorer.score(&query.request).unwrap().score >= 0.1 { large - 0.1 } else { small }
    };
    let pairs: Vec<[f64; 2]> =
        queries.iter().map(|query| scorers.each_ref().map(|scorer| utility(scorer, query))).collect();
    let n = pairs.len() as f64;
    let mean = |of: &dyn Fn(&[f64; 2]) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let difference = mean(&|pair| pair[1] - pair[0]);
    let variance = mean(&|pair| (pair[1] - pair[0] - difference).powi(2));
    let error = 1.96 * (variance / n).sqrt();
    (mean(&|pair| pair[0]), mean(&|pair| pair[1]), [difference - error, difference + error])
}

struct World {
    questions: Questions,
    serving: Serving,
    first: Artifact,
    _folder: tempfile::TempDir,
}

/// A router over replayed tiers whose model takes each tier for the other.
async fn world(files: &[PathBuf]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let questions = questions(files);
    let mut tape = Tape::default();
    questions.routed.iter().cloned().for_each(|query| tape.add(query));
    let url = serve(router(Arc::new(tape), 0.0)).await;
    let rows: Vec<Value> = questions.replay.iter().map(|query| labelled(query, false)).collect();
    let replay = write(&folder.path().join("replay.jsonl"), &rows);
    let first = poor(folder.path(), &questions.replay);
    let toml = settings(&url, &replay, &folder.path().join("poor"));
    let serving = Serving::start(config(folder.path(), &toml), first.clone()).await;
    World { questions, serving, first, _folder: folder }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poor_model_is_replaced_the_same_log_teaches_nothing_twice_and_turned_labels_are_refused() {
    let files = ["mmlu-pro.jsonl.gz", "zeroeval.jsonl.gz"].map(recorded);
    let files: Vec<PathBuf> = files.into_iter().flatten().collect();
    if files.len() < 2 {
        return;
    }
    let World { questions, serving, first, _folder } = world(&files).await;
    route(&serving, &questions.routed).await;
    let judged = judge(&*serving.store, &questions.routed, false).await;
    eprintln!("{} requests, {judged} judged", questions.routed.len());
    assert!((400..=800).contains(&judged), "{judged}");

    // Trying changes nothing, and spends nothing.
    let tried = attempt(&serving, &Ask { dry_run: true, ..Ask::default() }).await;
    assert_eq!((tried.outcome, tried.attempt, tried.state), (Outcome::Promoted, 1, None));
    assert_eq!(serving.registry.list().await.unwrap().len(), 0);

    let report = attempt(&serving, &Ask::default()).await;
    assert_eq!((report.outcome, report.attempt, report.state), (Outcome::Promoted, 1, Some(State::Champion)));
    let version = report.challenger.unwrap();
    serving.serves(&version).await;
    let new = serving.registry.load(&version).await.unwrap();
    let (before, after, [low, high]) = compared(&first, &new, &serving, &questions.unseen);
    eprintln!(
        "never routed: {before:.4} → {after:.4}, difference {low:+.4} to {high:+.4} on {}",
        questions.unseen.len()
    );
    assert!(low > 0.0);
    assert!(matches!(&alerts(&*serving.store).await[..], [Event::ModelPromoted(change)] if change.version == version));

    // The same log again.
    let again = attempt(&serving, &Ask::default()).await;
    assert_eq!((again.outcome, again.attempt), (Outcome::Refused, 1));
    assert_eq!(serving.registry.in_state(State::Champion).await.unwrap(), Some(version.clone()));
    // Another seed makes another model of it, which is no better.
    let other = attempt(&serving, &Ask { seed: 1, ..Ask::default() }).await;
    assert_eq!((other.outcome, other.attempt), (Outcome::Refused, 2));
    assert!(other.reason.contains("not shown to be better"), "{}", other.reason);

    // A judge that takes each tier for the other.
    let delete = Statement::new("DELETE FROM verdicts");
    serving.store.database().unwrap().execute(delete).await.unwrap();
    judge(&*serving.store, &questions.routed, true).await;
    let turned = attempt(&serving, &Ask::default()).await;
    assert_eq!(turned.outcome, Outcome::Refused);
    assert!(turned.reason.contains("`small` is better than `large`"), "{}", turned.reason);
    let told = alerts(&*serving.store).await;
    assert!(matches!(told.last(), Some(Event::ModelRejected(change)) if change.reason == turned.reason));
    assert_eq!(serving.registry.in_state(State::Champion).await.unwrap(), Some(version));

    // An operator may have it all the same, and it is written down as that.
    let forced = attempt(&serving, &Ask { force: true, ..Ask::default() }).await;
    assert_eq!((forced.outcome, forced.state), (Outcome::Forced, Some(State::Champion)));
    let changes = serving.registry.changes_of(&forced.challenger.unwrap()).await.unwrap();
    assert!(changes.last().is_some_and(|change| change.reason.starts_with("forced by an operator")), "{changes:?}");
}

#[test]
fn a_log_that_says_too_little_is_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rungs.toml");
    let tier = |name: &str| format!("[[tiers]]\nname = \"{name}\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9\"\n");
    let toml = format!("data_dir = \"{}\"\n{}{}", folder.path().display(), tier("a"), tier("b"));
    std::fs::write(&file, toml).unwrap();
    let output = crate::support::command::rungs(&["retrain", "--json", "--config", text(&file)]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["outcome"]), (Some(3), &json!("nothing")), "{report}");
    assert!(report["reason"].as_str().unwrap().contains("0 labelled conversations, and 200 are needed"), "{report}");
    let (code, error) = refusal(&["retrain", "--config", text(&folder.path().join("none.toml"))]);
    assert!(code == 2 && error.contains("none.toml"), "{error}");
    let listed = json_of(&["models", "list", "--json", "--config", text(&file)]);
    assert_eq!(listed["models"], json!([]));
}

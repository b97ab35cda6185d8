//! Anchors: recorded judges are found as good as one finds by hand, and the judge in force is held against people.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use rungs::decisions::open;
use rungs::judge::anchors::{self, Standing};
use serde_json::{Value, json};

use crate::support::command::{json_of, refusal, text};

/// The rows of one of the shared files; `None`, said aloud, where they are not there.
fn rows(name: &str) -> Option<(PathBuf, Vec<Value>)> {
    let Some(folder) = std::env::var_os("RUNGS_DATA") else {
        eprintln!("skipped: RUNGS_DATA does not name the recorded judgements");
        return None;
    };
    let file = PathBuf::from(folder).join(name);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap()).read_to_string(&mut text).unwrap();
    Some((file, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()))
}

async fn standings(file: &std::path::Path) -> BTreeMap<String, Standing> {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Default::default(), folder.path()).await.unwrap();
    let database = store.database().unwrap();
    anchors::keep(&database, &anchors::read(file).unwrap().anchors).await.unwrap();
    let found = anchors::status(&database).await.unwrap();
    found.into_iter().map(|standing| (standing.judge.clone(), standing)).collect()
}

#[tokio::test]
async fn recorded_judges_of_llmbar_are_as_good_as_one_counts_by_hand() {
    let Some((file, rows)) = rows("judge-llmbar.jsonl.gz") else { return };
    let found = standings(&file).await;
    // [gold 1, of them said 1, gold 2, of them said 2, pairs, of them changed, decided, of them the first shown].
    let mut by_hand: BTreeMap<String, [u64; 8]> = BTreeMap::new();
    for row in &rows {
        let mut pairs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for verdict in row["verdicts"].as_array().unwrap() {
            let judge = format!("{} {}", verdict["judge"].as_str().unwrap(), verdict["method"].as_str().unwrap());
            let Some(said) = verdict["winner"].as_u64() else { continue };
            let gold = row["gold"].as_u64().unwrap();
            let counts = by_hand.entry(judge.clone()).or_default();
            let good = said != 2;
            counts[if gold == 1 { 0 } else { 2 }] += 1;
            counts[1] += u64::from(gold == 1 && good);
            counts[3] += u64::from(gold == 2 && !good);
            if said != 0 {
                counts[6] += 1;
                counts[7] += u64::from((said == 1) != verdict["swapped"].as_bool().unwrap());
            }
            pairs.entry(judge).or_default().push(said);
        }
        for (judge, said) in pairs.into_iter().filter(|(_, said)| said.len() == 2) {
            let counts = by_hand.get_mut(&judge).unwrap();
            counts[4] += 1;
            counts[5] += u64::from(said[0] != said[1]);
        }
    }
    assert!(by_hand.len() >= 6 && by_hand.len() == found.len(), "{:?}", found.keys());
    for (judge, [good, found_good, bad, found_bad, pairs, changed, decided, first]) in by_hand {
        let standing = &found[&judge];
        let share = |part: u64, of: u64| part as f64 / of as f64;
        assert_eq!(standing.sensitivity.unwrap().share, share(found_good, good), "{judge}");
        assert_eq!(standing.specificity.unwrap().share, share(found_bad, bad), "{judge}");
        assert_eq!(standing.position.flip_rate.unwrap().share, share(changed, pairs), "{judge}");
        assert_eq!(standing.position.first_wins.unwrap().share, share(first, decided), "{judge}");
        println!(
            "{judge}: sensitivity {:.3}, specificity {:.3}, flips {:.3}, first wins {:.3}",
            share(found_good, good),
            share(found_bad, bad),
            share(changed, pairs),
            share(first, decided)
        );
    }
}

#[tokio::test]
async fn annotators_of_pandalm_are_held_against_what_the_others_agree_on() {
    let Some((file, rows)) = rows("judge-pandalm.jsonl.gz") else { return };
    let found = standings(&file).await;
    for annotator in 0..3 {
        let (mut counts, mut agreed) = ([0_u64; 4], 0);
        for row in &rows {
            let said: Vec<u64> =
                row["annotators"].as_array().unwrap().iter().map(|said| said.as_u64().unwrap()).collect();
            let others: Vec<u64> = (0..3).filter(|other| *other != annotator).map(|other| said[other]).collect();
            let majority = said.iter().any(|one| said.iter().filter(|other| *other == one).count() >= 2);
            if others[0] == others[1] && majority {
                agreed += 1;
                let (gold, own) = (others[0] != 2, said[annotator] != 2);
                counts[usize::from(!gold) * 2 + usize::from(gold != own)] += 1;
            }
        }
        let standing = &found[&format!("annotator {}", annotator + 1)];
        let [good, missed, bad, passed] = counts;
        assert_eq!(standing.confusion.cases(), agreed);
        assert_eq!(standing.sensitivity.unwrap().share, good as f64 / (good + missed) as f64);
        assert_eq!(standing.specificity.unwrap().share, bad as f64 / (bad + passed) as f64);
        assert_eq!(standing.position.flip_rate, None);
        println!("{}: {:?} {:?}", standing.judge, standing.sensitivity, standing.specificity);
    }
}

#[test]
fn anchors_come_in_by_command_and_bad_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("rungs.toml");
    let url = format!("sqlite://{}/rungs.db", folder.path().display());
    std::fs::write(&config, format!("data_dir = {:?}\n[log]\nurl = \"{url}\"", folder.path())).unwrap();
    let file = folder.path().join("anchors.jsonl");
    let pair = json!({"id": "a", "prompt": "p", "answer_1": "x", "answer_2": "y", "gold": 1, "more": true,
        "verdicts": [{"judge": "j", "swapped": false, "winner": 1}, {"judge": "j", "swapped": true, "winner": 2}]});
    let alone = json!({"id": "b", "prompt": "p", "answer_1": "x", "acceptable": false});
    let divided = json!({"id": "c", "prompt": "p", "answer_1": "x", "answer_2": "y", "annotators": [0, 1, 2]});
    std::fs::write(&file, format!("{pair}\n{alone}\n{divided}\n")).unwrap();
    let (file, config) = (text(&file), text(&config));
    let brought = json_of(&["judge", "anchors", "import", "--config", config, file, "--json"]);
    assert_eq!(brought, json!({"anchors": 2, "undecided": 1}));
    let status = json_of(&["judge", "anchors", "status", "--config", config, "--json"]);
    assert_eq!(
        (&status["judges"][0]["judge"], &status["judges"][0]["position"]["flip_rate"]["share"]),
        (&json!("j"), &json!(1.0))
    );
    for (bad, says) in [
        (json!({"id": "a", "prompt": "p", "answer_1": "x"}), "gold"),
        (json!({"id": "a", "prompt": "p", "answer_1": "x", "answer_2": "y", "gold": 3}), "not 3"),
        (json!({"id": "a", "prompt": "p", "answer_1": "x", "gold": 1}), "acceptable"),
        (json!({"id": "a"}), "prompt"),
    ] {
        std::fs::write(file, format!("{pair}\n{bad}\n")).unwrap();
        let (code, error) = refusal(&["judge", "anchors", "import", "--config", config, file]);
        assert!(code == 2 && error.contains("anchors.jsonl:2") && error.contains(says), "{error}");
    }
}

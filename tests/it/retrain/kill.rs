//! Retraining that is killed while it works, twenty times over.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::{Timestamp, ToSpan};
use rungs::database::Statement;
use rungs::decisions::{DecisionRecord, DecisionStore, Outcome, open};
use rungs::judge::{Kind, Preference, Sampling, Verdict, verdicts};
use rungs::registry::{Registry, State};
use serde_json::json;

use crate::support::command::text;
use crate::support::labelled::rows;
use crate::support::record::{bare_record, settled};
use crate::support::serving::{baseline, config};

const KILLS: u32 = 20;

pub(super) fn settings() -> String {
    let tier = |name: &str| format!("[[tiers]]\nname = \"{name}\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9\"\n");
    format!("[policy]\nthreshold = 0.1\n[retrain]\nmin_labels = 50\n{}{}", tier("small"), tier("large"))
}

/// A served request `n` with what the judge says of it.
pub(super) fn judged(n: i64, prompt: &str, by: &str, [small, large]: [f64; 2]) -> (DecisionRecord, Verdict) {
    let at = Timestamp::now().checked_sub((10_000 - n).seconds()).unwrap();
    let id = uuid::Builder::from_unix_timestamp_millis(at.as_millisecond().try_into().unwrap(), &[(n % 251) as u8; 10]);
    let sampling = Sampling {
        monitor: 0.0,
        learn: 0.5,
        propensity: 0.5,
        capped: 1.0,
        drawn: vec![rungs::judge::Stream::Learn],
        counterfactual: 0.0,
        shadow: false,
    };
    let record = DecisionRecord {
        id: id.into_uuid().to_string(),
        at,
        outcome: Outcome::Served,
        stand_in: false,
        tier: Some("small".to_owned()),
        rungs: vec!["small".to_owned(), "large".to_owned()],
        score: Some(0.0),
        model_version: Some(by.to_owned()),
        request: Some(json!({"model": "auto", "messages": [{"role": "user", "content": prompt}]})),
        answer: Some("42".to_owned()),
        sampling: Some(sampling),
        ..bare_record(1)
    };
    let preference = match small - large {
        d if d > 0.0 => Preference::Win,
        d if d < 0.0 => Preference::Loss,
        _ => Preference::Tie,
    };
    let verdict = Verdict {
        against: Some("large".to_owned()),
        preference: Some(preference),
        ..Verdict::of(&record, Kind::Pairwise, preference.score())
    };
    (record, verdict)
}

async fn filled(store: &dyn DecisionStore) {
    fill(store, 240).await;
}

/// A log of judged requests.
pub(super) async fn fill(store: &dyn DecisionStore, count: usize) {
    for (n, row) in rows(count, 0).into_iter().enumerate() {
        let score = |tier: &str| row["outcomes"][tier]["score"].as_f64().unwrap();
        let prompt = row["prompt"].as_str().unwrap();
        let (record, verdict) = judged(n as i64, prompt, "v", [score("small"), score("large")]);
        store.append(record).await.unwrap();
        verdicts::add(&store.database().unwrap(), &verdict).await.unwrap();
    }
    settled(store).await;
}

fn retraining(config: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("rungs"));
    command.args(["retrain", "--force", "--config", text(config)]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How many attempts are written down, and the champion; panics where the registry is not sound.
async fn sound(folder: &Path, toml: &str) -> (usize, Option<String>) {
    let config = config(folder, toml);
    let store = open(&config.log, &config.data_dir()).await.unwrap();
    let registry = Registry::open(store.database().unwrap(), &config.data_dir());
    let entries = registry.list().await.unwrap();
    let champions = entries.iter().filter(|entry| entry.state == State::Champion);
    assert!(champions.count() <= 1, "{entries:?}");
    for entry in &entries {
        assert_eq!(registry.load(&entry.version).await.unwrap().version(), entry.version);
    }
    let rows = registry.database().read(Statement::new("SELECT COUNT(*) FROM retrain_attempts")).await.unwrap();
    let attempts = rows[0].int(0).unwrap() as usize;
    let champion = registry.in_state(State::Champion).await.unwrap();
    store.close().await.unwrap();
    (attempts, champion)
}

#[tokio::test]
async fn killed_at_any_of_twenty_points_it_leaves_the_registry_sound_and_the_champion_serving() {
    let full = tempfile::tempdir().unwrap();
    let toml = settings();
    {
        let config = config(full.path(), &toml);
        let store = open(&config.log, &config.data_dir()).await.unwrap();
        filled(&*store).await;
        store.close().await.unwrap();
    }
    let copied = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(full.path().join("rungs.db"), folder.path().join("rungs.db")).unwrap();
        config(folder.path(), &toml);
        folder
    };
    let whole = copied();
    let begun = Instant::now();
    assert!(retraining(&whole.path().join("rungs.toml")).status().unwrap().success());
    let takes = begun.elapsed();
    let (attempts, new) = sound(whole.path(), &toml).await;
    let new = new.expect("it is forced");
    assert_eq!(attempts, 1);

    let mut changed = 0;
    for kill in 0..KILLS {
        let folder = copied();
        let mut child = retraining(&folder.path().join("rungs.toml")).spawn().unwrap();
        // The last ones come about when the conclusion is written down.
        let part = if kill < 10 { f64::from(kill) / 10.0 } else { 0.9 + f64::from(kill - 10) / 60.0 };
        tokio::time::sleep(takes.mul_f64(part)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let (attempts, champion) = sound(folder.path(), &toml).await;
        // All of the conclusion is there or nothing of it: before it the configuration's model serves, or, where that
        // alone was written down, is the champion.
        match champion {
            Some(champion) if champion == new => {
                assert_eq!(attempts, 1, "kill {kill}");
                changed += 1;
            }
            champion => {
                assert_eq!(attempts, 0, "kill {kill}");
                assert!(champion.is_none_or(|champion| champion == baseline().version()), "kill {kill}");
            }
        }
    }
    eprintln!("killed {KILLS} times in {takes:.1?}; {changed} times the conclusion was there already");
}

//! `rungs bootstrap`: from prompts that nobody has answered to a model in the registry.

mod first;
mod interrupted;
mod real;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::command::text;
use crate::support::labelled::write;

/// `rungs replay` on a free port, until it is dropped.
struct Replayed {
    child: Child,
    url: String,
}

impl Replayed {
    fn start(data: &Path) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("rungs"));
        command.args(["replay", "--data", text(data), "--bind", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let line =
            said.find_map(|line| line.ok().filter(|line| line.contains("http://"))).expect("it says where it is");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let url = url.trim_end_matches(',').to_owned();
        // Nobody reads what it says from now on.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, url }
    }
}

impl Drop for Replayed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tiers at one address and a judge at another; the data is beside the file.
fn configured(folder: &Path, tiers: &[&str], url: &str, judge: &str, more: &str) -> PathBuf {
    let tier = |name: &&str| {
        let price = if *name == "large" { 10.0 } else { 1.0 };
        format!(
            "[[tiers]]\nname = '{name}'\nmodel = '{name}'\nbase_url = '{url}'\n\
             price = {{ input = {price:?}, output = {price:?} }}\n"
        )
    };
    let toml = format!(
        "data_dir = '{}'\n{more}\n[judge]\nrequests_per_minute = 100000\nboth_orders = 0.0\n\
         [judge.tier]\nname = 'judge'\nmodel = 'judge-1'\nbase_url = '{judge}'\nprice = {{ input = 1.0, output = 1.0 }}\n\
         [upstreams]\nretries = 0\nbreaker_failures = 1000\n[retrain]\nmin_labels = 50\n{}",
        folder.display(),
        tiers.iter().map(tier).collect::<String>()
    );
    let file = folder.join("rungs.toml");
    std::fs::write(&file, toml).unwrap();
    file
}

/// Rows with answers that say whether they are right, for the replay, and the prompts alone.
fn recorded(folder: &Path, rows: Vec<Value>) -> (PathBuf, PathBuf) {
    let answered = |mut row: Value| {
        for (tier, outcome) in row["outcomes"].as_object_mut().unwrap() {
            let word = if outcome["score"].as_f64() == Some(1.0) { "right" } else { "wrong" };
            outcome["answer"] = format!("What {tier} says is {word}.").into();
        }
        row
    };
    let prompts: Vec<Value> =
        rows.iter().map(|row| json!({"id": row["id"], "prompt": row["prompt"], "group": row["group"]})).collect();
    let rows: Vec<Value> = rows.into_iter().map(answered).collect();
    (write(&folder.join("tape.jsonl"), &rows), write(&folder.join("prompts.jsonl"), &prompts))
}

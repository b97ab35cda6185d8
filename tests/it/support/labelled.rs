//! Labelled queries made for a test, and real ones where they are at hand.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Questions of two kinds: sums that the small tier mostly fails, and facts that it mostly knows; the large tier knows
/// most of both. A sixth of the answers run against the rule. Every fifth row has a third tier too.
pub(crate) fn rows(count: usize, first: usize) -> Vec<Value> {
    (first..first + count)
        .map(|i| {
            let hard = i % 2 == 0;
            let prompt = if hard {
                format!("Compute {} * {} + {} and give the last digit.", i * 37, i + 11, i * 5)
            } else {
                format!("Which author wrote the novel number {i} of the famous series?")
            };
            let small = f64::from(u8::from(hard == (i % 6 == 0)));
            let large = f64::from(u8::from(i % 7 != 0));
            let mut outcomes =
                json!({"small": {"score": small, "cost_usd": 0.001}, "large": {"score": large, "cost_usd": 0.01}});
            if i % 5 == 0 {
                outcomes["middle"] = json!({"score": f64::from(u8::from(i % 3 != 0))});
            }
            json!({"id": format!("q{i}"), "prompt": prompt, "group": format!("g{}", i / 2), "outcomes": outcomes})
        })
        .collect()
}

/// Questions whose outcomes are coins: there is nothing to learn.
pub(crate) fn noise(count: usize) -> Vec<Value> {
    let coin = |i: usize, salt: u8| {
        let mut hasher = DefaultHasher::new();
        (i, salt).hash(&mut hasher);
        json!({"score": hasher.finish() % 2})
    };
    let row = |i: usize| {
        let outcomes = json!({"small": coin(i, 0), "large": coin(i, 1)});
        json!({"id": i.to_string(), "prompt": format!("Question {i}"), "outcomes": outcomes})
    };
    (0..count).map(row).collect()
}

/// Writes rows as JSON Lines.
pub(crate) fn write(path: &Path, rows: &[Value]) -> PathBuf {
    std::fs::write(path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    path.to_owned()
}

/// A file of recorded outcomes of real models: in `RUNGS_DATA`, else in `../shared/data`. Where it is not at hand the
/// test is skipped visibly, except in CI, where it must be there.
pub(crate) fn recorded(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("RUNGS_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = dir.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing: CI needs it (RUNGS_DATA names its folder)",
        path.display()
    );
    eprintln!("skipped: {} is not there (RUNGS_DATA names its folder)", path.display());
    None
}

//! The program as its users run it.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// Runs `rungs` to its end.
pub(crate) fn rungs(args: &[&str]) -> Output {
    Command::cargo_bin("rungs").unwrap().args(args).output().unwrap()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a command that succeeds prints, and what it says on stderr; panics with its own words where it fails.
pub(crate) fn said(args: &[&str]) -> (String, String) {
    let output = rungs(args);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    (String::from_utf8(output.stdout).unwrap(), error)
}

/// The one JSON object that a command that succeeds prints.
pub(crate) fn json_of(args: &[&str]) -> Value {
    serde_json::from_str(&said(args).0).unwrap()
}

/// The exit code and what was said on stderr; nothing may have been printed as a result.
pub(crate) fn refusal(args: &[&str]) -> (i32, String) {
    let output = rungs(args);
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

//! `rungs verify`: whether exported decisions are what was written.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;

use super::output::OutputArgs;
use crate::cli::Failure;
use crate::decisions::verify::{Fault, Verified, Verifier};
use crate::labelled::Source;

/// Arguments of `rungs verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files that `rungs export` wrote, plain or compressed (.gz, .zst), in the order of writing.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Derives the hash chain of every writer again and prints what was found.
///
/// # Errors
/// When a record was altered, is missing or is out of order; when a file cannot be read or holds something else.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut verifier = Verifier::default();
    for file in &args.files {
        let unreadable = || format!("{} cannot be read", file.display());
        let mut source =
            Source::open(file, &ProgressBar::hidden()).with_context(unreadable).map_err(Failure::BadInput)?;
        let (mut line, mut number) = (Vec::new(), 0);
        while source.read_line(&mut line).with_context(unreadable)? {
            number += 1;
            if !line.is_empty() {
                verifier.push(&line, &format!("{}:{number}", file.display())).map_err(Failure::bad_input)?;
            }
        }
    }
    let found = verifier.end();
    args.output.print(&found, text)?;
    match &found.first {
        None => Ok(()),
        Some(first) => Err(Failure::Failed(anyhow!("{}: record {}: {}", first.place, first.id, first.detail))),
    }
}

fn text(found: &Verified) -> String {
    let mut lines = vec![format!("{} records of {} writers", found.records, found.writers)];
    for (count, what) in [
        (found.begun_later, "chains begin later than their writer: what came before is not here"),
        (found.without_content, "records without their request and answer, which only their hash is left of"),
        (found.without_receipt, "records without a receipt, of which nothing can be said"),
    ] {
        if count > 0 {
            lines.push(format!("  {count} {what}"));
        }
    }
    lines.push(match &found.first {
        None => "every record is what and where it was written".to_owned(),
        Some(first) => format!("{}: {} at {}: {}", word(first.fault), first.id, first.place, first.detail),
    });
    lines.join("\n") + "\n"
}

fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::Altered => "ALTERED",
        Fault::Missing => "MISSING BEFORE",
        Fault::Reordered => "OUT OF ORDER",
    }
}

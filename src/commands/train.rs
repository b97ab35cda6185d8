//! `rungs train`: fits an artifact to labelled queries.

use std::path::PathBuf;

use anyhow::Context;

use super::data::report_skipped;
use super::fit::{FitArgs, Fitting};
use crate::cli::Failure;
use crate::difficulty::answers;
use crate::difficulty::learn::learn;
use crate::difficulty::report;

/// Arguments of `rungs train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    fit: FitArgs,
    /// The folder to write model.json, report.json and report.html to.
    #[arg(long)]
    out: PathBuf,
}

/// Fits, prints a summary and writes the files.
///
/// # Errors
/// When the usage or the data is at fault, the embedder cannot be opened, or a file cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Fitting { task, extractor, settings } = args.fit.open()?;
    let mut reader = args.fit.data.open()?;
    let learned = learn(reader.by_ref().filter(|query| args.fit.sees(query)), &task, &extractor, &settings)?;
    report_skipped(reader.skipped());

    let threshold = learned.artifact.operating_points.balanced.threshold;
    let figures = learned.judged.figures_of(&learned.evaluation, threshold);
    report::write(&args.out, &learned, &figures).with_context(|| format!("cannot write to {}", args.out.display()))?;
    print!("{}", report::summary(&learned.artifact, &figures));
    print!("{}", answers::summary(&task.tiers, &learned.confidence));
    eprintln!("wrote {}", args.out.display());
    Ok(())
}

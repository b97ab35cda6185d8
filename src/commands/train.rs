//! `rungs train`: fits an artifact to labelled queries.

use std::path::{Path, PathBuf};

use anyhow::Context;
use indexmap::IndexMap;
use serde_json::json;

use super::data::report_skipped;
use super::fit::{FitArgs, Fitting};
use crate::cli::Failure;
use crate::difficulty::answers;
use crate::difficulty::figures::Figures;
use crate::difficulty::learn::{Learned, learn};
use crate::difficulty::report;
use crate::difficulty::trust::calibrators;

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
    write(&args.out, &learned, &figures)?;
    print!("{}", report::summary(&learned.artifact, &figures));
    print!("{}", answers::summary(&task.tiers, &learned.confidence));
    eprintln!("wrote {}", args.out.display());
    Ok(())
}

fn write(dir: &Path, learned: &Learned, figures: &Figures) -> Result<(), Failure> {
    let place = || format!("cannot write to {}", dir.display());
    learned.artifact.save(dir).with_context(place)?;
    let models = learned.artifact.confidence.iter();
    let confidence: IndexMap<_, _> = models.map(|model| (model.tier(), &model.figures)).collect();
    let report = json!({
        "model_version": learned.artifact.version(),
        "embedder": learned.artifact.embedder,
        "training": learned.artifact.training,
        "operating_points": learned.artifact.operating_points,
        "calibrators": calibrators(&learned.artifact),
        "out_of_fold": figures,
        "confidence": confidence,
    });
    let page = report::html(learned, figures).context("report.html")?;
    std::fs::write(dir.join("report.json"), format!("{report:#}\n")).with_context(place)?;
    std::fs::write(dir.join("report.html"), page).with_context(place)?;
    Ok(())
}

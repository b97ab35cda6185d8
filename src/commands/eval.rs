//! `rungs eval`: scores an artifact on labelled queries.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use indexmap::IndexMap;
use serde::Serialize;

use super::data::{DataArgs, report_skipped};
use super::hold_out::HoldOut;
use crate::cli::Failure;
use crate::config::{Config, Preset};
use crate::difficulty::calibrated::Calibrated;
use crate::difficulty::evaluate::Judged;
use crate::difficulty::figures::Figures;
use crate::difficulty::report::write_figures;
use crate::difficulty::{Artifact, Scorer, Verdict};

/// Arguments of `rungs eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the artifact.
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    hold_out: HoldOut,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    json: bool,
    /// A configuration file, for where the embedder's files are.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// The whole answer: figures over all rows, and per file where there are several.
#[derive(Serialize)]
struct Output {
    model_version: String,
    /// What the artifact itself says of its training data.
    artifact_signal: Verdict,
    /// The operating point that was set for it, with its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibrated: Option<Calibrated>,
    #[serde(flatten)]
    all: Figures,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    by_dataset: IndexMap<String, Figures>,
}

/// Scores every row that has an outcome of each of the artifact's tiers, and prints the figures.
///
/// # Errors
/// When the artifact is refused or the data is at fault.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = Config::load(args.config.as_deref())?;
    let artifact = Artifact::load(&args.model).map_err(Failure::bad_input)?;
    let scorer = Scorer::of(artifact, &config).map_err(Failure::bad_input)?;
    let threshold = scorer.threshold(Preset::Calibrated);

    let mut all = Judged::new(scorer.heads());
    let mut by_dataset = IndexMap::new();
    for file in &args.data.files {
        let part = judge(&scorer, file, args)?;
        if args.data.files.len() > 1 {
            by_dataset.insert(dataset_name(file, &by_dataset), part.figures(threshold));
        }
        all.append(part);
    }
    let output = Output {
        model_version: scorer.version().to_owned(),
        artifact_signal: scorer.artifact().signal.verdict,
        calibrated: scorer.artifact().calibrated.clone(),
        all: all.figures(threshold),
        by_dataset,
    };
    print(&output, args.json)
}

fn judge(scorer: &Scorer, file: &Path, args: &Args) -> Result<Judged, Failure> {
    let mut judged = Judged::new(scorer.heads());
    let mut reader = args.data.open_some(&[file.to_owned()])?;
    for query in reader.by_ref() {
        let query = query?;
        if args.hold_out.judges_on(&query) {
            judged.take(&query, || scorer.score(&query.request)).map_err(|error| Failure::Failed(error.into()))?;
        }
    }
    report_skipped(reader.skipped());
    judged.rows().check().map_err(|reason| Failure::BadInput(anyhow!("{}: {reason}", file.display())))?;
    Ok(judged)
}

/// The file's name without its extensions; the whole path where that is taken.
fn dataset_name(file: &Path, taken: &IndexMap<String, Figures>) -> String {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let short = name.split(".jsonl").next().unwrap_or(&name).to_owned();
    if taken.contains_key(&short) { file.display().to_string() } else { short }
}

fn print(output: &Output, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(output).map_err(|error| Failure::Failed(error.into()))?;
        println!("{text}");
        return Ok(());
    }
    let mut text = format!("model {} on {} rows\n", output.model_version, output.all.n);
    // Writing to a string cannot fail.
    let _ = write_figures(&mut text, &output.all);
    for (name, figures) in &output.by_dataset {
        text.push_str(&format!("{name}\n"));
        let _ = write_figures(&mut text, figures);
    }
    if let Some(point) = output.all.operating_point {
        let share = 100.0 * point.frontier_share;
        text.push_str(&format!(
            "operating point: threshold {:+.3}, {share:.1} % frontier, quality {:.3}\n",
            point.threshold, point.quality
        ));
    }
    print!("{text}");
    Ok(())
}

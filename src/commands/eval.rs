//! `rungs eval`: scores artifacts on labelled queries, one alone or several side by side.

mod candidate;
mod text;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use indexmap::IndexMap;
use rungs_training::evaluate::Comparison;
use serde::Serialize;

use candidate::Candidate;

use super::data::report_skipped;
use super::hold_out::HoldOut;
use super::model::{self, ModelArgs};
use super::output::OutputArgs;
use super::prices::PriceArgs;
use crate::cli::Failure;
use crate::difficulty::Verdict;
use crate::difficulty::calibrated::Calibrated;
use crate::difficulty::evaluate::Judged;
use crate::difficulty::figures::Figures;
use crate::difficulty::prices::Prices;

/// Arguments of `rungs eval`. Several `--model` are judged on the same rows, and each is compared with the first.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scored: ModelArgs,
    #[command(flatten)]
    hold_out: HoldOut,
    #[command(flatten)]
    prices: PriceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The whole answer: the first artifact's, and all of them where there are several.
#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    first: &'a Evaluated,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    by_model: &'a [Evaluated],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
}

/// An artifact with its figures over all rows, and per file where there are several.
#[derive(Serialize)]
struct Evaluated {
    model: PathBuf,
    model_version: String,
    /// What the artifact itself says of its training data.
    artifact_signal: Verdict,
    /// What calibrates each tier's probability.
    calibrators: IndexMap<String, &'static str>,
    /// Queries of groups that the artifact lists as trained on: it looks better on them than it is.
    seen_in_training: usize,
    /// The operating point that was set for it, with its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibrated: Option<Calibrated>,
    #[serde(flatten)]
    all: Figures,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    by_dataset: IndexMap<String, Figures>,
}

/// A later artifact's figures less the first's, on the same rows.
#[derive(Serialize)]
struct Difference {
    model: PathBuf,
    model_version: String,
    /// Version of the first artifact.
    against: String,
    #[serde(flatten)]
    comparison: Comparison,
}

/// Scores every row that has an outcome of each of the artifacts' tiers, and prints the figures.
///
/// # Errors
/// When an artifact is refused or has other tiers than the first, or the data is at fault.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = args.scored.config()?;
    let prices = args.prices.prices(&config);
    let opened =
        args.scored.models.iter().map(|model| Ok(Candidate::new(model, model::open(model, &config)?, &prices)));
    let mut candidates = opened.collect::<Result<Vec<Candidate>, Failure>>()?;
    check_tiers(&candidates)?;
    for file in &args.scored.data.files {
        read(&mut candidates, file, &prices, args)?;
    }
    let [first, later @ ..] = &candidates[..] else { return Err(Failure::bad_input("no --model is given")) };
    let differences = later.iter().map(|candidate| candidate.difference(first)).collect();
    let evaluated: Vec<Evaluated> = candidates.into_iter().map(Candidate::evaluated).collect();
    evaluated.iter().for_each(warn_of_seen);
    let [first, ..] = &evaluated[..] else { return Ok(()) };
    let by_model = if evaluated.len() > 1 { &evaluated[..] } else { &[] };
    args.output.print(&Output { first, by_model, differences }, text::of)
}

/// Figures can be compared only where every artifact judges the same rows by the same tiers.
fn check_tiers(candidates: &[Candidate]) -> Result<(), Failure> {
    let Some(first) = candidates.first() else { return Ok(()) };
    match candidates.iter().find(|candidate| candidate.scorer.heads() != first.scorer.heads()) {
        None => Ok(()),
        Some(other) => Err(Failure::bad_input(format!(
            "{} is of the tiers {}, but {} of {}: compare artifacts of the same tiers",
            other.model.display(),
            other.scorer.heads().join(" → "),
            first.model.display(),
            first.scorer.heads().join(" → "),
        ))),
    }
}

/// Lets every artifact score a file.
fn read(candidates: &mut [Candidate], file: &Path, prices: &Prices, args: &Args) -> Result<(), Failure> {
    let mut parts: Vec<Judged> = candidates.iter().map(|candidate| candidate.rows(prices)).collect();
    let mut reader = args.scored.data.open_some(&[file.to_owned()])?;
    for query in reader.by_ref() {
        let query = query?;
        if args.hold_out.judges_on(&query) {
            for (candidate, part) in candidates.iter_mut().zip(&mut parts) {
                candidate.take(&query, part)?;
            }
        }
    }
    report_skipped(reader.skipped());
    for (candidate, part) in candidates.iter_mut().zip(parts) {
        part.rows().check().map_err(|reason| Failure::BadInput(anyhow!("{}: {reason}", file.display())))?;
        if args.scored.data.files.len() > 1 {
            let name = dataset_name(file, &candidate.by_dataset);
            candidate.by_dataset.insert(name, part.figures(candidate.threshold()));
        }
        candidate.judged.append(part);
    }
    Ok(())
}

/// The file's name without its extensions; the whole path where that is taken.
fn dataset_name(file: &Path, taken: &IndexMap<String, Figures>) -> String {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let short = name.split(".jsonl").next().unwrap_or(&name).to_owned();
    if taken.contains_key(&short) { file.display().to_string() } else { short }
}

fn warn_of_seen(evaluated: &Evaluated) {
    if evaluated.seen_in_training > 0 {
        eprintln!(
            "warning: {} was trained on the groups of {} of the queries, on which it looks better than it is",
            evaluated.model.display(),
            evaluated.seen_in_training
        );
    }
}

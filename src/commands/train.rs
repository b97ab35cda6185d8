//! `rungs train`: fits an artifact to labelled queries.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rungs_training::Settings;
use serde_json::json;

use super::data::{DataArgs, report_skipped};
use super::hold_out::HoldOut;
use crate::cli::Failure;
use crate::config::{Backend, Config, EmbeddingConfig};
use crate::difficulty::figures::Figures;
use crate::difficulty::learn::{LearnError, Learned, learn};
use crate::difficulty::report;
use crate::difficulty::rows::Unit;
use crate::features::Extractor;

/// Arguments of `rungs train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    hold_out: HoldOut,
    /// The cheap tier, by its name in the data's outcomes.
    #[arg(long, required_unless_present = "tiers")]
    cheap: Option<String>,
    /// The frontier tier.
    #[arg(long, required_unless_present = "tiers")]
    frontier: Option<String>,
    /// All tiers, cheap to frontier, where there are more than two.
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    tiers: Option<Vec<String>>,
    /// The folder to write model.json, report.json and report.html to.
    #[arg(long)]
    out: PathBuf,
    /// The sentence embedding; default: the configuration's.
    #[arg(long)]
    embedder: Option<Backend>,
    /// Seed of every random choice; equal seeds and data give an equal model.json, byte for byte.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What stays together in cross-validation, and so what the figures call unseen.
    #[arg(long, default_value = "group")]
    cv: Unit,
    /// A configuration file, for where the embedder's files are.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Fits, prints a summary and writes the files.
///
/// # Errors
/// When the usage or the data is at fault, the embedder cannot be opened, or a file cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let tiers = args.tiers()?;
    let config = Config::load(args.config.as_deref())?;
    let backend = args.embedder.unwrap_or(config.embedding.backend);
    let embedding = EmbeddingConfig { backend, ..config.embedding.clone() };
    let extractor = Extractor::open(&embedding, &config.data_dir()).map_err(Failure::bad_input)?;

    let mut reader = args.data.open()?;
    let settings = Settings { seed: args.seed, ..Settings::default() };
    let seen = reader.by_ref().filter(|query| query.as_ref().map_or(true, |query| args.hold_out.trains_on(query)));
    let learned = learn(seen, &tiers, args.cv, &extractor, &settings).map_err(|error| match error {
        LearnError::Embed(error) => Failure::Failed(error.into()),
        error => Failure::bad_input(error),
    })?;
    report_skipped(reader.skipped());

    let left_out = learned.artifact.training.rows_without_outcome;
    let figures = Figures::new(&learned.evaluation, &tiers, left_out, Some(learned.operating_points[1].into()));
    write(&args.out, &learned, &figures)?;
    print!("{}", report::summary(&learned.artifact, &figures));
    eprintln!("wrote {}", args.out.display());
    Ok(())
}

impl Args {
    fn tiers(&self) -> Result<Vec<String>, Failure> {
        let ends = [self.cheap.clone(), self.frontier.clone()];
        let tiers = match &self.tiers {
            None => ends.into_iter().flatten().collect(),
            Some(tiers) => {
                let [cheap, frontier] = &ends;
                let fits = |end: &Option<String>, at: Option<&String>| end.is_none() || end.as_ref() == at;
                if !fits(cheap, tiers.first()) || !fits(frontier, tiers.last()) {
                    return Err(Failure::bad_input("--tiers must begin with --cheap and end with --frontier"));
                }
                tiers.clone()
            }
        };
        let distinct: std::collections::HashSet<&String> = tiers.iter().collect();
        if tiers.len() < 2 || distinct.len() < tiers.len() {
            return Err(Failure::bad_input("at least two different tiers are needed, cheap to frontier"));
        }
        Ok(tiers)
    }
}

fn write(dir: &Path, learned: &Learned, figures: &Figures) -> Result<(), Failure> {
    let place = || format!("cannot write to {}", dir.display());
    learned.artifact.save(dir).with_context(place)?;
    let report = json!({
        "model_version": learned.artifact.version(),
        "embedder": learned.artifact.embedder,
        "training": learned.artifact.training,
        "operating_points": learned.artifact.operating_points,
        "out_of_fold": figures,
    });
    let page = report::html(learned, figures).context("report.html")?;
    std::fs::write(dir.join("report.json"), format!("{report:#}\n")).with_context(place)?;
    std::fs::write(dir.join("report.html"), page).with_context(place)?;
    Ok(())
}

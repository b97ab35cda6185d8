//! `rungs cascade-eval`: replays recorded answers through router and cascade.

use std::path::PathBuf;

use anyhow::Context;
use rungs_training::Settings;

use super::data::{DataArgs, report_skipped};
use super::prices::PriceArgs;
use crate::cascade::evidence::keep_calls;
use crate::cascade_eval::{Calls, EvalError, Figures, Predicted, PriceSource, html, summary};
use crate::cli::Failure;
use crate::config::Config;
use crate::difficulty::{Artifact, Scorer};
use crate::features::Extractor;
use crate::labelled::LabelledQuery;

/// Arguments of `rungs cascade-eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The cheap tier, by its name in the data's outcomes.
    #[arg(long)]
    cheap: String,
    /// The frontier tier.
    #[arg(long)]
    frontier: String,
    /// The artifact whose router and confidence are replayed; without one both are cross-fitted on the data.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Calls of the cheap tier to use where samples were recorded; default: all of them.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    max_samples: Option<u32>,
    #[command(flatten)]
    prices: PriceArgs,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    json: bool,
    /// Write a page with a plot of quality over cost.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A configuration file, for where the embedder's files are.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Replays every row that has an outcome of both tiers, and prints the figures.
///
/// # Errors
/// When the artifact is refused, the data is at fault, or the page cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.cheap == args.frontier {
        return Err(Failure::bad_input("--cheap and --frontier must be different tiers"));
    }
    let config = Config::load(args.config.as_deref())?;
    let mut calls = Calls::new(&args.cheap, &args.frontier, &args.prices.prices(&config));
    let predicted = predict(args, &config, &mut calls)?;
    let figures = Figures::new(&predicted, &calls, args.seed);
    warn(&predicted, &figures);
    if let Some(path) = &args.html {
        let page = html(&figures).context("the page")?;
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&figures).context("the figures")?);
    } else {
        print!("{}", summary(&figures));
    }
    Ok(())
}

fn predict(args: &Args, config: &Config, calls: &mut Calls) -> Result<Predicted, Failure> {
    let tiers = [args.cheap.clone(), args.frontier.clone()];
    let mut reader = args.data.open()?;
    let mut queries = reader.by_ref().map(|query| query.map(|query| limited(query, args)));
    let predicted = match &args.model {
        Some(dir) => {
            let artifact = Artifact::load(dir).map_err(Failure::bad_input)?;
            let scorer = Scorer::of(artifact, config).map_err(Failure::bad_input)?;
            Predicted::by_artifact(&mut queries, &tiers, calls, &scorer, args.seed)
        }
        None => {
            let extractor = Extractor::open(&config.embedding, &config.data_dir()).map_err(Failure::bad_input)?;
            let settings = Settings { seed: args.seed, ..Settings::default() };
            Predicted::cross_fitted(&mut queries, &tiers, calls, &extractor, &settings)
        }
    };
    report_skipped(reader.skipped());
    predicted.map_err(|error| match error {
        EvalError::Learn(error) => error.into(),
        error => Failure::bad_input(error),
    })
}

/// The query with no more calls of the cheap tier than were asked for.
fn limited(mut query: LabelledQuery, args: &Args) -> LabelledQuery {
    if let (Some(most), Some(outcome)) = (args.max_samples, query.outcomes.get_mut(&args.cheap)) {
        keep_calls(outcome, most as usize);
    }
    query
}

fn warn(predicted: &Predicted, figures: &Figures) {
    if let Some(reason) = &predicted.missing {
        eprintln!("warning: an answer tells nothing here: {reason}");
    }
    for (tier, _) in figures.prices.iter().filter(|(_, source)| **source == PriceSource::Assumed) {
        eprintln!(
            "warning: nothing is known of the price of `{tier}`: a frontier call is taken to cost ten cheap ones; pass \
             --price {tier}=IN/OUT (USD per million tokens)"
        );
    }
}

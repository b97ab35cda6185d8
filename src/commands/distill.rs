//! `rungs distill`: makes the token table of the static embedder from the full encoder.

use std::path::PathBuf;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Failure;
use crate::config::Config;
use crate::distill::{Folder, Recipe, distill, encode_vocabulary};
use crate::features::embedding::fastembed::Encoder;
use crate::features::embedding::vocabulary;

/// Arguments of `rungs distill`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write: a token table in model2vec's format.
    #[arg(long)]
    out: PathBuf,
    /// Dimensions to keep.
    #[arg(long, default_value_t = 128)]
    dim: usize,
    /// The coefficient of smooth inverse frequency: the smaller, the less frequent tokens count; 0 weighs all alike.
    #[arg(long, default_value_t = 0.01)]
    sif: f64,
    /// The configuration file, for where the encoder's files are.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print what was kept and lost as JSON.
    #[arg(long)]
    json: bool,
}

/// Encodes the vocabulary, distils it, writes the folder and prints what was kept and lost.
///
/// # Errors
/// When the encoder is not installed, the recipe is not possible, or the folder cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let config = Config::load(args.config.as_deref())?;
    let vocabulary = vocabulary(Encoder::TOKENIZER).map_err(anyhow::Error::msg)?;
    let bar = progress(vocabulary.len());
    let vectors =
        encode_vocabulary(&config.embedding, &config.data_dir(), &vocabulary, |done| bar.set_position(done as u64))
            .map_err(Failure::bad_input)?;
    bar.set_message("finding the principal components");
    let recipe = Recipe { dimensions: args.dim, sif: (args.sif != 0.0).then_some(args.sif) };
    let table = distill(&vocabulary, &vectors, Encoder::DIMENSIONS, recipe).map_err(Failure::bad_input)?;
    bar.finish_and_clear();
    let folder = Folder::of(&table, recipe, Encoder::NAME, Encoder::TOKENIZER).map_err(anyhow::Error::msg)?;
    folder.write(&args.out).with_context(|| format!("{} cannot be written", args.out.display()))?;
    if args.json {
        println!("{}", serde_json::to_string(&table.summary).context("the summary cannot be printed")?);
    } else {
        let summary = &table.summary;
        println!("tokens              {}", summary.tokens);
        println!("dimensions          {}", summary.dimensions);
        println!("explained variance  {:.4}", summary.explained_variance);
        println!("least cosine        {:.6}", summary.least_cosine);
        println!("bytes               {}", folder.bytes());
    }
    Ok(())
}

/// A bar on stderr; none where that is no terminal.
fn progress(tokens: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} tokens {bar:40} {eta} {msg}");
    ProgressBar::new(tokens as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

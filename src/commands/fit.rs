//! What the commands that fit share.

use std::path::PathBuf;

use rungs_training::Settings;

use super::data::DataArgs;
use super::hold_out::HoldOut;
use super::prices::PriceArgs;
use crate::cli::Failure;
use crate::config::{Backend, Config, EmbeddingConfig};
use crate::difficulty::matrix::{LearnError, Task};
use crate::difficulty::rows::Unit;
use crate::features::Extractor;
use crate::labelled::{LabelledQuery, RowError};

/// What is fitted to which queries, and how.
#[derive(Debug, clap::Args)]
pub(super) struct FitArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    #[command(flatten)]
    hold_out: HoldOut,
    #[command(flatten)]
    prices: PriceArgs,
    /// The cheap tier, by its name in the data's outcomes.
    #[arg(long, required_unless_present = "tiers")]
    cheap: Option<String>,
    /// The frontier tier.
    #[arg(long, required_unless_present = "tiers")]
    frontier: Option<String>,
    /// All tiers, cheap to frontier, where there are more than two.
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    tiers: Option<Vec<String>>,
    /// The sentence embedding; default: the configuration's.
    #[arg(long)]
    embedder: Option<Backend>,
    /// Seed of every random choice; equal seeds and data give equal results.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What stays together in cross-validation, and so what the figures call unseen.
    #[arg(long, default_value = "group")]
    cv: Unit,
    /// A configuration file, for where the embedder's files are and for the prices of tiers.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What the arguments come to.
pub(super) struct Fitting {
    pub(super) task: Task,
    pub(super) extractor: Extractor,
    pub(super) settings: Settings,
}

impl FitArgs {
    /// Checks the tiers, reads the configuration and opens the embedder.
    pub(super) fn open(&self) -> Result<Fitting, Failure> {
        let tiers = self.tiers()?;
        let config = Config::load(self.config.as_deref())?;
        let backend = self.embedder.unwrap_or(config.embedding.backend);
        let embedding = EmbeddingConfig { backend, ..config.embedding.clone() };
        Ok(Fitting {
            task: Task { tiers, unit: self.cv, prices: self.prices.prices(&config) },
            extractor: Extractor::open(&embedding, &config.data_dir()).map_err(Failure::bad_input)?,
            settings: Settings { seed: self.seed, ..Settings::default() },
        })
    }

    /// Whether the fit may see a row; bad rows are passed on.
    pub(super) fn sees(&self, query: &Result<LabelledQuery, RowError>) -> bool {
        query.as_ref().map_or(true, |query| self.hold_out.trains_on(query))
    }

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

impl From<LearnError> for Failure {
    fn from(error: LearnError) -> Self {
        match error {
            LearnError::Embed(error) => Self::Failed(error.into()),
            error => Self::bad_input(error),
        }
    }
}

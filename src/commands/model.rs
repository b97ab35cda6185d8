//! What the commands that score labelled queries with an artifact share.

use std::path::{Path, PathBuf};

use super::data::DataArgs;
use crate::cli::Failure;
use crate::config::Config;
use crate::difficulty::{Artifact, Scorer};

/// An artifact and the queries that it scores.
#[derive(Debug, clap::Args)]
pub(super) struct ModelArgs {
    /// The folder of the artifact.
    #[arg(long = "model", required = true, value_name = "DIR")]
    pub(super) models: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// A configuration file, for where the embedder's files are and for the prices of tiers.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ModelArgs {
    /// The configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.config.as_deref())?)
    }

    /// The one artifact, for a command that takes no more.
    pub(super) fn only(&self) -> Result<&Path, Failure> {
        match &self.models[..] {
            [model] => Ok(model),
            _ => Err(Failure::bad_input("--model is given more than once: this command takes one artifact")),
        }
    }

    /// The one artifact with its embedder.
    pub(super) fn scorer(&self) -> Result<Scorer, Failure> {
        open(self.only()?, &self.config()?)
    }
}

/// Opens an artifact with its embedder.
pub(super) fn open(model: &Path, config: &Config) -> Result<Scorer, Failure> {
    let artifact = Artifact::load(model).map_err(Failure::bad_input)?;
    Scorer::of(artifact, config).map_err(Failure::bad_input)
}

//! The decision log of a configuration, for commands that read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;

use super::since;
use crate::cli::Failure;
use crate::config::Config;
use crate::decisions::{self, DecisionStore};

/// Which log, and how much of it.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// The configuration that names the log; without one, the log is in the data folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what is newer: 7d, 36h or 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    pub(super) since: Option<Timestamp>,
}

impl LogArgs {
    /// Opens the log, gives it to `read` and closes it again.
    pub(super) fn read<T, F>(&self, read: impl FnOnce(Config, Arc<dyn DecisionStore>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        self.open(read)
    }

    /// The same for what fails in its own way.
    pub(super) fn open<T, E, F>(&self, ask: impl FnOnce(Config, Arc<dyn DecisionStore>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<Failure>,
    {
        with_log(self.config.as_deref(), ask)
    }
}

/// Opens the log of a configuration, gives it to `ask` and closes it again.
pub(super) fn with_log<T, E, F>(
    config: Option<&Path>,
    ask: impl FnOnce(Config, Arc<dyn DecisionStore>) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Failure>,
{
    let config = Config::load(config)?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(async {
        let store = decisions::open(&config.log, &config.data_dir()).await.map_err(Failure::bad_input)?;
        let result = ask(config, Arc::clone(&store)).await;
        store.close().await.map_err(anyhow::Error::from)?;
        result.map_err(Into::into)
    })
}

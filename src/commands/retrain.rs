//! `rungs retrain`: from the log to a challenger, and through the gate or not.

use std::sync::Arc;

use super::log::LogArgs;
use super::output::OutputArgs;
use crate::cli::Failure;
use crate::retrain::{Ask, Report, RetrainError, run as attempt};

/// Arguments of `rungs retrain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Fit and judge a challenger, and write nothing down.
    #[arg(long)]
    dry_run: bool,
    /// Promote the challenger even if the gate refuses it; the registry says that it was forced.
    #[arg(long, conflicts_with = "dry_run")]
    force: bool,
    /// Seed of every random choice; equal seeds and logs give equal challengers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    output: OutputArgs,
}

/// Tries to replace the champion once. `--since` outranks `retrain.since_days`.
///
/// # Errors
/// When the configuration is at fault, the log cannot be read, or the gate refuses the challenger.
pub fn run(args: &Args) -> Result<(), Failure> {
    let ask =
        Ask { since: args.log.since, dry_run: args.dry_run, force: args.force, seed: args.seed, ..Ask::default() };
    let report = args.log.open(|config, store| async move {
        let told = |what: &str| eprintln!("{what} …");
        attempt(Arc::clone(&store), &config, &ask, &told).await.map_err(Failure::from)
    })?;
    args.output.print(&report, Report::text)?;
    passed(&report)
}

/// Whether a challenger came through.
///
/// # Errors
/// When the champion stays.
pub(super) fn passed(report: &Report) -> Result<(), Failure> {
    if report.outcome.passes() {
        return Ok(());
    }
    Err(Failure::Refused(format!("the champion stays: {}", report.reason)))
}

impl From<RetrainError> for Failure {
    fn from(error: RetrainError) -> Self {
        match error {
            RetrainError::Config(_) | RetrainError::Replay(_) | RetrainError::Scorer(_) => Self::bad_input(error),
            RetrainError::Registry(error) => error.into(),
            error => Self::Failed(error.into()),
        }
    }
}

//! `rungs report`: what the log says of money, climbs, times, caches and quality.

mod page;
mod text;

use std::path::PathBuf;

use anyhow::Context;

use super::log::LogArgs;
use super::output::OutputArgs;
use crate::cli::Failure;
use crate::decisions::StoreError;
use crate::decisions::export::export;
use crate::decisions::report::{Report, Reporter};
use crate::drift::alarms;
use crate::judge::figures::figures;

/// Arguments of `rungs report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Write a page with plots here as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Reads the log once and prints its figures.
///
/// # Errors
/// When the log cannot be opened or read, or the page not be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let report: Report = args.log.read(|_, store| async move {
        let mut reporter = Reporter::default();
        if let Some(database) = store.database() {
            reporter.alarms(alarms::read(&database).await?);
        }
        let count = |exported| {
            reporter.add(&exported);
            Ok::<_, StoreError>(())
        };
        export(store.as_ref(), args.log.since, count).await?;
        let mut report = reporter.report(args.log.since);
        if let Some(database) = store.database() {
            report.judge = Some(figures(&database, args.log.since).await?);
        }
        Ok(report)
    })?;
    if let Some(file) = &args.html {
        let written = std::fs::write(file, page::page(&report));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    args.output.print(&report, text::text)
}

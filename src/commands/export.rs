//! `rungs export`: the decision log as a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::log::LogArgs;
use crate::cli::Failure;
use crate::decisions::DecisionStore;
use crate::decisions::export::{Exported, export};

/// Arguments of `rungs export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// One JSON object a line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The file to write; without one, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What an export looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One record a line, as `rungs verify` reads it.
    #[default]
    Jsonl,
}

/// Writes every record with what was said of its answer, in the order of the chains.
///
/// # Errors
/// When the log cannot be opened or read, or the file not be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let to = args.out.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{to} cannot be created"))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let written = args.log.read(|_, store| write(store, args, BufWriter::new(out)))?;
    eprintln!("{written} records to {to}");
    Ok(())
}

async fn write(store: Arc<dyn DecisionStore>, args: &Args, mut out: impl Write) -> anyhow::Result<u64> {
    let mut written = 0;
    let line = |exported: Exported| -> anyhow::Result<()> {
        serde_json::to_writer(&mut out, &exported)?;
        written += 1;
        Ok(out.write_all(b"\n")?)
    };
    export(store.as_ref(), args.log.since, line).await?;
    out.flush()?;
    Ok(written)
}

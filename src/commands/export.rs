//! `rungs export`: the decision log as a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::log::LogArgs;
use crate::cli::Failure;
use crate::decisions::DecisionStore;
use crate::decisions::export::{Exported, Table, export, labelled};

/// Arguments of `rungs export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// What is written of each record.
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
    /// A table of all columns, with record, request, answer and feedback, for a warehouse.
    Parquet,
    /// Labelled queries, as `rungs train` reads them, of the records whose answers somebody or something judged.
    Labelled,
}

/// Writes every record with what was said of its answer, in the order of the chains.
///
/// # Errors
/// When the log cannot be opened or read, or the file not be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let to = args.out.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let out: Box<dyn Write + Send> = match &args.out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{to} cannot be created"))?),
        None => Box::new(std::io::stdout()),
    };
    let (read, written) = args.log.read(|_, store| write(store, args, BufWriter::new(out)))?;
    match args.format {
        Format::Labelled => eprintln!("{written} labelled queries of {read} records to {to}"),
        Format::Jsonl | Format::Parquet => eprintln!("{written} records to {to}"),
    }
    Ok(())
}

/// Gives how many records were read, and how many lines or rows were written.
async fn write(store: Arc<dyn DecisionStore>, args: &Args, mut out: impl Write + Send) -> anyhow::Result<(u64, u64)> {
    let (mut read, mut written) = (0, 0);
    if args.format == Format::Parquet {
        let mut table = Table::new(out);
        let row = |exported| {
            written += 1;
            table.push(exported)
        };
        export(store.as_ref(), args.log.since, row).await?;
        table.end()?;
        return Ok((written, written));
    }
    let line = |exported: Exported| -> anyhow::Result<()> {
        read += 1;
        match args.format {
            Format::Labelled => match labelled(&exported) {
                Some(query) => serde_json::to_writer(&mut out, &query)?,
                None => return Ok(()),
            },
            Format::Jsonl | Format::Parquet => serde_json::to_writer(&mut out, &exported)?,
        }
        written += 1;
        Ok(out.write_all(b"\n")?)
    };
    export(store.as_ref(), args.log.since, line).await?;
    out.flush()?;
    Ok((read, written))
}

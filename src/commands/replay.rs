//! `rungs replay`: an OpenAI-compatible upstream that answers from recorded outcomes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::signals::signalled;
use crate::cli::Failure;
use crate::labelled::{OnBad, Reader, RowError};
use crate::upstream::replay::{Tape, router};

/// Arguments of `rungs replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Labelled queries with recorded answers (.jsonl, .jsonl.gz, .jsonl.zst).
    #[arg(long, required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8081")]
    bind: SocketAddr,
    /// Let calls take this many times as long as the recorded ones; 0 answers at once.
    #[arg(long, default_value_t = 0.0, value_parser = pace)]
    pace: f64,
    /// Leave bad rows out instead of stopping at the first.
    #[arg(long)]
    skip_bad_rows: bool,
}

/// Serves the recording until it is interrupted.
///
/// # Errors
/// When the data cannot be read or the address cannot be listened on.
pub fn run(args: &Args) -> Result<(), Failure> {
    let tape = Arc::new(load(args).map_err(Failure::bad_input)?);
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(serve(tape, args)).map_err(Failure::from)
}

fn load(args: &Args) -> Result<Tape, RowError> {
    let mut reader = Reader::open(&args.data, if args.skip_bad_rows { OnBad::Skip } else { OnBad::Stop })?;
    let mut tape = Tape::default();
    for query in reader.by_ref() {
        tape.add(query?);
    }
    if let Some(first) = reader.skipped().first.first() {
        eprintln!("left out {} bad rows, the first: {first}", reader.skipped().count);
    }
    Ok(tape)
}

async fn serve(tape: Arc<Tape>, args: &Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.bind).await.with_context(|| format!("cannot listen on {}", args.bind))?;
    eprintln!(
        "replaying {} recorded conversations on http://{}/v1, models: {} (no model is called)",
        tape.len(),
        listener.local_addr()?,
        tape.tiers().collect::<Vec<_>>().join(", ")
    );
    // Without it a small piece of a stream waits for the one before to be acknowledged.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, router(tape, args.pace)).with_graceful_shutdown(signalled()).await?;
    Ok(())
}

/// Reads a pace: how many times as long as the recorded ones calls take.
pub(super) fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(pace) if (0.0..=1000.0).contains(&pace) => Ok(pace),
        _ => Err("must be a number between 0 and 1000".to_owned()),
    }
}

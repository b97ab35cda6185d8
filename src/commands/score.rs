//! `rungs score`: a line of JSON per query.

use std::io::{BufWriter, ErrorKind, Write};

use indexmap::IndexMap;
use serde::Serialize;

use super::data::report_skipped;
use super::model::ModelArgs;
use crate::cli::Failure;
use crate::config::Preset;
use crate::difficulty::{Acceptability, Score, Scorer};
use crate::policy::start;

/// Arguments of `rungs score`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scored: ModelArgs,
    /// The operating point that `tier` is chosen by.
    #[arg(long, default_value = "calibrated")]
    preset: Preset,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    p: &'a IndexMap<String, Acceptability>,
    score: f64,
    tier: &'a str,
}

/// Prints `{"id","p":{tier:prob},"score","tier"}` for each query.
///
/// # Errors
/// When the artifact is refused, a row is bad, or stdout cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let scorer = args.scored.scorer()?;
    let threshold = scorer.threshold(args.preset);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut reader = args.scored.data.open()?;
    for query in reader.by_ref() {
        let query = query?;
        let score = scorer.score(&query.request).map_err(|error| Failure::Failed(error.into()))?;
        let line = Line { id: &query.id, p: &score.p, score: score.score, tier: tier(&scorer, &score, threshold) };
        let text = serde_json::to_string(&line).map_err(|error| Failure::Failed(error.into()))?;
        match writeln!(out, "{text}") {
            // The reader of a pipe may have seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(|error| Failure::Failed(error.into()))?,
        }
    }
    report_skipped(reader.skipped());
    out.flush().map_err(|error| Failure::Failed(error.into()))
}

/// Where the router would start, with prices unknown.
fn tier<'a>(scorer: &'a Scorer, score: &Score, threshold: f64) -> &'a str {
    let p: Vec<f64> = score.p.values().map(|p| p.get()).collect();
    let tier = start(&p, &vec![None; p.len()], threshold);
    scorer.heads().get(tier).map_or("", String::as_str)
}

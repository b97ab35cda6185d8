//! `rungs drift`: what the monitors would find, and how fast.

mod page;
mod text;

use std::path::PathBuf;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::output::OutputArgs;
use crate::cli::Failure;
use crate::config::{Config, DriftConfig};
use crate::drift::backtest::{self, Alarm, Answer, Found, Source};
use crate::labelled::{OnBad, Reader};

/// Arguments of `rungs drift`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the monitors of judged quality over a recorded or a simulated stream: detection delay and false alarms.
    Backtest(Backtest),
}

/// Arguments of `rungs drift backtest`.
#[derive(Debug, clap::Args)]
struct Backtest {
    /// Labelled queries whose scores are the stream (.jsonl, .jsonl.gz, .jsonl.zst).
    #[arg(long, num_args = 1.., value_name = "FILE", required_unless_present = "rate", requires = "tier")]
    data: Vec<PathBuf>,
    /// The tier whose scores they are.
    #[arg(long, value_name = "NAME")]
    tier: Option<String>,
    /// Simulate a stream that fails at this rate instead.
    #[arg(long, value_name = "RATE", value_parser = share, conflicts_with = "data")]
    rate: Option<f64>,
    /// The drops of quality to look for, as shares of all answers.
    #[arg(long, num_args = 1.., value_name = "SHARE", value_parser = share,
          default_values_t = [0.04, 0.06, 0.08, 0.1, 0.12, 0.16, 0.2])]
    drop: Vec<f64>,
    /// Runs of each.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    runs: u64,
    /// Seed of the first run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The configuration whose [drift] is used; without one, the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave bad rows out instead of stopping at the first.
    #[arg(long)]
    skip_bad_rows: bool,
    /// Write a page with plots here as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    /// Answers of the stream; `None` for a simulated one.
    answers: Option<usize>,
    /// The rate at which they fail.
    rate: f64,
    /// Runs of each drop, and of the false alarms.
    runs: u64,
    /// Answers that the monitors learn from.
    baseline: u64,
    /// The share of the runs that raise a false alarm in 10,000 judged answers.
    false_alarms_in_10k: f64,
    /// Each drop.
    drops: Vec<Found>,
    /// The alarms over the recorded stream as it is.
    recorded: Vec<Alarm>,
    /// The statistic of one run against its limit.
    #[serde(skip)]
    path: Vec<[f64; 2]>,
}

/// Runs the backtest and prints it.
///
/// # Errors
/// When the data or the configuration is refused, or the page cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Command::Backtest(args) = &args.command;
    let config = Config::load(args.config.as_deref())?.drift;
    let source = match args.rate {
        Some(rate) => Source::Simulated(rate),
        None => Source::Recorded(answers(args)?),
    };
    let report = report(args, &config, &source)?;
    if let Some(file) = &args.html {
        let written = std::fs::write(file, page::page(&report));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    args.output.print(&report, text::text)
}

fn answers(args: &Backtest) -> Result<Vec<Answer>, Failure> {
    let tier = args.tier.as_deref().unwrap_or_default();
    let on_bad = if args.skip_bad_rows { OnBad::Skip } else { OnBad::Stop };
    let mut reader = Reader::open(&args.data, on_bad).map_err(Failure::bad_input)?;
    let mut answers = Vec::new();
    for query in reader.by_ref() {
        let query = query.map_err(Failure::bad_input)?;
        let score = query.score_of(tier);
        answers.extend(score.map(|score| Answer { id: query.id, route: query.route, score }));
    }
    if reader.skipped().count > 0 {
        eprintln!("left out {} bad rows", reader.skipped().count);
    }
    if answers.len() < 100 {
        return Err(Failure::bad_input(format!(
            "only {} rows have a score of the tier `{tier}`: it takes 100",
            answers.len()
        )));
    }
    Ok(answers)
}

fn report(args: &Backtest, config: &DriftConfig, source: &Source) -> Result<Report, Failure> {
    let seeds = || args.seed..args.seed + args.runs;
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}").context("the progress bar")?;
    let bar = ProgressBar::new(args.runs * (args.drop.len() as u64 + 1)).with_style(style).with_message("runs");
    let false_alarms = seeds().filter(|seed| {
        bar.inc(1);
        backtest::is_false(source, config, *seed)
    });
    let false_alarms_in_10k = false_alarms.count() as f64 / args.runs as f64;
    let drops = args.drop.iter().map(|drop| {
        let delay = |seed| {
            bar.inc(1);
            backtest::delay(source, *drop, config, seed)
        };
        backtest::found(*drop, &seeds().map(delay).collect::<Vec<_>>())
    });
    let drops = drops.collect();
    bar.finish_and_clear();
    let (answers, rate, recorded) = match source {
        Source::Simulated(rate) => (None, *rate, Vec::new()),
        Source::Recorded(answers) => {
            let mean = answers.iter().map(|answer| answer.score).sum::<f64>() / answers.len() as f64;
            (Some(answers.len()), 1.0 - mean, backtest::recorded(answers, config))
        }
    };
    let path = backtest::path(source, 0.1, config, args.seed);
    let baseline = config.baseline;
    Ok(Report { answers, rate, runs: args.runs, baseline, false_alarms_in_10k, drops, recorded, path })
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("must be a number between 0 and 1".to_owned()),
    }
}

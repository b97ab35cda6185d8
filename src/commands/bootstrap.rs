//! `rungs bootstrap`: the first own model, from a sample of the user's own prompts.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::data::report_skipped;
use super::log::LogArgs;
use super::output::OutputArgs;
use super::retrain::passed;
use crate::bootstrap::{Bootstrap, BootstrapError, Settings, Summary, draw, logged};
use crate::cli::Failure;
use crate::config::Config;
use crate::decisions::DecisionStore;
use crate::difficulty::report::lines;
use crate::labelled::{OnBad, Prompt, prompts};

/// Arguments of `rungs bootstrap`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Prompts: .jsonl (rows with `prompt` or `messages`, as labelled queries have them) or .txt (one a line), also .gz and .zst;
    /// without it, the log's own requests.
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with = "since")]
    data: Vec<PathBuf>,
    /// Leave bad rows out and count them, instead of stopping at the first.
    #[arg(long)]
    skip_bad_rows: bool,
    /// How many different prompts to ask.
    #[arg(long, default_value_t = 500, value_name = "N")]
    sample: usize,
    /// Begin no call that is expected to bring the cost of all runs in the folder above this.
    #[arg(long, value_name = "USD", value_parser = amount)]
    max_usd: Option<f64>,
    /// How long answers are taken to be in the estimate, until a tier's own answers tell.
    #[arg(long, value_name = "TOKENS")]
    answer_tokens: Option<u64>,
    /// Calls at once.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// The folder for answers, verdicts, labelled queries and model; default: `bootstrap` in the data folder. A run goes on
    /// with what is in it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of the sample and of the fit.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Spend what the estimate says without asking.
    #[arg(long)]
    yes: bool,
    /// Print the estimate and call nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Estimates, asks whether to go on, and does it.
///
/// # Errors
/// When the configuration, the prompts or the limit are at fault, nobody says yes, a tier or the judge does not answer, or no model
/// comes out that is better than what serves.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.log.open(|config, store| async move { bootstrap(args, config, store).await })
}

async fn bootstrap(args: &Args, config: Config, store: Arc<dyn DecisionStore>) -> Result<(), Failure> {
    let questions = draw(args.prompts(&*store).await?, args.sample, args.seed);
    let settings = Settings {
        folder: args.out.clone().unwrap_or_else(|| config.data_dir().join("bootstrap")),
        max_usd: args.max_usd,
        answer_tokens: args.answer_tokens,
        at_once: args.workers,
        seed: args.seed,
    };
    let prepared = Bootstrap::prepare(config, questions, settings).await?;
    let estimate = prepared.estimate().clone();
    if args.dry_run {
        prepared.give_up().await?;
        return args.output.print(&estimate, |estimate| estimate.text());
    }
    eprint!("{}", estimate.text());
    if let Err(refused) = args.confirm() {
        prepared.give_up().await?;
        return Err(refused);
    }
    let summary = prepared.run(store, &step).await?;
    args.output.print(&summary, text)?;
    passed(&summary.registry)
}

impl Args {
    async fn prompts(&self, store: &dyn DecisionStore) -> Result<Vec<Prompt>, Failure> {
        if self.data.is_empty() {
            return logged(store, self.log.since).await.map_err(|error| Failure::Failed(error.into()));
        }
        let on_bad = if self.skip_bad_rows { OnBad::Skip } else { OnBad::Stop };
        let (prompts, skipped) = prompts(&self.data, on_bad)?;
        report_skipped(&skipped);
        Ok(prompts)
    }

    /// Asks whoever sits at the terminal.
    fn confirm(&self) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::bad_input("this costs money, and there is no terminal to ask on: say --yes"));
        }
        eprint!("go on? [y/N] ");
        std::io::stderr().flush().context("the terminal")?;
        let mut said = String::new();
        std::io::stdin().lock().read_line(&mut said).context("the terminal")?;
        if matches!(said.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::bad_input("nothing was called"))
    }
}

/// Says which step begins; the bar draws to stderr, and not at all where that is no terminal.
fn step(name: &str) -> ProgressBar {
    eprintln!("{name} …");
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {elapsed} {eta}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn text(summary: &Summary) -> String {
    let figures = summary.out_of_fold.as_ref().map(lines).unwrap_or_default();
    let report = &summary.registry;
    let gate = if summary.out_of_fold.is_some() {
        format!("champion before {}, model {}\n", report.champion, report.challenger.as_deref().unwrap_or("nothing"))
            + &format!("{}: {}\n", report.outcome.name(), report.reason)
    } else {
        report.text()
    };
    summary.text() + &figures + &gate
}

fn amount(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|usd: &f64| usd.is_finite() && *usd >= 0.0)
        .ok_or_else(|| "must be an amount in USD, such as 5 or 0.50".to_owned())
}

impl From<BootstrapError> for Failure {
    fn from(error: BootstrapError) -> Self {
        match error {
            BootstrapError::Usage(_) | BootstrapError::Taken(_) | BootstrapError::Row(_) => Self::bad_input(error),
            BootstrapError::Retrain(error) => error.into(),
            error => Self::Failed(error.into()),
        }
    }
}

//! `rungs calibrate`: sets an artifact's operating point, with a certificate where a promise is asked for.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::data::{DataArgs, report_skipped};
use crate::cli::Failure;
use crate::config::Config;
use crate::difficulty::calibrate::{CalibrateError, OnSeen, Sample, calibrate};
use crate::difficulty::calibrated::{Calibrated, Goal, Loss};
use crate::difficulty::{Artifact, Scorer};

/// Arguments of `rungs calibrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the artifact; its model.json is rewritten with the operating point.
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// How often the promise of --max-quality-loss may fail, over the draw of the data; default: 0.1.
    #[arg(long, value_name = "D")]
    delta: Option<f64>,
    /// Leave out the queries whose group the model was trained on.
    #[arg(long)]
    leave_out_seen: bool,
    /// Seed of the order in which the certificate's test sees the labels.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    json: bool,
    /// A configuration file, for where the embedder's files are.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// What is asked for: exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct GoalArgs {
    /// Send at most this share of the requests to the frontier, in [0, 1].
    #[arg(long, value_name = "P")]
    frontier_share: Option<f64>,
    /// Lose at most this much of the mean score against always calling the frontier, with confidence 1 - delta.
    #[arg(long, value_name = "E")]
    max_quality_loss: Option<f64>,
    /// Keep the mean score at or above this, in [0, 1], with as few frontier calls as possible.
    #[arg(long, value_name = "Q")]
    min_quality: Option<f64>,
    /// Spend at most this many USD per request on average, with as much quality as possible; needs recorded costs.
    #[arg(long, value_name = "USD")]
    budget: Option<f64>,
}

/// δ where none is given.
const DELTA: f64 = 0.1;

/// What `--json` prints.
#[derive(Serialize)]
struct Output<'a> {
    model_version: String,
    #[serde(flatten)]
    calibrated: &'a Calibrated,
}

/// Chooses the operating point and writes it into the artifact.
///
/// # Errors
/// When the artifact, the data or the question is at fault, or the data cannot carry what is asked; the artifact is then
/// as it was.
pub fn run(args: &Args) -> Result<(), Failure> {
    let goal = args.goal()?;
    let config = Config::load(args.config.as_deref())?;
    let artifact = Artifact::load(&args.model).map_err(Failure::bad_input)?;
    let scorer = Scorer::of(artifact.clone(), &config).map_err(Failure::bad_input)?;
    let sample = sample(&scorer, args)?;

    let calibrated = calibrate(&artifact, &sample, goal, args.seed).map_err(|error| match error {
        CalibrateError::BadInput(reason) => Failure::bad_input(reason),
        CalibrateError::Refused(reason) => Failure::Refused(reason),
    })?;
    let artifact = Artifact { calibrated: Some(calibrated.clone()), ..artifact };
    let folder = folder(&args.model)?;
    artifact.save(folder).with_context(|| format!("{}: cannot be written", folder.display()))?;
    eprintln!("wrote {}", folder.display());
    print(&Output { model_version: artifact.version(), calibrated: &calibrated }, args.json)
}

impl Args {
    fn goal(&self) -> Result<Goal, Failure> {
        let GoalArgs { frontier_share, max_quality_loss, min_quality, budget } = self.goal;
        let within = |name: &str, value: f64, most: f64| {
            if value >= 0.0 && value <= most {
                return Ok(value);
            }
            Err(Failure::bad_input(format!("--{name} {value}: must be between 0 and {most}")))
        };
        let inside = |name: &str, value: f64| {
            if value > 0.0 && value < 1.0 {
                return Ok(value);
            }
            Err(Failure::bad_input(format!("--{name} {value}: must be above 0 and below 1")))
        };
        if let Some(loss) = max_quality_loss {
            let (epsilon, delta) = (inside("max-quality-loss", loss)?, inside("delta", self.delta.unwrap_or(DELTA))?);
            return Ok(Goal::MaxQualityLoss { epsilon, delta });
        }
        if self.delta.is_some() {
            return Err(Failure::bad_input("--delta belongs to --max-quality-loss, which is not given"));
        }
        if let Some(share) = frontier_share {
            return Ok(Goal::FrontierShare(within("frontier-share", share, 1.0)?));
        }
        if let Some(budget) = budget {
            return Ok(Goal::BudgetUsd(within("budget", budget, f64::MAX)?));
        }
        Ok(Goal::MinQuality(within("min-quality", min_quality.unwrap_or(f64::NAN), 1.0)?))
    }
}

fn sample(scorer: &Scorer, args: &Args) -> Result<Sample, Failure> {
    let on_seen = if args.leave_out_seen { OnSeen::LeaveOut } else { OnSeen::Count };
    let mut sample = Sample::new(scorer.artifact(), on_seen);
    let mut reader = args.data.open()?;
    for query in reader.by_ref() {
        let query = query?;
        sample.take(&query, || scorer.score(&query.request)).map_err(|error| Failure::Failed(error.into()))?;
    }
    report_skipped(reader.skipped());
    match (sample.found_seen(), on_seen) {
        (0, _) if scorer.artifact().training.seen.open().is_unknown() => eprintln!(
            "warning: this artifact does not tell which groups it was trained on: make sure that none of them is in the \
             data, or what comes out is too good to be true"
        ),
        (0, _) => {}
        (found, OnSeen::LeaveOut) => eprintln!("{found} queries were left out: the model was trained on their groups"),
        (found, OnSeen::Count) => eprintln!(
            "warning: the model was trained on the groups of {found} of the queries, on which it looks better than it is: \
             --leave-out-seen leaves them out"
        ),
    }
    Ok(sample)
}

/// The folder of a `model.json`, which may be named itself.
fn folder(model: &Path) -> Result<&Path, Failure> {
    match model.parent() {
        _ if model.is_dir() => Ok(model),
        Some(parent) if model.ends_with(crate::difficulty::artifact::MODEL_FILE) => Ok(parent),
        _ => Err(Failure::bad_input(format!("{}: name the folder of the artifact", model.display()))),
    }
}

fn print(output: &Output<'_>, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(output).map_err(|error| Failure::Failed(error.into()))?;
        println!("{text}");
        return Ok(());
    }
    let Calibrated { threshold, frontier_share, quality, cost_usd, rows, .. } = output.calibrated;
    print!("threshold {threshold:+.3}: {:.1} % frontier on {rows} rows", 100.0 * frontier_share);
    quality.iter().for_each(|quality| print!(", quality {quality:.3}"));
    cost_usd.iter().for_each(|cost| print!(", ${cost:.6} per request"));
    println!();
    if let Some(certificate) = &output.calibrated.certificate {
        let loss = match certificate.loss {
            Loss::QualityLost => "of mean score lost against always calling the frontier",
            Loss::Unacceptable => "of the requests answered unacceptably by the cheap tier",
        };
        println!(
            "certificate: at most {} {loss}, with confidence {}; {:.4} seen on {} groups; void if",
            certificate.epsilon,
            1.0 - certificate.delta,
            certificate.observed_loss,
            certificate.n
        );
        certificate.void_if.iter().for_each(|cause| println!("  {cause}"));
    }
    println!("model {}", output.model_version);
    Ok(())
}

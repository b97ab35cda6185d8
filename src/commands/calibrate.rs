//! `rungs calibrate`: sets an artifact's operating point, with a certificate where a promise is asked for.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::data::report_skipped;
use super::model::ModelArgs;
use super::output::OutputArgs;
use crate::cli::Failure;
use crate::difficulty::calibrate::{CalibrateError, OnSeen, Sample, calibrate};
use crate::difficulty::calibrated::{Calibrated, Goal, Loss};
use crate::difficulty::{Artifact, Scorer};

/// Arguments of `rungs calibrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scored: ModelArgs,
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
    #[command(flatten)]
    output: OutputArgs,
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
    let scorer = args.scored.scorer()?;
    let artifact = scorer.artifact();
    let sample = sample(&scorer, args)?;

    let calibrated = calibrate(artifact, &sample, goal, args.seed).map_err(|error| match error {
        CalibrateError::BadInput(reason) => Failure::bad_input(reason),
        CalibrateError::Refused(reason) => Failure::Refused(reason),
    })?;
    let artifact = Artifact { calibrated: Some(calibrated.clone()), ..artifact.clone() };
    let folder = folder(args.scored.only()?)?;
    artifact.save(folder).with_context(|| format!("{}: cannot be written", folder.display()))?;
    eprintln!("wrote {}", folder.display());
    args.output.print(&Output { model_version: artifact.version(), calibrated: &calibrated }, text)
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
    let mut reader = args.scored.data.open()?;
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

fn text(output: &Output<'_>) -> String {
    let Calibrated { threshold, frontier_share, quality, cost_usd, rows, .. } = output.calibrated;
    let mut text = format!("threshold {threshold:+.3}: {:.1} % frontier on {rows} rows", 100.0 * frontier_share);
    quality.iter().for_each(|quality| text += &format!(", quality {quality:.3}"));
    cost_usd.iter().for_each(|cost| text += &format!(", ${cost:.6} per request"));
    text += "\n";
    if let Some(certificate) = &output.calibrated.certificate {
        let loss = match certificate.loss {
            Loss::QualityLost => "of mean score lost against always calling the frontier",
            Loss::Unacceptable => "of the requests answered unacceptably by the cheap tier",
        };
        text += &format!(
            "certificate: at most {} {loss}, with confidence {}; {:.4} seen on {} groups; void if\n",
            certificate.epsilon,
            1.0 - certificate.delta,
            certificate.observed_loss,
            certificate.n
        );
        certificate.void_if.iter().for_each(|cause| text += &format!("  {cause}\n"));
    }
    text + &format!("model {}\n", output.model_version)
}

//! `rungs ablate`: what each part of the recipe is worth.

use indicatif::{ProgressBar, ProgressStyle};

use super::data::report_skipped;
use super::fit::{FitArgs, Fitting};
use super::output::OutputArgs;
use crate::cli::Failure;
use crate::difficulty::ablation::{Ablation, Part, Refit, ablate, fits};
use crate::difficulty::matrix::{named, read};
use crate::difficulty::report;

/// Arguments of `rungs ablate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    fit: FitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Refits without each part of the recipe and with it alone, and prints what becomes of the figures.
///
/// # Errors
/// When the usage or the data is at fault, or the embedder cannot be opened.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Fitting { task, extractor, settings } = args.fit.open()?;
    let mut reader = args.fit.data.open()?;
    let (rows, data) = read(reader.by_ref().filter(|query| args.fit.sees(query)), &task, &extractor)?;
    report_skipped(reader.skipped());

    let bar = bar(fits(&data, extractor.schema()));
    let step = |what: &str| {
        bar.set_message(what.to_owned());
        bar.inc(1);
    };
    let found =
        ablate(&rows, &data, extractor.schema(), &settings, step).map_err(|error| named(&error, &task.tiers))?;
    bar.finish_and_clear();
    args.output.print(&found, text)
}

/// indicatif draws to stderr, and not at all where that is no terminal.
fn bar(fits: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} fit {pos} of {len}: {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(fits as u64).with_style(style)
}

fn text(found: &Ablation) -> String {
    format!(
        "{} on {} rows in {} groups, out of fold\nfull recipe: APGR {}; another seed moves it by {}\n{}",
        found.tiers.join(" → "),
        found.n,
        found.groups,
        report::between(found.apgr, found.apgr_ci),
        report::difference(found.reseeded),
        report::align(
            ["part", "features", "without it, less the full recipe", "alone"],
            found.parts.iter().map(|(name, part)| cells(name, part)),
        ),
    )
}

fn cells(name: &str, part: &Part) -> [String; 4] {
    let features = part.features.map_or("–".to_owned(), |features| features.to_string());
    if !part.varies {
        return [name.to_owned(), features, "the same in every row".to_owned(), String::new()];
    }
    let without = report::difference(part.without.and_then(|refit| refit.difference));
    let alone = part.alone.map_or("–".to_owned(), |Refit { apgr, apgr_ci, .. }| report::between(apgr, apgr_ci));
    [name.to_owned(), features, without, alone]
}

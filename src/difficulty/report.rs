//! What `train` and `eval` tell a person: lines for the terminal, and `report.html` with plots.

mod files;
mod page;
mod text;

use rungs_training::evaluate::{Difference, Interval};

use super::Artifact;
use super::figures::Figures;
use super::prices::CostSource;
use super::slices::{FEWEST_GROUPS, Slice};

pub use files::write;
pub use page::html;
pub use text::{lines, slices, summary};

fn presets(artifact: &Artifact) -> [(&'static str, super::OperatingPoint); 3] {
    let points = artifact.operating_points;
    [("economy", points.economy), ("balanced", points.balanced), ("quality", points.quality)]
}

/// A signed difference with its interval; a dash where it is not defined.
#[must_use]
pub fn difference(found: Option<Difference>) -> String {
    let Some(Difference { difference, ci }) = found else { return "–".to_owned() };
    let interval = ci.map_or(String::new(), |ci| format!(" (95 %: {:+.3} to {:+.3})", ci.0, ci.1));
    format!("{difference:+.3}{interval}")
}

/// A number with its 95 % interval; a dash where it is not defined.
#[must_use]
pub fn between(value: Option<f64>, ci: Option<Interval>) -> String {
    let interval = ci.map_or(String::new(), |ci| format!(" (95 %: {:.3} to {:.3})", ci.0, ci.1));
    number(value) + &interval
}

/// A table whose columns are as wide as their widest cell, each line indented by two.
#[must_use]
pub fn align<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let lines: Vec<[String; N]> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let width: [usize; N] =
        std::array::from_fn(|i| lines.iter().map(|cells| cells[i].chars().count()).max().unwrap_or(0));
    let line = |cells: &[String; N]| {
        let cells: String = cells.iter().zip(width).map(|(cell, width)| format!("  {cell:<width$}")).collect();
        format!("{}\n", cells.trim_end())
    };
    lines.iter().map(line).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// Always calling the best tier.
fn best_single(figures: &Figures) -> Option<(&str, f64)> {
    let tier = figures.best_single.as_deref()?;
    Some((tier, *figures.quality.get(tier)?))
}

/// How the costs are known.
fn source(source: CostSource) -> &'static str {
    match source {
        CostSource::Recorded => "recorded",
        CostSource::Tokens => "recorded tokens × price",
        CostSource::EstimatedInput => "tokens × price, input tokens estimated from the text",
    }
}

/// Said of an artifact that is not routed by.
pub const NO_SIGNAL: &str = "  no usable signal: out of fold the score ranks no better than chance; the router does not \
                             route by it: every request starts where policy.fallback says\n";

/// What is said where there are no costs.
const NO_COST: &str =
    "none: give cost_usd for every outcome, or its output_tokens and the prices of the tiers with --price";

/// The columns of a table of slices, which are `of` something: a domain or a route.
fn slice_columns(of: &str) -> [&str; 9] {
    [of, "rows", "groups", "cheap", "frontier", "to frontier", "served", "lift", "APGR"]
}

/// The cells of a slice under [`slice_columns`].
fn cells(name: &str, slice: &Slice) -> [String; 9] {
    let quality = |tier: Option<(&String, &f64)>| number(tier.map(|(_, quality)| *quality));
    [
        name.to_owned(),
        slice.n.to_string(),
        slice.groups.to_string(),
        quality(slice.quality.first()),
        quality(slice.quality.last()),
        format!("{:.1} %", 100.0 * slice.frontier_share),
        format!("{:.3}", slice.served),
        match slice.too_few {
            true => format!("too few groups (under {FEWEST_GROUPS})"),
            false => between(slice.lift, slice.lift_ci),
        },
        match (slice.too_few, slice.apgr_ci) {
            (true, _) => String::new(),
            (false, None) => "no clear gap".to_owned(),
            (false, ci) => between(slice.apgr, ci),
        },
    ]
}

//! The answer for the terminal.

use rungs_training::evaluate::Comparison;

use super::{Difference, Evaluated, Output};
use crate::difficulty::figures::Figures;
use crate::difficulty::{Verdict, report};

/// One artifact at length, or several as a table with their differences.
pub(super) fn of(output: &Output<'_>) -> String {
    match output.by_model {
        [] => alone(output.first),
        models => side_by_side(models, &output.differences),
    }
}

fn alone(evaluated: &Evaluated) -> String {
    let mut text =
        format!("model {} on {} rows\n{}", evaluated.model_version, evaluated.all.n, at_length(&evaluated.all));
    for (name, figures) in &evaluated.by_dataset {
        text += &format!("{name}\n{}", at_length(figures));
    }
    if evaluated.artifact_signal == Verdict::None {
        text += report::NO_SIGNAL;
    }
    if let Some(point) = evaluated.all.operating_point {
        text += &format!(
            "operating point: threshold {:+.3}, {:.1} % frontier, quality {:.3}",
            point.threshold,
            100.0 * point.frontier_share,
            point.quality
        );
        point.cost_usd.iter().for_each(|cost| text += &format!(", ${:.4} per 1000 requests", 1000.0 * cost));
        text += "\n";
    }
    text
}

fn at_length(figures: &Figures) -> String {
    report::lines(figures) + &report::slices("domain", &figures.by_domain) + &report::slices("route", &figures.by_route)
}

fn side_by_side(models: &[Evaluated], differences: &[Difference]) -> String {
    let Some(first) = models.first() else { return String::new() };
    let figures = &first.all;
    let head = ["model", "APGR", "half", "four fifths", "lift", "calibration", "signal"];
    let compared = ["model", "APGR", "quality at half the frontier calls", "AUC of the gain"];
    format!(
        "{} on {} rows in {} groups\n{}less {}, in pairs\n{}",
        figures.tiers.join(" → "),
        figures.n,
        figures.groups,
        report::align(head, models.iter().map(model)),
        first.model.display(),
        report::align(compared, differences.iter().map(difference)),
    )
}

fn model(evaluated: &Evaluated) -> [String; 7] {
    let figures = &evaluated.all;
    let per_cent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{share:.1} %"));
    [
        evaluated.model.display().to_string(),
        report::between(figures.apgr, figures.apgr_ci),
        per_cent(figures.cpt50),
        per_cent(figures.cpt80),
        report::between(figures.lift, figures.lift_ci),
        format!("{:.3}", figures.ece),
        if figures.signal == Verdict::Usable { "usable" } else { "none" }.to_owned(),
    ]
}

fn difference(later: &Difference) -> [String; 4] {
    let Comparison { apgr, quality_at_half, gain_auc } = later.comparison;
    let [apgr, quality_at_half, gain_auc] = [apgr, quality_at_half, gain_auc].map(report::difference);
    [later.model.display().to_string(), apgr, quality_at_half, gain_auc]
}

//! What `train` tells a person: a summary for the terminal, and `report.html` with plots.

use std::fmt::Write;

use rungs_training::plot::{self, PlotError};

use super::figures::Figures;
use super::learn::Learned;
use super::{Artifact, Verdict};

/// A few lines for the terminal: figures first, then what to know about them.
#[must_use]
pub fn summary(artifact: &Artifact, figures: &Figures) -> String {
    let mut text = format!("model {}: {}\n", artifact.version(), figures.tiers.join(" → "));
    // Writing to a string cannot fail.
    let _ = write_figures(&mut text, figures);
    for (name, point) in points(artifact) {
        let _ = writeln!(
            text,
            "  {name:<9} threshold {:+.3}: {:.1} % to the frontier, quality {:.3}, {:.0} % of the gap",
            point.threshold,
            100.0 * point.frontier_share,
            point.quality,
            100.0 * point.pgr,
        );
    }
    if figures.signal == Verdict::None {
        text.push_str(
            "  no usable signal: the score ranks no better than chance here; the router will not route by it\n",
        );
    }
    text
}

/// The lines that `train` and `eval` share.
pub fn write_figures(text: &mut String, figures: &Figures) -> std::fmt::Result {
    let quality: Vec<String> = figures.quality.iter().map(|(tier, quality)| format!("{tier} {quality:.3}")).collect();
    writeln!(
        text,
        "  {} rows in {} groups ({} left out for want of an outcome)",
        figures.n, figures.groups, figures.left_out
    )?;
    writeln!(text, "  quality   {} (oracle {:.3})", quality.join(", "), figures.oracle[1])?;
    let apgr =
        figures.apgr.map_or("undefined: the frontier is not better here".to_owned(), |apgr| format!("{apgr:.3}"));
    let interval = figures.apgr_ci.map_or(String::new(), |ci| format!(" (95 %: {:.3} to {:.3})", ci.0, ci.1));
    writeln!(text, "  APGR      {apgr}{interval}; random .500")?;
    if let (Some(cpt50), Some(cpt80)) = (figures.cpt50, figures.cpt80) {
        writeln!(text, "  CPT       half of the gap at {cpt50:.1} % frontier calls, four fifths at {cpt80:.1} %")?;
    }
    let auc = |auc: &Option<f64>| auc.map_or("–".to_owned(), |auc| format!("{auc:.3}"));
    let aucs: Vec<String> = figures.auc.iter().map(|(tier, value)| format!("{tier} {}", auc(value))).collect();
    let verdict = if figures.signal == Verdict::Usable { "usable" } else { "none" };
    writeln!(text, "  AUC       {}; calibration error {:.3}; signal {verdict}", aucs.join(", "), figures.ece)
}

/// The page: figures, plots as inline SVG, readable in light and dark, nothing loaded from elsewhere.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn html(learned: &Learned, figures: &Figures) -> Result<String, PlotError> {
    let ends = |i: usize| learned.evaluation.calibration.get(i).map_or(&[][..], |calibration| &calibration.bins);
    let last = learned.evaluation.calibration.len().saturating_sub(1);
    let plots = [
        (
            "Quality against frontier share",
            "Blue: the learned score. Grey: sending requests at random. Green: the oracle. Orange: operating points.",
            plot::quality(&learned.evaluation, &learned.operating_points)?,
        ),
        (
            "Reliability",
            "Blue: the cheap tier's head. Orange: the frontier's. A calibrated head lies on the diagonal.",
            plot::reliability(ends(0), ends(last))?,
        ),
        ("Scores", "p frontier − p cheap, out of fold.", plot::histogram(&learned.scores)?),
    ];
    let figure = |(title, caption, svg): &(&str, &str, String)| {
        format!("<figure><figcaption><b>{title}.</b> {caption}</figcaption>{svg}</figure>\n")
    };
    let plots: String = plots.iter().map(figure).collect();
    Ok(PAGE
        .replace("{version}", &learned.artifact.version())
        .replace("{tiers}", &escape(&figures.tiers.join(" → ")))
        .replace("{rows}", &table(&learned.artifact, figures))
        .replace("{plots}", &plots))
}

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rungs model {version}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; font-weight: normal; }
th { opacity: .7; } figure { margin: 2rem 0; max-width: 40rem; } svg { width: 100%; height: auto; }
</style></head><body>
<h1>Model {version}</h1>
<p>{tiers}. Every figure is out of fold: no row was scored by a model that had seen its group.</p>
<table>{rows}</table>
{plots}</body></html>
"#;

fn table(artifact: &Artifact, figures: &Figures) -> String {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let interval = figures.apgr_ci.map_or(String::new(), |ci| format!(" (95 %: {:.3} to {:.3})", ci.0, ci.1));
    let mut rows = vec![
        ("rows".to_owned(), format!("{} in {} groups", figures.n, figures.groups)),
        ("left out for want of an outcome".to_owned(), figures.left_out.to_string()),
        ("APGR".to_owned(), format!("{}{interval}", number(figures.apgr))),
        ("calibration error beyond chance".to_owned(), format!("{:.3}", figures.ece)),
        ("signal".to_owned(), if figures.signal == Verdict::Usable { "usable" } else { "none" }.to_owned()),
    ];
    for (tier, quality) in &figures.quality {
        let auc = number(figures.auc.get(tier).copied().flatten());
        rows.push((format!("{tier}: quality, AUC"), format!("{quality:.3}, {auc}")));
    }
    for (name, point) in points(artifact) {
        let (share, quality) = (100.0 * point.frontier_share, point.quality);
        rows.push((
            name.to_owned(),
            format!("threshold {:+.3}: {share:.1} % frontier, quality {quality:.3}", point.threshold),
        ));
    }
    rows.iter().map(|(name, value)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value))).collect()
}

fn points(artifact: &Artifact) -> [(&'static str, super::OperatingPoint); 3] {
    let points = artifact.operating_points;
    [("economy", points.economy), ("balanced", points.balanced), ("quality", points.quality)]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

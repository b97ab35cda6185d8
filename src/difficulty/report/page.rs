//! `report.html`: one file with figures, tables and plots as inline SVG, readable in light and dark.

use indexmap::IndexMap;
use rungs_training::evaluate::CostFigures;
use rungs_training::plot::{self, PlotError, Tradeoff};

use super::super::figures::{Cost, Figures, Operating};
use super::super::learn::Learned;
use super::super::slices::Slice;
use super::super::trust::{Trust, calibrators};
use super::super::{Artifact, Verdict};
use super::{NO_COST, best_single, between, cells, number, presets, slice_columns, source};

/// The page of a fit; nothing in it is loaded from elsewhere.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn html(learned: &Learned, figures: &Figures) -> Result<String, PlotError> {
    let points = presets(&learned.artifact).map(|(name, point)| (name, learned.judged.operate(point.threshold)));
    Ok(PAGE
        .replace("{version}", &learned.artifact.version())
        .replace("{tiers}", &escape(&figures.tiers.join(" → ")))
        .replace("{figures}", &pairs(&summary(figures)))
        .replace("{points}", &operating(&points))
        .replace("{probabilities}", &probabilities(&learned.artifact, figures))
        .replace("{plots}", &plots(learned, figures, &points)?)
        .replace("{slices}", &(slices("domain", &figures.by_domain) + &slices("route", &figures.by_route))))
}

const PAGE: &str = include_str!("page.html");

fn summary(figures: &Figures) -> Vec<(String, String)> {
    let mut rows = vec![
        ("rows".to_owned(), format!("{} in {} groups", figures.n, figures.groups)),
        ("left out for want of an outcome".to_owned(), figures.left_out.to_string()),
        ("APGR (random .500)".to_owned(), between(figures.apgr, figures.apgr_ci)),
        ("lift over the random mix at equal share".to_owned(), between(figures.lift, figures.lift_ci)),
    ];
    let per_cent = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.1} %"));
    rows.push(("of the oracle's lift".to_owned(), per_cent(figures.oracle_gap_closed.map(|closed| 100.0 * closed))));
    rows.push((
        "frontier calls for half, four fifths of the gap".to_owned(),
        format!("{}, {}", per_cent(figures.cpt50), per_cent(figures.cpt80)),
    ));
    if let Some((tier, quality)) = best_single(figures) {
        rows.push(("best single model".to_owned(), format!("{tier}, {quality:.3}")));
    }
    for (tier, quality) in &figures.quality {
        let auc = number(figures.auc.get(tier).copied().flatten());
        rows.push((format!("{tier}: quality, AUC"), format!("{quality:.3}, {auc}")));
    }
    rows.push(("calibration error beyond chance".to_owned(), format!("{:.3}", figures.ece)));
    let signal = if figures.signal == Verdict::Usable { "usable" } else { "none" };
    rows.push(("signal".to_owned(), signal.to_owned()));
    match &figures.cost {
        None => rows.push(("cost".to_owned(), NO_COST.to_owned())),
        Some(Cost { source: from, figures: cost }) => {
            let [cheap, frontier] = cost.range.map(|usd| format!("${:.4}", 1000.0 * usd));
            let costs = format!("{cheap}, {frontier} ({})", source(*from));
            rows.push(("per 1000 requests: always cheap, always frontier".to_owned(), costs));
            rows.push((
                format!("AIQ over that range (random mix {})", number(cost.aiq_random)),
                between(cost.aiq, cost.aiq_ci),
            ));
            rows.push(("lift over the random mix at equal cost".to_owned(), between(cost.lift, cost.lift_ci)));
        }
    }
    rows
}

fn plots(learned: &Learned, figures: &Figures, points: &[(&str, Operating)]) -> Result<String, PlotError> {
    let ends =
        |tier: Option<&String>| tier.and_then(|tier| figures.reliability.get(tier)).map_or(&[][..], Vec::as_slice);
    let mut marks: Vec<[f64; 2]> = points.iter().map(|(_, point)| [point.frontier_share, point.quality]).collect();
    let x = "share of requests to the frontier";
    let share = plot::tradeoff(&Tradeoff { x, curve: &figures.curve, oracle: figures.oracle, marks: &marks })?;
    let mut text = figure("Quality against frontier share", TRADEOFF, &share);
    if let Some(Cost { figures: cost, .. }) = &figures.cost {
        marks = points.iter().filter_map(|(_, point)| Some([1000.0 * point.cost_usd?, point.quality])).collect();
        text += &figure("Quality against cost", TRADEOFF, &against_cost(cost, &marks)?);
    }
    let bins = [ends(figures.tiers.first()), ends(figures.tiers.last())];
    text += &figure("Reliability", RELIABILITY, &plot::reliability(bins[0], bins[1])?);
    text += &figure("Scores", SCORES, &plot::histogram(&learned.judged.scores())?);
    Ok(text)
}

fn against_cost(cost: &CostFigures, marks: &[[f64; 2]]) -> Result<String, PlotError> {
    let per_thousand = |[usd, quality]: [f64; 2]| [1000.0 * usd, quality];
    let curve: Vec<[f64; 2]> = cost.curve.iter().copied().map(per_thousand).collect();
    let x = "USD per 1000 requests";
    plot::tradeoff(&Tradeoff { x, curve: &curve, oracle: per_thousand(cost.oracle), marks })
}

const TRADEOFF: &str = "<i class=\"blue\">the learned score</i> <i class=\"grey\">requests sent at random</i> \
     <i class=\"green\">the oracle, and its mixes with either tier</i> <i class=\"orange\">operating points</i>";
const RELIABILITY: &str = "<i class=\"blue\">the cheap tier's head</i> <i class=\"orange\">the frontier's</i> \
     <i class=\"grey\">a calibrated one</i>";
const SCORES: &str = "<i class=\"blue\">rows by their score</i>";

fn figure(title: &str, caption: &str, svg: &str) -> String {
    format!("<figure><figcaption><b>{title}</b><br>{caption}</figcaption>{svg}</figure>\n")
}

fn operating(points: &[(&str, Operating)]) -> String {
    let rows = points.iter().map(|(name, point)| {
        let cost = point.cost_usd.map_or("–".to_owned(), |usd| format!("${:.4}", 1000.0 * usd));
        let share = format!("{:.1} %", 100.0 * point.frontier_share);
        vec![(*name).to_owned(), format!("{:+.3}", point.threshold), share, format!("{:.3}", point.quality), cost]
    });
    table(&["operating point", "threshold", "to the frontier", "quality", "per 1000 requests"], rows)
}

/// A line per tier: what calibrates its probability, and how well.
fn probabilities(artifact: &Artifact, figures: &Figures) -> String {
    let methods = calibrators(artifact);
    let rows = figures.calibration.iter().map(|(tier, Trust { scores, ece, ece_expected, .. })| {
        let numbers = [scores.log_loss, scores.brier, scores.slope, scores.intercept, *ece, *ece_expected];
        let method = methods.get(tier).copied().unwrap_or_default();
        let numbers = numbers.iter().map(|number| format!("{number:.3}"));
        [tier.clone(), method.to_owned()].into_iter().chain(numbers).collect()
    });
    let head =
        ["probability", "calibrator", "log-loss", "Brier", "slope", "intercept", "error beyond chance", "by chance"];
    table(&head, rows)
}

/// Nothing where there is only one slice.
fn slices(of: &str, slices: &IndexMap<String, Slice>) -> String {
    if slices.len() < 2 {
        return String::new();
    }
    let rows = slices.iter().map(|(name, slice)| cells(name, slice).to_vec());
    format!("<h2>By {of}</h2>\n<div class=\"wide\">{}</div>\n", table(&slice_columns(of), rows))
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: String = cells.map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let body: String = rows.map(|cells| line("td", &mut cells.iter().map(String::as_str))).collect();
    format!("<table><thead>{}</thead><tbody>\n{body}</tbody></table>\n", line("th", &mut head.iter().copied()))
}

fn pairs(rows: &[(String, String)]) -> String {
    let rows =
        rows.iter().map(|(name, value)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value)));
    format!("<table>{}</table>\n", rows.collect::<String>())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

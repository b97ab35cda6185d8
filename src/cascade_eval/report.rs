//! What `cascade-eval` tells a person: a table for the terminal, and a page with a plot.

use std::fmt::Write;

use rungs_training::plot::{PlotError, policies};

use super::{Figures, PriceSource, Source};

/// The table for the terminal.
#[must_use]
pub fn summary(figures: &Figures) -> String {
    let mut text = format!("{}\n", figures.tiers.join(" → "));
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  {:<15} {:>7}  {:>16}  {:>6}  {:>16}  {:>9}",
        "policy", "quality", "95 %", "cost", "95 %", "escalated"
    );
    for (name, policy) in &figures.policy {
        let ci = |ci: &Option<rungs_training::evaluate::Interval>| {
            ci.map_or(String::new(), |ci| format!("{:.3} to {:.3}", ci.0, ci.1))
        };
        let _ = writeln!(
            text,
            "  {name:<15} {:>7.3}  {:>16}  {:>6.3}  {:>16}  {:>7.1} %",
            policy.quality,
            ci(&policy.quality_ci),
            policy.cost_ratio,
            ci(&policy.cost_ratio_ci),
            100.0 * policy.escalation_rate,
        );
    }
    for (name, value) in facts(figures) {
        let _ = writeln!(text, "  {name}: {value}");
    }
    text
}

/// The page: the same, with quality over cost ratio.
///
/// # Errors
/// When the plot cannot be drawn.
pub fn html(figures: &Figures) -> Result<String, PlotError> {
    let points: Vec<(&str, f64, f64)> =
        figures.policy.iter().map(|(name, policy)| (*name, policy.cost_ratio, policy.quality)).collect();
    let plot = policies::quality_over_cost(&figures.grid, &points)?;
    let row = |(name, policy): (&&str, &rungs_training::policies::PolicyFigures)| {
        let (share, direct) = (100.0 * policy.escalation_rate, 100.0 * policy.direct_rate);
        let value = format!(
            "quality {:.3}, cost {:.3}, {share:.1} % answered by the frontier ({direct:.1} % at once)",
            policy.quality, policy.cost_ratio
        );
        ((*name).to_owned(), value)
    };
    let rows = figures.policy.iter().map(row).chain(facts(figures));
    let rows: String =
        rows.map(|(name, value)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(&name), escape(&value))).collect();
    let tiers = escape(&figures.tiers.join(" → "));
    Ok(PAGE.replace("{rows}", &rows).replace("{plot}", &plot).replace("{tiers}", &tiers))
}

const PAGE: &str = include_str!("page.html");

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn facts(figures: &Figures) -> Vec<(String, String)> {
    let number = |value: Option<f64>, ci: Option<rungs_training::evaluate::Interval>| {
        let ci = ci.map_or(String::new(), |ci| format!(" (95 %: {:.3} to {:.3})", ci.0, ci.1));
        value.map_or("–".to_owned(), |value| format!("{value:.3}{ci}"))
    };
    let prices: Vec<String> = figures
        .prices
        .iter()
        .map(|(tier, source)| {
            let source = match source {
                PriceSource::Recorded => "cost_usd of the rows",
                PriceSource::Given => "--price",
                PriceSource::BuiltIn => "built-in list",
                PriceSource::Assumed => "assumed, 1 : 10",
            };
            format!("{tier}: {source}")
        })
        .collect();
    let source = |source| match source {
        Source::Artifact => "the artifact's",
        Source::CrossFitted => "cross-fitted on these rows",
        Source::None => "none",
    };
    let at: Vec<String> =
        figures.at_shortfall.iter().map(|(name, cell)| format!("{name} {:.3}", cell.cost_ratio)).collect();
    vec![
        ("rows".to_owned(), format!("{} in {} groups, {} left out", figures.n, figures.groups, figures.left_out)),
        ("router".to_owned(), source(figures.router).to_owned()),
        ("confidence".to_owned(), source(figures.confidence).to_owned()),
        ("confidence AUC".to_owned(), number(figures.confidence_auc, figures.confidence_auc_ci)),
        ("deferral APGR".to_owned(), number(figures.deferral_apgr, figures.deferral_apgr_ci)),
        ("router APGR".to_owned(), number(figures.router_apgr, None)),
        ("cost at frontier quality − 1 pp, thresholds of these rows".to_owned(), at.join(", ")),
        ("calls of a checked cheap answer".to_owned(), format!("{:.1}", figures.calls_checked)),
        ("prices".to_owned(), prices.join("; ")),
    ]
}

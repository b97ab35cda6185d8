//! The report as a page of its own, plots drawn in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::{dollars, groups, money, percent, quality, shown, spread};
use crate::decisions::report::{Figures, Report};

/// The page around the figures; `{{title}}` and `{{body}}` are filled in.
const PAGE: &str = include_str!("page.html");

/// Bars that a plot shows at most.
const MOST_BARS: usize = 20;

pub(super) fn page(report: &Report) -> String {
    let title = match report.between {
        None => "no requests".to_owned(),
        Some((first, last)) => format!("{} requests, {first:.0} to {last:.0}", report.total.requests),
    };
    let mut body = format!("<pre>{}</pre>\n", escape(&money(&report.total).join("\n")));
    body += &facts(&report.total);
    for (name, figures) in groups(report) {
        let _ = write!(body, "<h2>By {name}</h2>\n{}", plot("spent, USD", figures, dollars, |f| Some(f.cost_usd)));
        body += &plot("climbed, share of requests", figures, percent, |f| f.escalated);
        body += &plot("p95 latency, ms", figures, |ms| format!("{ms:.0}"), |f| Some(f.latency_ms?.p95));
    }
    PAGE.replace("{{title}}", &escape(&title)).replace("{{body}}", &body)
}

fn facts(figures: &Figures) -> String {
    let rows = [
        ("failed", figures.failed.to_string()),
        ("cancelled", figures.cancelled.to_string()),
        ("escalated", figures.escalated.map(percent).unwrap_or_default()),
        ("cache hits", figures.cache_hit.map(percent).unwrap_or_default()),
        ("latency", spread(figures.latency_ms, " ms")),
        ("first byte", spread(figures.ttft_ms, " ms")),
        ("output tokens", spread(figures.output_tokens, "")),
        ("quality", figures.quality.map(quality).unwrap_or_default()),
    ];
    let row = |(name, value): (&str, String)| format!("<tr><th>{name}</th><td>{}</td></tr>", escape(&value));
    format!("<table>{}</table>\n", rows.into_iter().map(row).collect::<String>())
}

/// Horizontal bars, the longest first.
fn plot(
    title: &str,
    groups: &BTreeMap<String, Figures>,
    label: impl Fn(f64) -> String,
    value: impl Fn(&Figures) -> Option<f64>,
) -> String {
    let mut bars: Vec<(&String, f64)> =
        groups.iter().filter_map(|(name, figures)| Some((name, value(figures)?))).collect();
    bars.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    bars.truncate(MOST_BARS);
    let longest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let height = 28 + 22 * bars.len();
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 640 {height}\" width=\"640\" height=\"{height}\"><text class=\"t\" y=\"16\">{}</text>",
        escape(title)
    );
    for (i, (name, value)) in bars.into_iter().enumerate() {
        let y = 28 + 22 * i;
        let width = if longest > 0.0 { value / longest * 320.0 } else { 0.0 };
        let _ = write!(
            svg,
            "<text y=\"{}\">{}</text><rect x=\"220\" y=\"{y}\" width=\"{width:.1}\" height=\"16\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            y + 13,
            escape(&shown(name)),
            226.0 + width,
            y + 13,
            escape(&label(value))
        );
    }
    svg + "</svg>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_call_things_is_text_in_the_page() {
        assert_eq!(escape("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }
}

//! The report as a page of its own, plots drawn in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::text::{alarms, dollars, groups, money, percent, quality, reasons, shown, spread};
use crate::commands::judge::quality as judged;
use crate::decisions::report::{Figures, Report};
use crate::judge;

/// The page around the figures; `{{title}}` and `{{body}}` are filled in.
const PAGE: &str = include_str!("page.html");

/// Bars that a plot shows at most.
const MOST_BARS: usize = 20;

pub(super) fn page(report: &Report) -> String {
    let title = match report.between {
        None => "no requests".to_owned(),
        Some((first, last)) => format!("{} requests, {first:.0} to {last:.0}", report.total.requests),
    };
    let lines: Vec<String> = alarms(report).chain(money(&report.total)).collect();
    let mut body = format!("<pre>{}</pre>\n", escape(&lines.join("\n")));
    body += &facts(&report.total);
    if let Some(judge) = report.judge.as_ref().filter(|judge| judge.total.is_some()) {
        let _ = write!(body, "<h2>By a judge</h2>\n<pre>{}</pre>\n", escape(&judged(judge)));
        body += &intervals(judge);
    }
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
        ("escalated", figures.escalated.map(percent).unwrap_or_default() + &reasons(figures)),
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

/// The judged quality of each tier and route, with its interval.
fn intervals(judge: &judge::Figures) -> String {
    let all = judge.total.iter().map(|quality| ("all", quality));
    let named = judge.by_tier.iter().chain(&judge.by_route).map(|(name, quality)| (name.as_str(), quality));
    let rows: Vec<_> = all.chain(named.filter(|(name, _)| !name.is_empty())).take(MOST_BARS).collect();
    let height = 28 + 22 * rows.len();
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 640 {height}\" width=\"640\" height=\"{height}\"><text class=\"t\" y=\"16\">judged quality, with 95% intervals from 0 to 1</text>"
    );
    for (i, (name, quality)) in rows.into_iter().enumerate() {
        let (y, [low, high]) = (28 + 22 * i, quality.estimate.interval);
        let x = |value: f64| 220.0 + 320.0 * value;
        let _ = write!(
            svg,
            "<text y=\"{}\">{}</text><rect x=\"{:.1}\" y=\"{}\" width=\"{:.1}\" height=\"4\"/><rect x=\"{:.1}\" y=\"{y}\" width=\"3\" height=\"16\"/><text x=\"548\" y=\"{}\">{:.3}</text>",
            y + 13,
            escape(&shown(name)),
            x(low),
            y + 6,
            320.0 * (high - low),
            x(quality.estimate.mean) - 1.5,
            y + 13,
            quality.estimate.mean
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

//! The report on a terminal.

use std::collections::BTreeMap;

use crate::commands::judge::quality as judged;
use crate::decisions::report::{Figures, Observing, Quality, Report, Spread};
use crate::judge::estimate::Estimate;

/// Cells of the longest bar.
const WIDTH: f64 = 24.0;

/// Rows that a table shows: there may be thousands of tasks.
const MOST_ROWS: usize = 20;

/// The widest name that is not cut.
const LONGEST_NAME: usize = 28;

pub(super) fn text(report: &Report) -> String {
    let Some((first, last)) = report.between else { return "the log has no requests in this time\n".to_owned() };
    let total = &report.total;
    let mut lines = vec![format!("{} requests, {first:.0} to {last:.0}", total.requests)];
    lines.extend(alarms(report));
    lines.push(String::new());
    lines.extend(money(total));
    lines.push(String::new());
    lines.extend(rest(total));
    if let Some(judge) = report.judge.as_ref().filter(|judge| judge.total.is_some()) {
        lines.push(String::new());
        lines.push("by a judge, of all requests that could be judged".to_owned());
        lines.extend(judged(judge).lines().map(str::to_owned));
    }
    for (title, groups) in groups(report) {
        lines.push(String::new());
        lines.extend(table(title, groups));
    }
    lines.join("\n") + "\n"
}

/// What takes certificates away.
pub(super) fn alarms(report: &Report) -> impl Iterator<Item = String> + '_ {
    report.alarms.iter().map(|alarm| format!("CERTIFICATES ARE VOID: {}", plain(&alarm.reason())))
}

/// The groups that tell more than the total.
pub(super) fn groups(report: &Report) -> impl Iterator<Item = (&'static str, &BTreeMap<String, Figures>)> {
    [
        ("route", &report.by_route),
        ("tenant", &report.by_tenant),
        ("key", &report.by_key),
        ("task", &report.by_task),
        ("tier", &report.by_tier),
        ("model version", &report.by_model_version),
    ]
    .into_iter()
    .filter(|(_, groups)| groups.len() > 1 || groups.keys().any(|name| !name.is_empty()))
}

/// Label and amount of each line about money.
pub(super) fn money(figures: &Figures) -> Vec<String> {
    let longest = figures.cost_usd.max(figures.frontier_usd);
    let line = |label: &str, usd: f64| format!("{label:<16} {:>14}  {}", dollars(usd), bar(usd, longest));
    let mut lines = vec![line("spent", figures.cost_usd), line("always frontier", figures.frontier_usd)];
    let share = figures.routing_saved_share.map(|share| format!("  {} of always frontier", percent(share)));
    lines.push(format!(
        "{:<16} {:>14}{}",
        "saved by routing",
        dollars(figures.routing_saved_usd),
        share.unwrap_or_default()
    ));
    if figures.judge_usd > 0.0 {
        lines.push(format!("{:<16} {:>14}  taken off what routing saved", "judging", dollars(figures.judge_usd)));
    }
    lines.push(format!("{:<16} {:>14}", "saved by caches", dollars(figures.cache_saved_usd)));
    if let Some(observed) = figures.observed {
        lines.extend(self::observed(observed));
    }
    if figures.cost_unknown > 0 {
        lines.push(format!("  {} requests without a known cost are in neither saving", figures.cost_unknown));
    }
    lines
}

/// What routing would have cost and lost.
fn observed(observed: Observing) -> [String; 2] {
    let Observing { requests, elsewhere, cost_usd, routed_usd, lost } = observed;
    let cost = format!("{} in place of {}, climbs not counted", dollars(routed_usd), dollars(cost_usd));
    let lost = match lost.filter(|lost| lost.judged > 0) {
        None => "nobody has judged what it would have lost: see docs/judging.md".to_owned(),
        Some(Estimate { mean, interval: [low, high], judged, requests, .. }) => format!(
            "{} ({} to {}) of the answers there would have been worse, climbs not counted, by {judged} judged of {requests}",
            percent(mean),
            percent(low),
            percent(high)
        ),
    };
    [
        format!("observed         {requests:>14}  {elsewhere} of them would have begun at another tier: {cost}"),
        format!("{:<16} {:>14}  {lost}", "", ""),
    ]
}

fn rest(figures: &Figures) -> Vec<String> {
    vec![
        format!("failed           {:>14}", figures.failed),
        format!("cancelled        {:>14}", figures.cancelled),
        format!("escalated        {:>14}{}", figures.escalated.map_or_else(none, percent), reasons(figures)),
        format!("cache hits       {:>14}", figures.cache_hit.map_or_else(none, percent)),
        format!("latency          {}", spread(figures.latency_ms, " ms")),
        format!("first byte       {}", spread(figures.ttft_ms, " ms")),
        format!("output tokens    {}", spread(figures.output_tokens, "")),
        format!("quality          {}", figures.quality.map_or_else(|| "nobody has given feedback".to_owned(), quality)),
    ]
}

/// Why answers did not pass, the most common reason first.
pub(super) fn reasons(figures: &Figures) -> String {
    let mut reasons: Vec<_> = figures.escalations.iter().collect();
    reasons.sort_by(|(_, a), (_, b)| b.cmp(a));
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    if reasons.is_empty() { String::new() } else { format!("  by {}", reasons.join(", ")) }
}

fn table(title: &str, groups: &BTreeMap<String, Figures>) -> Vec<String> {
    let header = format!(
        "{title:<LONGEST_NAME$} {:>9} {:>14} {:>9} {:>9} {:>9}",
        "requests", "spent", "saved", "climbed", "p95 ms"
    );
    let longest = groups.values().map(|figures| figures.cost_usd).fold(0.0, f64::max);
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by(|(_, a), (_, b)| b.cost_usd.total_cmp(&a.cost_usd));
    let row = |(name, figures): (&String, &Figures)| {
        format!(
            "{:<LONGEST_NAME$} {:>9} {:>14} {:>9} {:>9} {:>9}  {}",
            shown(name),
            figures.requests,
            dollars(figures.cost_usd),
            figures.routing_saved_share.map_or_else(none, percent),
            figures.escalated.map_or_else(none, percent),
            figures.latency_ms.map_or_else(none, |spread| format!("{:.0}", spread.p95)),
            bar(figures.cost_usd, longest)
        )
    };
    let more = groups.len().saturating_sub(MOST_ROWS);
    let more = (more > 0).then(|| format!("and {more} more, in --json"));
    std::iter::once(header).chain(groups.into_iter().take(MOST_ROWS).map(row)).chain(more).collect()
}

/// A name as it fits; control characters of a name that a client chose do not reach the terminal.
pub(super) fn shown(name: &str) -> String {
    if name.is_empty() {
        return "(none)".to_owned();
    }
    let name = plain(name);
    if name.chars().count() <= LONGEST_NAME {
        return name;
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

pub(super) fn dollars(usd: f64) -> String {
    format!("${usd:.4}")
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn none() -> String {
    "-".to_owned()
}

pub(super) fn spread(spread: Option<Spread>, unit: &str) -> String {
    let Some(Spread { p50, p95, p99 }) = spread else { return none() };
    format!("p50 {p50:.0}{unit}   p95 {p95:.0}{unit}   p99 {p99:.0}{unit}")
}

pub(super) fn quality(quality: Quality) -> String {
    let Quality { judged, mean, interval: [low, high] } = quality;
    format!("{mean:.3} ({low:.3} to {high:.3}) of {judged} that feedback speaks of")
}

fn bar(value: f64, longest: f64) -> String {
    let cells = if longest > 0.0 { (value / longest * WIDTH).round() as usize } else { 0 };
    "█".repeat(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_harm_no_terminal() {
        assert_eq!((shown(""), shown("acme")), ("(none)".to_owned(), "acme".to_owned()));
        assert_eq!(shown("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(shown(&"x".repeat(40)).chars().count(), LONGEST_NAME);
    }

    #[test]
    fn bars_are_shares_of_the_longest() {
        assert_eq!(
            (bar(1.0, 2.0).chars().count(), bar(2.0, 2.0).chars().count(), bar(0.0, 0.0)),
            (12, 24, String::new())
        );
    }
}

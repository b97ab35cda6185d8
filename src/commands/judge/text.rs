//! What `rungs judge` prints on a terminal.

use std::fmt::Write;

use super::anchors::Brought;
use super::{Done, Status};
use crate::judge::anchors::Standing;
use crate::judge::estimate::agreement::Rate;
use crate::judge::figures::{Figures, Quality};

pub(super) fn done(done: &Done) -> String {
    let Done { judged, failed, batched, unaffordable } = done;
    format!(
        "{judged} judged, {failed} tries failed, {batched} wait for a batch, {unaffordable} times there was no money\n"
    )
}

pub(super) fn brought(brought: &Brought) -> String {
    let Brought { anchors, undecided } = brought;
    format!("{anchors} anchors; {undecided} rows on which people do not agree are left out\n")
}

pub(super) fn status(status: &Status) -> String {
    let jobs = &status.figures.jobs;
    let mut text = format!(
        "jobs        {} waiting, {} under way, {} in batches, {} judged, {} put aside\nfailed      {} tries\nspent       ${:.4}\n\n",
        jobs.waiting, jobs.leased, jobs.batched, jobs.done, jobs.dead, jobs.failures, jobs.spent_usd
    );
    text += &quality(&status.figures);
    if !status.figures.anchors.is_empty() {
        let _ = write!(text, "\n{}", standings(&status.figures.anchors));
    }
    if !status.dead.is_empty() {
        text += "\nput aside (`rungs judge requeue` tries them again)\n";
    }
    for letter in &status.dead {
        let _ = writeln!(text, "  {}  after {} tries: {}", letter.id, letter.attempts, shown(&letter.error));
    }
    text
}

/// Quality in all and by group, and what the judge is led by.
pub(crate) fn quality(figures: &Figures) -> String {
    let Some(total) = &figures.total else { return "no request could be judged in this time\n".to_owned() };
    let mut text = format!("quality     {}\n", estimate(total));
    match (&total.corrected, &total.not_corrected) {
        (Some(corrected), _) => {
            let [low, high] = corrected.interval;
            let _ = writeln!(
                text,
                "corrected   {:.3} ({low:.3} to {high:.3}) with the judge's errors taken out",
                corrected.mean
            );
        }
        (None, Some(why)) => {
            let _ = writeln!(text, "corrected   no: {why}");
        }
        (None, None) => {}
    }
    for (name, groups) in
        [("route", &figures.by_route), ("tier", &figures.by_tier), ("model version", &figures.by_model_version)]
    {
        for (group, quality) in groups.iter().filter(|(group, _)| groups.len() > 1 || !group.is_empty()) {
            let group = if group.is_empty() { "(none)".to_owned() } else { shown(group) };
            let _ = writeln!(text, "  {name} {group}: {}", estimate(quality));
        }
    }
    if let Some(flips) = figures.position.flip_rate {
        let _ = writeln!(text, "position    {} of the verdicts change with the order", rate(Some(flips)));
    }
    if let Some(length) = figures.length {
        let _ = writeln!(
            text,
            "length      coefficient {:+.2} ± {:.2} of {} comparisons (0: length does not count)",
            length.coefficient, length.standard_error, length.of
        );
    }
    text
}

pub(super) fn standings(standings: &[Standing]) -> String {
    if standings.is_empty() {
        return "no judge has judged an anchor\n".to_owned();
    }
    let mut text =
        format!("{:<40} {:>22} {:>22} {:>14} {:>14}\n", "judge", "sensitivity", "specificity", "flips", "first wins");
    for standing in standings {
        let short = |rate: Option<Rate>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.3}", rate.share));
        let _ = writeln!(
            text,
            "{:<40} {:>22} {:>22} {:>14} {:>14}",
            shown(&standing.judge),
            rate(standing.sensitivity),
            rate(standing.specificity),
            short(standing.position.flip_rate),
            short(standing.position.first_wins)
        );
    }
    text
}

fn estimate(quality: &Quality) -> String {
    let found = &quality.estimate;
    let [low, high] = found.interval;
    format!("{:.3} ({low:.3} to {high:.3}) by {} judged of {} requests", found.mean, found.judged, found.requests)
}

fn rate(rate: Option<Rate>) -> String {
    let Some(Rate { share, interval: [low, high], .. }) = rate else { return "-".to_owned() };
    format!("{share:.3} ({low:.3}–{high:.3})")
}

/// Control characters of what models and clients write do not reach the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}

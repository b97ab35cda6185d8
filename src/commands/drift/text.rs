//! The backtest on a terminal.

use super::Report;
use crate::drift::backtest::{Alarm, Found};

pub(super) fn text(report: &Report) -> String {
    let of =
        report.answers.map_or_else(|| "simulated answers".to_owned(), |answers| format!("{answers} recorded answers"));
    let mut lines = vec![
        format!(
            "{of}, {:.1}% fail; the monitors learn from {}; {} runs",
            100.0 * report.rate,
            report.baseline,
            report.runs
        ),
        format!("false alarm in 10,000 judged answers: {:.1}% of the runs", 100.0 * report.false_alarms_in_10k),
        String::new(),
        "  drop    mean     p50     p90   ≤ 400   not found   requests at 1%   at 5%".to_owned(),
    ];
    lines.extend(report.drops.iter().map(line));
    if report.answers.is_some() {
        lines.push(String::new());
        lines.push(format!("alarms over the stream as it was recorded: {}", report.recorded.len()));
        lines.extend(report.recorded.iter().map(alarm));
    }
    lines.join("\n") + "\n"
}

fn line(found: &Found) -> String {
    let Found { drop, within_400, mean, p50, p90, not_found } = found;
    format!(
        "{:>4.0} pp {mean:>7.0} {p50:>7.0} {p90:>7.0} {:>6.1}% {:>10.1}% {:>16.0} {:>7.0}",
        100.0 * drop,
        100.0 * within_400,
        100.0 * not_found,
        mean / 0.01,
        mean / 0.05
    )
}

fn alarm(alarm: &Alarm) -> String {
    let Alarm { answer, id, monitor, moved } = alarm;
    let [low, high] = moved.interval.map(|end| 100.0 * end);
    let id: String = id.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!(
        "  answer {answer} ({id}): {monitor}, {:.1}% → {:.1}% ({low:.1} to {high:.1})",
        100.0 * moved.from,
        100.0 * moved.to
    )
}

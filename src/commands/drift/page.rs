//! The backtest as a page of its own, plots drawn in it.

use std::fmt::Write;

use super::{Report, text};

/// The page around the plots; `{{body}}` is filled in.
const PAGE: &str = include_str!("page.html");

/// Inside of a plot, in pixels.
const SIZE: (f64, f64) = (560.0, 240.0);

/// Room for what is written left of a plot and above it.
const ROOM: (f64, f64) = (60.0, 28.0);

/// The least share of the limit that is drawn.
const LEAST: f64 = 1e-4;

pub(super) fn page(report: &Report) -> String {
    let mut body = format!("<pre>{}</pre>\n", escape(&text::text(report)));
    body += &delays(report);
    body += &path(report);
    PAGE.replace("{{body}}", &body)
}

/// Mean and p90 of the delay by drop.
fn delays(report: &Report) -> String {
    let most = report.drops.iter().map(|found| found.p90).fold(1.0, f64::max);
    let widest = report.drops.iter().map(|found| found.drop).fold(0.01, f64::max);
    let mut svg = open("judged answers until a drop is found: mean (filled), 9 runs in 10 (empty)");
    for found in &report.drops {
        let x = ROOM.0 + found.drop / widest * (SIZE.0 - 40.0);
        let y = |value: f64| ROOM.1 + SIZE.1 * (1.0 - value / most);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"/>\
             <circle class=\"e\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"/><text x=\"{:.1}\" y=\"{:.1}\">{:.0} pp</text>\
             <text x=\"{:.1}\" y=\"{:.1}\">{:.0}</text>",
            y(found.mean),
            y(found.p90),
            y(found.mean),
            y(found.p90),
            x - 14.0,
            ROOM.1 + SIZE.1 + 18.0,
            100.0 * found.drop,
            x + 8.0,
            y(found.mean) + 4.0,
            found.mean
        );
    }
    svg + "</svg>\n"
}

/// The statistic of one run, on a logarithmic scale, with its limit.
fn path(report: &Report) -> String {
    let last = report.path.last().map_or(1.0, |[n, _]| n.max(1.0));
    let point = |[n, evidence]: &[f64; 2]| {
        let height = evidence.max(LEAST).log10() / LEAST.log10();
        format!("{:.1},{:.1}", ROOM.0 + n / last * SIZE.0, ROOM.1 + SIZE.1 * height)
    };
    let points: Vec<String> = report.path.iter().map(point).collect();
    let change = ROOM.0 + 1_000.0 / last * SIZE.0;
    let mut svg =
        open("the statistic of one run against its limit (top), answers fail 10 points more often from the line on");
    let _ = write!(
        svg,
        "<line class=\"l\" x1=\"{change:.1}\" x2=\"{change:.1}\" y1=\"{}\" y2=\"{}\"/><polyline points=\"{}\"/>",
        ROOM.1,
        ROOM.1 + SIZE.1,
        points.join(" ")
    );
    for power in 0..=4 {
        let y = ROOM.1 + SIZE.1 * f64::from(power) / 4.0;
        let _ = write!(svg, "<text x=\"8\" y=\"{:.1}\">{}</text>", y + 4.0, 10_f64.powi(-power));
    }
    svg + "</svg>\n"
}

fn open(title: &str) -> String {
    let (width, height) = (SIZE.0 + ROOM.0 + 40.0, SIZE.1 + ROOM.1 + 28.0);
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"><text y=\"16\">{title}</text>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

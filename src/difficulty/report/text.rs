//! For the terminal.

use std::fmt::Write;

use indexmap::IndexMap;

use super::super::figures::{Cost, Figures};
use super::super::slices::Slice;
use super::super::trust::Trust;
use super::super::{Artifact, Verdict};
use super::{NO_COST, NO_SIGNAL, align, best_single, between, cells, number, presets, slice_columns, source};

/// What was fitted: figures first, then what to know about them.
#[must_use]
pub fn summary(artifact: &Artifact, figures: &Figures) -> String {
    let mut text = format!("model {}: {}\n{}", artifact.version(), figures.tiers.join(" → "), lines(figures));
    for (name, point) in presets(artifact) {
        text += &format!(
            "  {name:<9} threshold {:+.3}: {:.1} % to the frontier, quality {:.3}, {:.0} % of the gap\n",
            point.threshold,
            100.0 * point.frontier_share,
            point.quality,
            100.0 * point.pgr,
        );
    }
    if figures.signal == Verdict::None {
        text += NO_SIGNAL;
    }
    text
}

/// The figures of one set of rows.
#[must_use]
pub fn lines(figures: &Figures) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_figures(&mut text, figures);
    text
}

fn write_figures(text: &mut String, figures: &Figures) -> std::fmt::Result {
    let quality: Vec<String> = figures.quality.iter().map(|(tier, quality)| format!("{tier} {quality:.3}")).collect();
    writeln!(
        text,
        "  {} rows in {} groups ({} left out for want of an outcome)",
        figures.n, figures.groups, figures.left_out
    )?;
    write!(text, "  quality   {} (oracle {:.3})", quality.join(", "), figures.oracle[1])?;
    match best_single(figures) {
        Some((tier, _)) => writeln!(text, "; best single model {tier}")?,
        None => writeln!(text)?,
    }
    match figures.apgr {
        Some(apgr) => writeln!(text, "  APGR      {}; random .500", between(Some(apgr), figures.apgr_ci))?,
        None => writeln!(text, "  APGR      undefined: the frontier is not better here")?,
    }
    if let (Some(cpt50), Some(cpt80)) = (figures.cpt50, figures.cpt80) {
        writeln!(text, "  CPT       half of the gap at {cpt50:.1} % frontier calls, four fifths at {cpt80:.1} %")?;
    }
    write!(text, "  lift      {} of quality above the random mix", between(figures.lift, figures.lift_ci))?;
    match figures.oracle_gap_closed {
        Some(closed) => writeln!(text, "; {:.1} % of the oracle's", 100.0 * closed)?,
        None => writeln!(text)?,
    }
    let aucs: Vec<String> = figures.auc.iter().map(|(tier, auc)| format!("{tier} {}", number(*auc))).collect();
    let verdict = if figures.signal == Verdict::Usable { "usable" } else { "none" };
    writeln!(text, "  AUC       {}; calibration error {:.3}; signal {verdict}", aucs.join(", "), figures.ece)?;
    for (tier, Trust { scores, ece, .. }) in &figures.calibration {
        writeln!(
            text,
            "  p({tier}) log-loss {:.3}, Brier {:.3}, slope {:.2}, intercept {:+.2}, calibration error {ece:.3}",
            scores.log_loss, scores.brier, scores.slope, scores.intercept
        )?;
    }
    match &figures.cost {
        Some(cost) => write_cost(text, cost),
        None => writeln!(text, "  cost      {NO_COST}"),
    }
}

fn write_cost(text: &mut String, Cost { source: from, figures: cost }: &Cost) -> std::fmt::Result {
    let [cheap, frontier] = cost.range.map(|usd| 1000.0 * usd);
    writeln!(
        text,
        "  cost      ${cheap:.4} always cheap, ${frontier:.4} always frontier per 1000 requests ({})",
        source(*from),
    )?;
    writeln!(
        text,
        "  AIQ       {} over that range of costs (random mix {}); quality above the random mix at equal cost {}",
        between(cost.aiq, cost.aiq_ci),
        number(cost.aiq_random),
        between(cost.lift, cost.lift_ci),
    )
}

/// A table of slices, which are `of` something: a domain or a route. Nothing where there is only one.
#[must_use]
pub fn slices(of: &str, slices: &IndexMap<String, Slice>) -> String {
    if slices.len() < 2 {
        return String::new();
    }
    align(slice_columns(of), slices.iter().map(|(name, slice)| cells(name, slice)))
}

#[cfg(test)]
mod tests {
    use super::super::super::evaluate::tests::judged;
    use super::*;

    #[test]
    fn a_table_of_slices_says_where_there_is_too_little_to_say() {
        // A gap of ½ in `law`, none in `art`, and five rows of `new`.
        let rows = (0..85).map(|i| match i {
            0..40 => (0.01 * f64::from(i), [f64::from(i % 2), 1.0], Some("law")),
            40..80 => (0.3, [f64::from(i % 2), f64::from(i % 2)], Some("art")),
            _ => (0.3, [0.0, 1.0], Some("new")),
        });
        let figures = judged(rows).figures(0.2);
        let table = slices("domain", &figures.by_domain);
        let line = |name: &str| table.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        assert!(line("art").ends_with("no clear gap"), "{table}");
        assert!(line("new").ends_with("too few groups (under 30)"), "{table}");
        assert!(line("law").contains("0.500  1.000") && line("law").matches("(95 %:").count() == 2, "{table}");
        assert_eq!(slices("route", &figures.by_route), "");
        assert!(
            lines(&figures).contains("85 rows in 85 groups") && lines(&figures).contains("best single model large")
        );
    }
}

//! Plots as inline SVG, readable on a light and on a dark page: text and axes take the page's own colour.

pub mod policies;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::evaluate::Bin;

const SIZE: (u32, u32) = (560, 360);

/// Drawn as `currentColor`.
const INK: RGBColor = RGBColor(1, 2, 3);
const GRID: RGBColor = RGBColor(128, 128, 128);
const BLUE: RGBColor = RGBColor(59, 130, 246);
const ORANGE: RGBColor = RGBColor(234, 128, 24);
const GREEN: RGBColor = RGBColor(22, 163, 74);

/// Why a plot could not be drawn.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the plot cannot be drawn: {0}")]
pub struct PlotError(String);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Quality against what it takes: frontier calls or money.
#[derive(Debug, Clone, Copy)]
pub struct Tradeoff<'a> {
    /// What the x axis shows.
    pub x: &'a str,
    /// (x, quality) from always-cheap to always-frontier.
    pub curve: &'a [[f64; 2]],
    /// The point of calling the frontier exactly where it gains.
    pub oracle: [f64; 2],
    /// Operating points.
    pub marks: &'a [[f64; 2]],
}

/// The score's curve, the random mix of its ends, the oracle with its own mixes, and the operating points. Nothing where
/// the curve has no points.
///
/// # Errors
/// When the drawing backend fails.
pub fn tradeoff(plot: &Tradeoff<'_>) -> Result<String, PlotError> {
    let point = |[x, y]: &[f64; 2]| (*x, *y);
    let curve: Vec<(f64, f64)> = plot.curve.iter().map(point).collect();
    let (Some(&first), Some(&last)) = (curve.first(), curve.last()) else { return Ok(String::new()) };
    let oracle = point(&plot.oracle);
    let all = || curve.iter().copied().chain([oracle]);
    let (x, y) = (padded(all().map(|p| p.0), 0.02), padded(all().map(|p| p.1), 0.05));
    svg(|area| {
        let mut chart =
            ChartBuilder::on(area).margin(10).x_label_area_size(52).y_label_area_size(72).build_cartesian_2d(x, y)?;
        axes(&mut chart, plot.x, "quality")?;
        chart.draw_series([PathElement::new(vec![first, last], GRID.stroke_width(2))])?;
        chart.draw_series([PathElement::new(vec![first, oracle, last], GREEN.stroke_width(2))])?;
        chart.draw_series([Circle::new(oracle, 4, GREEN.filled())])?;
        chart.draw_series([PathElement::new(curve, BLUE.stroke_width(3))])?;
        chart.draw_series(plot.marks.iter().map(|mark| Circle::new(point(mark), 5, ORANGE.filled())))?;
        Ok(())
    })
}

/// The range of the values with a margin of this part of it on both sides. It is never so narrow, for its size or at
/// all, that the backend's axis would run out of decimals.
fn padded(values: impl Iterator<Item = f64>, margin: f64) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let margin = (margin * (high - low)).max(1e-3 * high.abs().max(low.abs())).max(1e-6);
    low - margin..high + margin
}

/// Observed against predicted, a colour per tier (cheap blue, frontier orange); a calibrated head lies on the diagonal.
///
/// # Errors
/// When the drawing backend fails.
pub fn reliability(cheap: &[Bin], frontier: &[Bin]) -> Result<String, PlotError> {
    svg(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(52)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        axes(&mut chart, "predicted", "observed")?;
        chart.draw_series([PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], GRID.stroke_width(2))])?;
        for (bins, colour) in [(cheap, BLUE), (frontier, ORANGE)] {
            let points: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.predicted, bin.observed)).collect();
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
            chart.draw_series([PathElement::new(points, colour.stroke_width(2))])?;
        }
        Ok(())
    })
}

/// How many rows have which score.
///
/// # Errors
/// When the drawing backend fails.
pub fn histogram(scores: &[f64]) -> Result<String, PlotError> {
    const BARS: usize = 40;
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() || !high.is_finite() {
        return Ok(String::new());
    }
    let width = ((high - low) / BARS as f64).max(1e-6);
    let mut counts = [0_u32; BARS];
    for score in scores {
        counts[(((score - low) / width) as usize).min(BARS - 1)] += 1;
    }
    let tallest = f64::from(counts.iter().copied().max().unwrap_or(1));
    svg(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(52)
            .y_label_area_size(72)
            .build_cartesian_2d(low..low + width * BARS as f64, 0.0..tallest * 1.05)?;
        axes(&mut chart, "p frontier − p cheap", "rows")?;
        chart.draw_series(counts.iter().enumerate().map(|(i, count)| {
            let left = low + width * i as f64;
            Rectangle::new([(left, 0.0), (left + 0.9 * width, f64::from(*count))], BLUE.filled())
        }))?;
        Ok(())
    })
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn axes(chart: &mut Chart<'_, '_>, x: &str, y: &str) -> Result<(), PlotError> {
    let font = ("sans-serif", 18).into_font().color(&INK);
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&|x| tick(*x))
        .y_label_formatter(&|y| tick(*y))
        .label_style(font.clone())
        .axis_desc_style(font)
        .axis_style(INK)
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

/// As many decimals as a tick needs, at most five.
fn tick(value: f64) -> String {
    let text = format!("{value:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn svg(draw: impl FnOnce(&Area<'_>) -> Result<(), PlotError>) -> Result<String, PlotError> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    draw(&area)?;
    area.present()?;
    drop(area);
    let box_ = format!("viewBox=\"0 0 {} {}\" role=\"img\"", SIZE.0, SIZE.1);
    let fixed = format!("width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\"", SIZE.0, SIZE.1, SIZE.0, SIZE.1);
    Ok(text.replace(&fixed, &box_).replace("#010203", "currentColor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_svg_in_the_pages_own_colour() {
        let svg = histogram(&[0.1, 0.2, 0.2, 0.4]).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(
            svg.contains("currentColor") && !svg.contains("#010203") && svg.contains("viewBox=\"0 0 560 360\" role"),
            "{svg}"
        );
        assert_eq!(histogram(&[]).unwrap(), "");
    }

    #[test]
    fn ticks_have_the_decimals_that_they_need() {
        assert_eq!([100.0, 0.85, 0.3000000001, -0.0, 1e-5].map(tick), ["100", "0.85", "0.3", "0", "0.00001"]);
    }

    #[test]
    fn a_tradeoff_has_the_curve_the_mix_the_oracle_and_a_mark_per_operating_point() {
        let plot = Tradeoff {
            x: "USD",
            curve: &[[1.0, 0.5], [2.0, 0.9]],
            oracle: [1.2, 0.95],
            marks: &[[1.5, 0.8], [1.7, 0.85]],
        };
        let svg = tradeoff(&plot).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(
            [("#3B82F6", 1), ("#16A34A", 2), ("#EA8018", 2)].iter().all(|(c, n)| svg.matches(c).count() >= *n),
            "{svg}"
        );
        assert_eq!(tradeoff(&Tradeoff { curve: &[], ..plot }).unwrap(), "");
        // One price for both tiers, however large or small: an axis without length.
        for price in [0.0, 1e-12, 1.0, 1e9] {
            let flat = [[price, 0.5], [price, 0.5]];
            assert!(tradeoff(&Tradeoff { curve: &flat, oracle: flat[0], marks: &[], ..plot }).is_ok());
        }
    }

    #[test]
    fn reliability_draws_a_point_per_bin() {
        let bin = Bin { predicted: 0.4, observed: 0.5, share: 1.0 };
        let svg = reliability(&[bin; 3], &[bin; 2]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 5);
    }
}

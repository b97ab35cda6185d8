//! Plots as inline SVG, readable on a light and on a dark page: text and axes take the page's own colour.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::evaluate::{Bin, Evaluation, Operation};

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

/// Quality against the share of requests that go to the frontier, with the random mix, the oracle and the operating
/// points.
///
/// # Errors
/// When the drawing backend fails.
pub fn quality(evaluation: &Evaluation, points: &[Operation]) -> Result<String, PlotError> {
    let curve: Vec<(f64, f64)> = evaluation.curve.iter().map(|[share, quality]| (*share, *quality)).collect();
    let (Some(&first), Some(&last)) = (curve.first(), curve.last()) else { return Ok(String::new()) };
    let oracle = (evaluation.oracle[0], evaluation.oracle[1]);
    let low = curve.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let high = curve.iter().map(|point| point.1).fold(oracle.1, f64::max);
    let margin = 0.05 * (high - low).max(0.02);
    svg(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.0, low - margin..high + margin)?;
        axes(&mut chart, "share of requests to the frontier", "quality")?;
        chart.draw_series([PathElement::new(vec![first, last], GRID.stroke_width(2))])?;
        chart.draw_series([PathElement::new(vec![first, oracle, last], GREEN.stroke_width(2))])?;
        chart.draw_series([PathElement::new(curve, BLUE.stroke_width(3))])?;
        let marks = points.iter().map(|point| (point.frontier_share, point.quality));
        chart.draw_series(marks.map(|mark| Circle::new(mark, 5, ORANGE.filled())))?;
        Ok(())
    })
}

/// Observed against predicted, a colour per tier (cheap blue, frontier orange); a calibrated head lies on the diagonal.
///
/// # Errors
/// When the drawing backend fails.
pub fn reliability(cheap: &[Bin], frontier: &[Bin]) -> Result<String, PlotError> {
    svg(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(44)
            .y_label_area_size(56)
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
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(low..low + width * BARS as f64, 0.0..tallest * 1.05)?;
        axes(&mut chart, "score (p frontier − p cheap)", "rows")?;
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
    let font = ("sans-serif", 14).into_font().color(&INK);
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .label_style(font.clone())
        .axis_desc_style(font)
        .axis_style(INK)
        .bold_line_style(GRID.mix(0.25))
        .light_line_style(TRANSPARENT)
        .draw()?;
    Ok(())
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
    fn reliability_draws_a_point_per_bin() {
        let bin = Bin { predicted: 0.4, observed: 0.5, share: 1.0 };
        let svg = reliability(&[bin; 3], &[bin; 2]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 5);
    }
}

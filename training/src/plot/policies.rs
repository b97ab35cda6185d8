//! Policies in the plane of cost and quality.

use plotters::prelude::*;

use super::{BLUE, GREEN, GRID, INK, ORANGE, PlotError, axes, svg};
use crate::policies::Point;

/// Quality over cost ratio: the random mix grey, the router blue, the cascade orange, their union green; `points` are
/// (name, cost ratio, quality) of operating points, the oracle's a ring.
///
/// # Errors
/// When the drawing backend fails.
pub fn quality_over_cost(grid: &[Point], points: &[(&str, f64, f64)]) -> Result<String, PlotError> {
    let line = |of: fn(&Point) -> Option<f64>| -> Vec<(f64, f64)> {
        grid.iter().filter_map(|point| Some((point.cost_ratio, of(point)?))).collect()
    };
    let lines = [
        (line(|point| point.random_mix), GRID, 2),
        (line(|point| point.router_cascade), GREEN, 5),
        (line(|point| point.router), BLUE, 2),
        (line(|point| point.cascade), ORANGE, 2),
    ];
    let qualities = || lines.iter().flat_map(|line| &line.0).map(|at| at.1).chain(points.iter().map(|at| at.2));
    let (low, high) = (qualities().fold(f64::INFINITY, f64::min), qualities().fold(f64::NEG_INFINITY, f64::max));
    if !low.is_finite() || !high.is_finite() {
        return Ok(String::new());
    }
    let dearest = points.iter().map(|at| at.1).fold(1.0, f64::max);
    let margin = 0.05 * (high - low).max(0.02);
    svg(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.02 * dearest, low - margin..high + margin)?;
        axes(&mut chart, "cost against always-frontier", "quality")?;
        for (line, colour, width) in &lines {
            chart.draw_series([PathElement::new(line.clone(), colour.stroke_width(*width))])?;
        }
        for (name, cost, quality) in points {
            let colour = match *name {
                "router" => BLUE,
                "cascade" => ORANGE,
                "router+cascade" => GREEN,
                "random-mix" => GRID,
                _ => INK,
            };
            let style = if *name == "oracle" { colour.stroke_width(2) } else { colour.filled() };
            chart.draw_series([Circle::new((*cost, *quality), 5, style)])?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_drawn_and_gaps_are_left_out() {
        let point = |cost_ratio: f64| Point {
            cost_ratio,
            random_mix: Some(0.5 + 0.3 * cost_ratio),
            router: Some(0.6 + 0.2 * cost_ratio),
            cascade: (cost_ratio > 0.3).then_some(0.7),
            router_cascade: Some(0.8),
        };
        let svg =
            quality_over_cost(&[point(0.2), point(0.5), point(1.0)], &[("oracle", 0.2, 0.9), ("router", 0.5, 0.7)])
                .unwrap();
        assert_eq!((svg.matches("<polyline").count() >= 4, svg.matches("<circle").count()), (true, 2), "{svg}");
        assert_eq!(quality_over_cost(&[], &[]).unwrap(), "");
    }
}

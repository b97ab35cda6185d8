//! Means of a curve of (cost, quality) points over the costs from its first point to its last.

/// Mean height of the least concave, non-decreasing curve above the points, over the costs from the first point to the
/// last. `None` where those do not rise.
pub(super) fn aiq(points: &[[f64; 2]]) -> Option<f64> {
    let (low, high) = (points.first()?[0], points.last()?[0]);
    if high <= low {
        return None;
    }
    let hull = hull(points);
    let area: f64 = hull.windows(2).map(|pair| trapezoid(pair[0], pair[1], low, high)).sum();
    let [end, best] = *hull.last()?;
    Some((area + (high - end.max(low)).max(0.0) * best) / (high - low))
}

/// Mean height of the curve through the points over the chord from the first to the last.
pub(super) fn lift(points: &[[f64; 2]]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let width = last[0] - first[0];
    let area: f64 = points.windows(2).map(|pair| 0.5 * (pair[0][1] + pair[1][1]) * (pair[1][0] - pair[0][0])).sum();
    (width > 0.0).then(|| area / width - 0.5 * (first[1] + last[1]))
}

/// Upper concave hull by rising cost, up to the highest quality (Andrew 1979).
fn hull(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let best = (0..sorted.len()).rev().max_by(|&a, &b| sorted[a][1].total_cmp(&sorted[b][1])).unwrap_or(0);
    let mut hull: Vec<[f64; 2]> = Vec::new();
    for point in sorted.iter().take(best + 1) {
        while let [.., a, b] = hull[..]
            && (b[0] - a[0]) * (point[1] - a[1]) >= (b[1] - a[1]) * (point[0] - a[0])
        {
            hull.pop();
        }
        hull.push(*point);
    }
    hull
}

/// The area below a line within [low, high].
fn trapezoid(a: [f64; 2], b: [f64; 2], low: f64, high: f64) -> f64 {
    let (from, to) = (a[0].max(low), b[0].min(high));
    if to <= from {
        return 0.0;
    }
    let height = |x: f64| a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]);
    0.5 * (height(from) + height(to)) * (to - from)
}

/// The first and the last point: the random mix of the two.
pub(super) fn ends(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    points.first().into_iter().chain(points.last()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hull_is_concave_never_falls_and_its_mean_height_is_the_aiq() {
        // Hull: (0, 0) (1, 3) (3, 4), then flat to 4; (2, 3) lies below the line from (1, 3) to (3, 4).
        let points = [[0.0, 0.0], [1.0, 3.0], [2.0, 3.0], [3.0, 4.0], [4.0, 2.0]];
        assert_eq!(hull(&points), [[0.0, 0.0], [1.0, 3.0], [3.0, 4.0]]);
        assert!((aiq(&points).unwrap() - (1.5 + 7.0 + 4.0) / 4.0).abs() < 1e-12);
        // A frontier that is worse: the hull stays at the cheap tier.
        assert_eq!(aiq(&[[1.0, 0.8], [3.0, 0.6]]), Some(0.8));
        assert_eq!(aiq(&[[1.0, 0.8], [1.0, 0.9]]), None);
        assert_eq!(aiq(&[]), None);
    }

    #[test]
    fn points_beyond_the_range_count_only_within_it() {
        // From (0, 0) the hull passes (2, 2); of it the range 1 to 2 counts.
        assert!((aiq(&[[1.0, 0.0], [0.0, 0.0], [2.0, 2.0]]).unwrap() - 1.5).abs() < 1e-12);
        // The best point is cheaper than the range: nothing in it is higher.
        assert_eq!(aiq(&[[1.0, 0.5], [0.5, 0.9], [2.0, 0.6]]), Some(0.9));
    }

    #[test]
    fn the_lift_is_over_the_chord_and_counts_what_lies_below_it() {
        // Over the chord from (0, 0) to (4, 4): one above at 1, one below at 3.
        assert!((lift(&[[0.0, 0.0], [1.0, 2.0], [4.0, 4.0]]).unwrap() - 0.5).abs() < 1e-12);
        assert!(lift(&[[0.0, 0.0], [1.0, 2.0], [3.0, 2.0], [4.0, 4.0]]).unwrap().abs() < 1e-12);
        assert_eq!(lift(&[[1.0, 0.0], [1.0, 1.0]]), None);
    }
}

//! What a judge looks at that it should not: the order of two answers, and their length.

use serde::Serialize;

use super::agreement::{Rate, rate};

/// A comparison of two answers by the judge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// 1 for the judged answer, 0 for the other, one half for neither.
    pub preferred: f64,
    /// Whether the judged one was shown first.
    pub first: bool,
    /// Characters of the judged and of the other answer.
    pub lengths: Option<[u64; 2]>,
}

/// How often the first answer wins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Position {
    /// Of pairs that were judged in both orders, the share whose verdict changed with the order.
    pub flip_rate: Option<Rate>,
    /// Of all comparisons that were decided, the share that went to the answer shown first; one half without a bias.
    pub first_wins: Option<Rate>,
}

/// How much length counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Length {
    /// The coefficient of ln(length of the judged answer / length of the other) in a logistic regression of its wins: 0 where
    /// length does not count, positive where the longer answer wins.
    pub coefficient: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The comparisons.
    pub of: u64,
}

/// Comparisons that a coefficient takes.
const FEWEST: usize = 20;

/// Newton's steps.
const STEPS: usize = 50;

/// A prior of this precision keeps the coefficient finite where length decides every comparison.
const RIDGE: f64 = 1e-2;

/// The bias of position. `pairs` are those judged in both orders, what was said first and then.
#[must_use]
pub fn position(comparisons: &[Compared], pairs: &[[f64; 2]]) -> Position {
    let flips = pairs.iter().filter(|[one, other]| one != other).count();
    let decided = comparisons.iter().filter(|one| one.preferred != 0.5);
    let first = decided.clone().filter(|one| (one.preferred > 0.5) == one.first).count();
    Position {
        flip_rate: rate(flips as u64, pairs.len() as u64),
        first_wins: rate(first as u64, decided.count() as u64),
    }
}

/// The length–win coefficient, by Newton's method; a tie is half a win. `None` for fewer than 20 comparisons.
#[must_use]
pub fn length(comparisons: &[Compared]) -> Option<Length> {
    let points: Vec<(f64, f64)> = comparisons
        .iter()
        .filter_map(|one| {
            let [own, other] = one.lengths?;
            (own > 0 && other > 0).then(|| ((own as f64 / other as f64).ln(), one.preferred))
        })
        .collect();
    if points.len() < FEWEST {
        return None;
    }
    let [mut intercept, mut slope] = [0.0, 0.0];
    let mut curvature = [RIDGE, 0.0, RIDGE];
    for _ in 0..STEPS {
        let mut gradient: [f64; 2] = [-RIDGE * intercept, -RIDGE * slope];
        curvature = [RIDGE, 0.0, RIDGE];
        for (x, y) in &points {
            let p: f64 = 1.0 / (1.0 + (-(intercept + slope * x)).exp());
            let weight = p * (1.0 - p);
            gradient = [gradient[0] + y - p, gradient[1] + (y - p) * x];
            curvature = [curvature[0] + weight, curvature[1] + weight * x, curvature[2] + weight * x * x];
        }
        let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
        let step = [
            (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
            (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
        ];
        // A step that is too long overshoots where nearly all comparisons are decided by length.
        let shorten = (1.0 / step[0].abs().max(step[1].abs()).max(f64::MIN_POSITIVE)).min(1.0);
        intercept += shorten * step[0];
        slope += shorten * step[1];
        if step[0].abs().max(step[1].abs()) < 1e-10 {
            break;
        }
    }
    let [a, b, c] = curvature;
    Some(Length { coefficient: slope, standard_error: (a / (a * c - b * b)).sqrt(), of: points.len() as u64 })
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn compared(seed: u64, slope: f64) -> Vec<Compared> {
        let mut rng = StdRng::seed_from_u64(seed);
        let one = |_| {
            let lengths = [rng.random_range(50..1000), rng.random_range(50..1000)];
            let x = (lengths[0] as f64 / lengths[1] as f64).ln();
            let wins = rng.random_bool(1.0 / (1.0 + (-slope * x - 0.3_f64).exp()));
            Compared { preferred: f64::from(u8::from(wins)), first: rng.random_bool(0.5), lengths: Some(lengths) }
        };
        (0..5000).map(one).collect()
    }

    #[test]
    fn a_planted_coefficient_is_found() {
        for slope in [0.0, 0.8, -0.5] {
            let found = length(&compared(1, slope)).unwrap();
            assert!((found.coefficient - slope).abs() < 3.0 * found.standard_error, "{slope}: {found:?}");
            assert!(found.standard_error < 0.06, "{found:?}");
        }
    }

    #[test]
    fn where_length_decides_everything_the_coefficient_is_large_and_finite() {
        let decided: Vec<Compared> = compared(2, 0.0)
            .into_iter()
            .map(|one| Compared {
                preferred: f64::from(u8::from(one.lengths.unwrap()[0] > one.lengths.unwrap()[1])),
                ..one
            })
            .collect();
        let found = length(&decided).unwrap();
        assert!(
            found.coefficient > 5.0 && found.coefficient.is_finite() && found.standard_error.is_finite(),
            "{found:?}"
        );
        assert_eq!(length(&decided[..19]), None);
    }

    #[test]
    fn a_judge_that_always_takes_the_first_is_found_out() {
        let first = |first| Compared { preferred: if first { 1.0 } else { 0.0 }, first, lengths: None };
        let found =
            position(&[first(true), first(false), first(true)], &[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]]);
        assert_eq!((found.first_wins.unwrap().share, found.flip_rate.unwrap().share), (1.0, 0.5));
        assert_eq!(position(&[], &[]), Position { flip_rate: None, first_wins: None });
    }
}

//! What a score gains over sending requests at random.

use super::auc::Ranking;

/// The area under the gain over the share of rows sent to the frontier, highest scores first. Rows of equal score are
/// sent in random order, so that the curve is straight across a tie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Gain per row, averaged over all frontier shares.
    mean: f64,
    /// Gain per row when every row goes to the frontier.
    gap: f64,
}

impl Area {
    /// The area of a ranking; `gains` are frontier label less cheap label. `None` where no row has weight.
    #[must_use]
    pub fn new(ranking: &Ranking, gains: &[f64], weights: &[f64]) -> Option<Self> {
        let (mut area, mut sent, mut gained) = (0.0, 0.0, 0.0);
        ranking.runs([gains], weights, |weight, [gain]| {
            area += weight * (gained + 0.5 * gain);
            (sent, gained) = (sent + weight, gained + gain);
        });
        (sent > 0.0).then(|| Self { mean: area / (sent * sent), gap: gained / sent })
    }

    /// APGR: the area under PGR, which is gain over gap; ½ for a random score. `None` where the frontier is no better
    /// than the cheap tier.
    #[must_use]
    pub fn apgr(self) -> Option<f64> {
        (self.gap > 0.0).then(|| self.mean / self.gap)
    }

    /// Quality above the random mix of the two tiers at the same frontier share, averaged over all shares; 0 for a
    /// random score. Unlike APGR it is defined without a gap.
    #[must_use]
    pub fn lift(self) -> f64 {
        self.mean - 0.5 * self.gap
    }
}

/// Gain per row when this share of the rows, those of the highest scores, goes to the frontier. `None` where no row has
/// weight.
#[must_use]
pub fn gain_at(ranking: &Ranking, gains: &[f64], weights: &[f64], share: f64) -> Option<f64> {
    let total: f64 = weights.iter().sum();
    let (mut left, mut gained) = (share * total, 0.0);
    ranking.runs([gains], weights, |weight, [gain]| {
        if weight > 0.0 && left > 0.0 {
            gained += gain * (left / weight).min(1.0);
            left -= weight;
        }
    });
    (total > 0.0).then(|| gained / total)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    const FALLING: [f64; 6] = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
    const GAINS: [f64; 6] = [1.0, 1.0, 0.0, 0.0, -1.0, 1.0];

    fn area(scores: &[f64], gains: &[f64]) -> Area {
        Area::new(&Ranking::new(scores), gains, &vec![1.0; gains.len()]).unwrap()
    }

    #[test]
    fn apgr_is_the_area_under_the_curve() {
        // Trapezoids over PGR 0 ½ 1 1 1 ½ 1.
        let expected = (0.25 + 0.75 + 1.0 + 1.0 + 0.75 + 0.75) / 6.0;
        assert!((area(&FALLING, &GAINS).apgr().unwrap() - expected).abs() < 1e-12);
        assert_eq!(area(&[1.0; 6], &GAINS).apgr(), Some(0.5));
        assert_eq!(area(&FALLING, &[-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]).apgr(), None);
    }

    #[test]
    fn the_lift_is_the_mean_height_over_the_chord() {
        // The gap is 2/6: (APGR − ½) of it.
        assert!((area(&FALLING, &GAINS).lift() - (4.5 / 6.0 - 0.5) * 2.0 / 6.0).abs() < 1e-12);
        assert_eq!(area(&[1.0; 6], &GAINS).lift(), 0.0);
        // Gains 1 and −1: no gap, and yet the curve rises to ½ and falls back; its mean height is ¼.
        assert!((area(&[0.2, 0.1], &[1.0, -1.0]).lift() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_gain_at_a_share_is_straight_across_a_tie_and_counts_weights() {
        let at = |scores: &[f64], weights: &[f64], share| {
            gain_at(&Ranking::new(scores), &GAINS[..scores.len()], weights, share).unwrap()
        };
        assert!((at(&FALLING, &[1.0; 6], 0.5) - 2.0 / 6.0).abs() < 1e-12);
        assert!((at(&FALLING, &[1.0; 6], 1.0) - 2.0 / 6.0).abs() < 1e-12);
        assert!((at(&[1.0; 6], &[1.0; 6], 0.5) - 1.0 / 6.0).abs() < 1e-12);
        // Weights 3, 1: the half is two thirds of the first row.
        assert!((at(&[0.2, 0.1], &[3.0, 1.0], 0.5) - 0.5).abs() < 1e-12);
        assert_eq!(at(&FALLING, &[1.0; 6], 0.0), 0.0);
    }

    #[test]
    fn a_random_score_has_an_apgr_of_one_half() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        let gains: Vec<f64> = (0..500).map(|i| if i % 5 == 0 { 1.0 } else { 0.0 }).collect();
        let runs = (0..200).map(|_| {
            let scores: Vec<f64> = (0..500).map(|_| rng.random()).collect();
            area(&scores, &gains).apgr().unwrap()
        });
        let mean = runs.sum::<f64>() / 200.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}

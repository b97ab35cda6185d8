//! How the learners are mixed.

use super::Probabilities;
use crate::Dataset;

/// A convex mixture of the learners' probabilities, the same for all tiers, so that the mixture's gain is the mixture of
/// the gains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Weight of the forest, in [0, 1].
    pub forest: f64,
    /// Weight of the neighbours, in [0, 1]; the logistic heads have what is left of 1.
    pub neighbours: f64,
}

/// What the learners say: per learner, per tier, per row, a probability.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) linear: &'a Probabilities,
    pub(super) forest: &'a Probabilities,
    pub(super) neighbours: &'a Probabilities,
}

/// Steps of the grid of weights.
const STEPS: u8 = 8;

impl Mixture {
    /// All mixtures in eighths.
    #[must_use]
    pub fn grid() -> Vec<Self> {
        let share = |eighths: u8| f64::from(eighths) / f64::from(STEPS);
        let beside = move |forest: u8| {
            (0..=STEPS - forest).map(move |neighbours| Self { forest: share(forest), neighbours: share(neighbours) })
        };
        (0..=STEPS).flat_map(beside).collect()
    }

    /// Weight of the logistic heads, in [0, 1].
    #[must_use]
    pub fn linear(self) -> f64 {
        1.0 - self.forest - self.neighbours
    }

    /// The candidate with the least log-loss on held-out probabilities.
    pub(super) fn choose(candidates: &[Self], said: Said<'_>, data: &Dataset) -> Self {
        let losses =
            candidates.iter().map(|mixture| (log_loss(&mixture.mix(said), &data.labels, &data.weights), *mixture));
        let least = losses.min_by(|a, b| a.0.total_cmp(&b.0));
        least.map_or(Self { forest: 0.5, neighbours: 0.25 }, |(_, mixture)| mixture)
    }

    /// The mixture of the learners' probabilities.
    pub(super) fn mix(&self, said: Said<'_>) -> Probabilities {
        let Said { linear, forest, neighbours } = said;
        let tiers = linear.iter().zip(forest).zip(neighbours);
        tiers.map(|((l, f), n)| l.iter().zip(f).zip(n).map(|((l, f), n)| self.of(*l, *f, *n)).collect()).collect()
    }

    /// The mixture of one row's probabilities of one tier.
    pub(super) fn of(self, linear: f64, forest: f64, neighbours: f64) -> f64 {
        self.forest * forest + self.neighbours * neighbours + self.linear() * linear
    }
}

/// Weighted log-loss, summed over rows and tiers.
fn log_loss(probabilities: &Probabilities, labels: &[Vec<f64>], weights: &[f64]) -> f64 {
    let loss = |p: f64, y: f64| -(y * p.max(1e-12).ln() + (1.0 - y) * (1.0 - p).max(1e-12).ln());
    let tier =
        |p: &Vec<f64>, y: &Vec<f64>| -> f64 { p.iter().zip(y).zip(weights).map(|((p, y), w)| w * loss(*p, *y)).sum() };
    probabilities.iter().zip(labels).map(|(p, y)| tier(p, y)).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{Parts, Settings};

    #[test]
    fn the_better_learner_gets_the_weight_but_the_forest_stays() {
        let labels: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 4 == 0))).collect();
        let right: Probabilities = vec![labels.iter().map(|y| 0.1 + 0.8 * y).collect(); 2];
        let wrong: Probabilities = right.iter().map(|p| p.iter().map(|p| 1.0 - p).collect()).collect();
        let parts = Parts {
            embedding: Array2::zeros((40, 1)),
            lexical: Array2::zeros((40, 1)),
            labels: vec![labels; 2],
            weights: vec![1.0; 40],
            groups: (0..40).collect(),
            domains: Vec::new(),
        };
        let data = Dataset::new(parts).unwrap();
        let choose = |said| Mixture::choose(&Settings::default().mixtures, said, &data);
        let neighbours = choose(Said { linear: &wrong, forest: &wrong, neighbours: &right });
        assert_eq!(neighbours, Mixture { forest: 0.25, neighbours: 0.75 });
        let linear = choose(Said { linear: &right, forest: &wrong, neighbours: &wrong });
        assert_eq!(linear, Mixture { forest: 0.25, neighbours: 0.0 });
        assert!((Mixture { forest: 0.5, neighbours: 0.25 }.of(0.8, 0.4, 0.2) - 0.45).abs() < 1e-12);
    }

    #[test]
    fn the_grid_holds_every_learner_alone_and_shares_of_one() {
        let grid = Mixture::grid();
        assert_eq!(grid.len(), 45);
        for alone in [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)] {
            assert!(grid.contains(&Mixture { forest: alone.0, neighbours: alone.1 }));
        }
        assert!(grid.iter().all(|mixture| (0.0..=1.0).contains(&mixture.linear())));
    }
}

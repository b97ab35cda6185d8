//! How much a row of the log counts in a fit.

/// Weights of rows that were rarely drawn end here. A fit that leans on a few rows is worse than one that leans a little to
/// the side; whoever estimates a value must not clip.
pub const CLIP: f64 = 20.0;

/// The weight of a row that was drawn with a probability in (0, 1] and is so many days old: 1/π, clipped at [`CLIP`], halved
/// with every half-life.
#[must_use]
pub fn training_weight(propensity: f64, age_days: f64, half_life_days: f64) -> f64 {
    (1.0 / propensity).min(CLIP) * (-age_days.max(0.0) / half_life_days).exp2()
}

/// The same weights with a mean of 1: the penalty of a fit does not grow with them.
#[must_use]
pub fn with_mean_one(weights: &[f64]) -> Vec<f64> {
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    weights.iter().map(|weight| weight / mean.max(f64::MIN_POSITIVE)).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::fit::Mixture;
    use crate::learners::extra_trees::Growth;
    use crate::learners::logistic::sigmoid;
    use crate::random::normal;
    use crate::{Dataset, Fitted, Parts, Settings, fit};

    #[test]
    fn rare_rows_weigh_more_up_to_the_clip_and_old_ones_less() {
        assert_eq!(training_weight(0.1, 0.0, 30.0), 10.0);
        assert_eq!(training_weight(0.01, 0.0, 30.0), CLIP);
        assert_eq!(training_weight(0.1, 60.0, 30.0), 2.5);
        // A clock that runs ahead does not make a row count more.
        assert_eq!(training_weight(0.1, -5.0, 30.0), 10.0);
        assert_eq!(with_mean_one(&[1.0, 3.0]), [0.5, 1.5]);
        assert_eq!(with_mean_one(&[]), [0.0; 0]);
    }

    /// What is known of a request before its answer.
    struct Request {
        x: f64,
        /// What shows after the answer, such as doubt: it decides who is drawn, and hangs together with who fails.
        doubt: f64,
    }

    impl Request {
        fn draw(rng: &mut ChaCha8Rng) -> Self {
            Self { x: normal(rng), doubt: normal(rng) }
        }

        /// P(acceptable), cheap and frontier.
        fn truth(&self) -> [f64; 2] {
            [sigmoid(0.8 + 0.9 * self.x - 1.2 * self.doubt), sigmoid(1.8 + 0.5 * self.x - 0.5 * self.doubt)]
        }

        /// Who seems to be in doubt is drawn four times as often.
        fn propensity(&self) -> f64 {
            if self.doubt > 0.5 { 0.8 } else { 0.2 }
        }
    }

    fn labelled(count: usize, seed: u64) -> Vec<(Request, [f64; 2])> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || {
            let request = Request::draw(&mut rng);
            let y = request.truth().map(|p| f64::from(u8::from(rng.random::<f64>() < p)));
            (request, y)
        };
        (0..count).map(|_| draw()).collect()
    }

    fn data(rows: &[(Request, [f64; 2])], weights: Vec<f64>) -> Dataset {
        let x = |row: usize| rows[row].0.x as f32;
        let parts = Parts {
            embedding: Array2::from_shape_fn((rows.len(), 2), |(row, column)| x(row) * (column as f32 + 1.0)),
            lexical: Array2::from_shape_fn((rows.len(), 1), |(row, _)| x(row)),
            labels: (0..2).map(|tier| rows.iter().map(|row| row.1[tier]).collect()).collect(),
            weights,
            groups: (0..rows.len() as u64).collect(),
            domains: Vec::new(),
        };
        Dataset::new(parts).unwrap()
    }

    fn fitted(rows: &[(Request, [f64; 2])], weights: Vec<f64>) -> Fitted {
        let growth = Growth { trees: 10, leaf: 100, candidates: 1.0 };
        let mixtures = Mixture::grid().into_iter().filter(|mixture| mixture.neighbours == 0.0).collect();
        let settings = Settings { components: 2, growth, l2: vec![10.0], folds: 3, mixtures, ..Settings::default() };
        fit(&data(rows, weights), &settings).unwrap()
    }

    #[test]
    fn on_a_biased_log_the_naive_fit_is_biased_and_the_weighted_one_within_one_per_cent_of_the_truth() {
        const LOGS: u64 = 5;
        let unseen = labelled(10_000, 99);
        let unseen_data = data(&unseen, vec![1.0; unseen.len()]);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let truth = [0, 1].map(|tier| mean(&unseen.iter().map(|row| row.0.truth()[tier]).collect::<Vec<_>>()));
        let mut error = [[0.0; 2]; 2];
        for seed in 0..LOGS {
            let mut drawn = ChaCha8Rng::seed_from_u64(100 + seed);
            let mut log = labelled(12_000, seed);
            log.retain(|(request, _)| drawn.random::<f64>() < request.propensity());
            let weights: Vec<f64> = log.iter().map(|(r, _)| training_weight(r.propensity(), 0.0, 30.0)).collect();
            for (error, weights) in error.iter_mut().zip([vec![1.0; log.len()], with_mean_one(&weights)]) {
                let predicted = fitted(&log, weights).predict(&unseen_data);
                (0..2).for_each(|tier| error[tier] += (mean(&predicted[tier]) - truth[tier]) / LOGS as f64);
            }
        }
        let [naive, weighted] = error;
        eprintln!("truth {truth:.4?}, naive {naive:+.4?}, weighted {weighted:+.4?}");
        for tier in 0..2 {
            assert!(naive[tier].abs() > 0.03 && weighted[tier].abs() < 0.01 * truth[tier], "{naive:?} {weighted:?}");
        }
    }
}

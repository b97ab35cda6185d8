//! Betting against "the mean is at least m".

use super::extrapolate::{SURE, least};

/// A bettor whose wealth Π(1 + λ_i(m − X_i)) over draws X_i in [0, 1] is a supermartingale whenever E[X] ≥ m, so that it
/// ever reaches 1/δ with probability at most δ (Ville's inequality). The stakes are predictable:
///
/// λ_i = min(√(2 ln(1/δ) / (n·σ̂²_{i−1})), ¾/(1 − m)), σ̂²_i = (¼ + Σ_{j≤i}(X_j − μ̂_j)²)/(i + 1),
/// μ̂_i = (½ + Σ_{j≤i} X_j)/(i + 1)
///
/// (Waudby-Smith and Ramdas 2020, predictable plug-in). The cap keeps the wealth positive whatever comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bet {
    m: f64,
    /// ln(1/δ).
    goal: f64,
}

impl Bet {
    pub(super) fn new(m: f64, delta: f64) -> Self {
        Self { m, goal: -delta.ln() }
    }

    /// Whether the wealth reaches 1/δ at some point of the `n` draws.
    pub(super) fn wins(&self, n: usize, draws: impl Iterator<Item = f64>) -> bool {
        let (mut wealth, mut sum, mut squares, mut seen) = (1.0, 0.5, 0.25, 1.0);
        let goal = self.goal.exp();
        for x in draws {
            wealth *= 1.0 + self.stake(n, squares / seen) * (self.m - x);
            if wealth >= goal {
                return true;
            }
            seen += 1.0;
            sum += x;
            squares += (x - sum / seen).powi(2);
        }
        false
    }

    fn stake(&self, n: usize, variance: f64) -> f64 {
        (2.0 * self.goal / (n as f64 * variance)).sqrt().min(0.75 / (1.0 - self.m))
    }

    /// The least number of draws like these that wins in about four of five cases; `None` where it looks as if no
    /// number did.
    ///
    /// A draw adds g(X) = ln(1 + λ(m − X)) to the log-wealth. By the normal approximation n draws bring it to ln(1/δ) in
    /// four of five cases where n·E[g] − .84·√n·sd(g) ≥ ln(1/δ), with λ for that n and for the variance of the draws.
    pub(super) fn needed(&self, draws: &[f64]) -> Option<usize> {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        let values: Vec<(f64, f64)> = sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f64)).collect();
        let (mean, variance) = moments(&values, |x| x);
        if values.is_empty() || mean >= self.m {
            return None;
        }
        least(|n| {
            let stake = self.stake(n, variance.max(f64::MIN_POSITIVE));
            let (growth, spread) = moments(&values, |x| (1.0 + stake * (self.m - x)).ln());
            n as f64 * growth - SURE * (n as f64 * spread).sqrt() >= self.goal
        })
    }
}

/// Mean and variance of a function of values that come with counts.
fn moments(values: &[(f64, f64)], of: impl Fn(f64) -> f64) -> (f64, f64) {
    let n: f64 = values.iter().map(|(_, count)| count).sum();
    let mean = values.iter().map(|(x, count)| count * of(*x)).sum::<f64>() / n;
    (mean, values.iter().map(|(x, count)| count * (of(*x) - mean).powi(2)).sum::<f64>() / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn wins(bet: Bet, mean: f64, n: usize, seed: u64) -> bool {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        bet.wins(n, (0..n).map(|_| f64::from(u8::from(rng.random::<f64>() < mean))))
    }

    #[test]
    fn on_the_boundary_it_wins_no_more_often_than_it_may() {
        let bet = Bet::new(0.3, 0.1);
        let rate = (0..2000).filter(|seed| wins(bet, 0.3, 500, *seed)).count() as f64 / 2000.0;
        assert!(rate > 0.02 && rate < 0.1 + 2.0 * 0.0067, "{rate}");
    }

    #[test]
    fn without_a_loss_the_cap_sets_how_many_draws_it_takes() {
        // λ = .75/.49, each draw multiplies the wealth by 1 + λ/100: ln 10 / ln(1.0153) = 151.6.
        let bet = Bet::new(0.51, 0.1);
        assert_eq!(bet.needed(&[0.5; 10]), Some(152));
        // The real bettor starts from a variance of ¼ and so a little lower.
        assert!(bet.wins(160, std::iter::repeat_n(0.5, 160)) && !bet.wins(151, std::iter::repeat_n(0.5, 151)));
    }

    #[test]
    fn the_number_needed_is_about_right() {
        let bet = Bet::new(0.3, 0.1);
        let sample: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i < 25))).collect();
        let needed = bet.needed(&sample).unwrap();
        let rate = |n| (0..400).filter(|seed| wins(bet, 0.25, n, *seed)).count() as f64 / 400.0;
        assert!(rate(needed) > 0.7 && rate(needed / 3) < 0.6, "{needed} {} {}", rate(needed), rate(needed / 3));
        assert_eq!(bet.needed(&[0.3; 10]), None);
    }
}

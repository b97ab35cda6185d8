//! Quality against money.

use serde::Serialize;

use super::auc::Ranking;
use super::bootstrap::{Interval, RESAMPLINGS, intervals};
use super::curve::{aiq, ends, lift};
use super::report::Scored;

/// Steps of the frontier share between the points of a curve.
const STEPS: usize = 100;

/// What quality costs when more and more of the highest scores go to the frontier.
///
/// AIQ ("average improvement in quality", RouterBench, Hu et al. 2024) is the mean height, over a range of mean costs, of
/// the least concave and non-decreasing curve above a router's (cost, quality) points. The range here reaches from
/// always-cheap to always-frontier, which is the same for every score of the same rows, so that scores can be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostFigures {
    /// Mean cost per row of always calling the cheap and always calling the frontier tier, in the unit of the costs.
    pub range: [f64; 2],
    /// (mean cost per row, quality) at frontier shares 0, .01, … 1.
    pub curve: Vec<[f64; 2]>,
    /// (mean cost per row, quality) of calling the frontier exactly where it gains.
    pub oracle: [f64; 2],
    /// AIQ of the score; `None` where the frontier costs no more than the cheap tier.
    pub aiq: Option<f64>,
    /// Its 95 % interval, cluster bootstrap.
    pub aiq_ci: Option<Interval>,
    /// AIQ of the random mix of the two tiers.
    pub aiq_random: Option<f64>,
    /// Quality above the random mix at the same cost, averaged over the range. This is of the curve itself: the AIQ's
    /// hull only ever raises a curve, so that even a random score has an AIQ above that of the random mix.
    pub lift: Option<f64>,
    /// Its 95 % interval, cluster bootstrap.
    pub lift_ci: Option<Interval>,
}

impl CostFigures {
    /// The figures of scored rows; `costs` are those of the cheap and of the frontier tier, one per row. Equal seeds give
    /// equal intervals.
    #[must_use]
    pub fn new(rows: &Scored<'_>, costs: [&[f64]; 2], seed: u64) -> Self {
        let columns = Columns::new(rows, costs);
        let resampled = |weights: &[f64]| {
            let points = columns.points(weights);
            [aiq(&points), lift(&points)]
        };
        let [aiq_ci, lift_ci] = intervals(rows.groups, rows.weights, RESAMPLINGS, seed, resampled);
        let curve = columns.points(rows.weights);
        let [aiq_here, lift] = resampled(rows.weights);
        let ends = ends(&curve);
        Self {
            range: [ends.first().map_or(0.0, |point| point[0]), ends.last().map_or(0.0, |point| point[0])],
            aiq: aiq_here,
            aiq_ci,
            aiq_random: aiq(&ends),
            lift,
            lift_ci,
            oracle: columns.oracle(rows.weights),
            curve,
        }
    }
}

/// The rows as a curve needs them: what each tier gives and takes, in order of the score.
struct Columns<'a> {
    ranking: Ranking,
    cheap: [&'a [f64]; 2],
    gain: Vec<f64>,
    extra: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn new(rows: &Scored<'a>, [cheap_cost, frontier_cost]: [&'a [f64]; 2]) -> Self {
        let (cheap, frontier) = rows.ends();
        let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        Self {
            ranking: Ranking::new(&rows.scores()),
            cheap: [cheap_cost, cheap],
            gain: less(frontier, cheap),
            extra: less(frontier_cost, cheap_cost),
        }
    }

    /// (mean cost, quality) at shares 0, .01, … 1; nothing where no row has weight.
    fn points(&self, weights: &[f64]) -> Vec<[f64; 2]> {
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return Vec::new();
        }
        let [cost, quality] = self.cheap.map(|v| v.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>());
        let mut points = vec![[cost / total, quality / total]];
        let mut at = [0.0, cost, quality];
        self.ranking.runs([&self.extra, &self.gain], weights, |weight, [extra, gain]| {
            while points.len() < STEPS && points.len() as f64 * total <= (at[0] + weight) * STEPS as f64 {
                let part = (points.len() as f64 / STEPS as f64 * total - at[0]) / weight;
                points.push([(at[1] + part * extra) / total, (at[2] + part * gain) / total]);
            }
            at = [at[0] + weight, at[1] + extra, at[2] + gain];
        });
        points.push([at[1] / total, at[2] / total]);
        points
    }

    fn oracle(&self, weights: &[f64]) -> [f64; 2] {
        let total = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = |always: &[f64], gained: &[f64]| {
            let rows = always.iter().zip(gained).zip(&self.gain).zip(weights);
            rows.map(|(((a, g), gain), w)| w * if *gain > 0.0 { a + g } else { *a }).sum::<f64>() / total
        };
        [mean(self.cheap[0], &self.extra), mean(self.cheap[1], &self.gain)]
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Four rows with scores .9 .6 .3 0, of which the first two are lost without the frontier.
    fn figures(scores: [f64; 4]) -> CostFigures {
        let frontier: Vec<f64> = scores.iter().map(|score| 0.05 + score).collect();
        let rows = Scored {
            probabilities: &[vec![0.05; 4], frontier],
            labels: &[vec![0.0, 0.0, 1.0, 0.0], vec![1.0, 1.0, 1.0, 0.0]],
            weights: &[1.0; 4],
            groups: &[1, 2, 3, 4],
        };
        CostFigures::new(&rows, [&[1.0; 4], &[3.0, 3.0, 7.0, 7.0]], 0)
    }

    #[test]
    fn figures_of_four_rows_by_hand() {
        let found = figures([0.9, 0.6, 0.3, 0.0]);
        assert_eq!((found.range, found.curve.len(), found.oracle), ([1.0, 5.0], 101, [2.0, 0.75]));
        for (step, expected) in [(0, [1.0, 0.25]), (25, [1.5, 0.5]), (50, [2.0, 0.75]), (75, [3.5, 0.75])] {
            let found = found.curve[step];
            assert!((found[0] - expected[0]).abs() < 1e-12 && (found[1] - expected[1]).abs() < 1e-12, "{found:?}");
        }
        // ¼ to ¾ over the first of four dollars, ¾ over the rest; the chord has ½ on average.
        assert!((found.aiq.unwrap() - (0.5 + 3.0 * 0.75) / 4.0).abs() < 1e-12);
        assert!((found.aiq_random.unwrap() - 0.5).abs() < 1e-12);
        assert!((found.lift.unwrap() - 0.1875).abs() < 1e-12);
    }

    #[test]
    fn ties_are_the_random_mix() {
        let tied = figures([0.5; 4]);
        assert!((tied.aiq.unwrap() - 0.5).abs() < 1e-9 && tied.lift.unwrap().abs() < 1e-9, "{tied:?}");
        assert!((tied.curve[40][0] - 2.6).abs() < 1e-12 && (tied.curve[40][1] - 0.45).abs() < 1e-12);
    }

    #[test]
    fn a_random_score_has_no_lift_although_its_hull_lies_above_the_random_mix() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (mut lifts, mut above) = (0.0, 0.0);
        for _ in 0..200 {
            let draws: Vec<f64> = (0..200).map(|_| rng.random()).collect();
            let gains: Vec<f64> = (0..200).map(|_| f64::from(u8::from(rng.random::<f64>() < 0.3))).collect();
            let (scores, labels) = ([vec![0.0; 200], draws], [vec![0.0; 200], gains]);
            let rows = Scored { probabilities: &scores, labels: &labels, weights: &[1.0; 200], groups: &[0; 200] };
            let found = CostFigures::new(&rows, [&[1.0; 200], &[5.0; 200]], 0);
            lifts += found.lift.unwrap() / 200.0;
            above += (found.aiq.unwrap() - found.aiq_random.unwrap()) / 200.0;
        }
        assert!(lifts.abs() < 0.002 && above > 0.01, "{lifts} {above}");
    }
}

//! Quality against the share of requests that go to the frontier.

use serde::Serialize;

use super::auc::Ranking;

/// Points of a printed curve: shares 0, .01, … 1.
const STEPS: usize = 100;

/// The quality gained as more and more of the highest scores go to the frontier.
///
/// PGR(share) = (quality − cheap) / (frontier − cheap), where rows of equal score are sent in random order, so that the
/// curve is straight across a tie.
#[derive(Debug, Clone)]
pub struct GainCurve {
    /// Corners: (weight sent to the frontier, gain), from (0, 0) on.
    corners: Vec<(f64, f64)>,
    /// The score of the rows that each corner after the first takes in.
    scores: Vec<f64>,
    cheap: f64,
}

/// What a threshold does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Operation {
    /// The frontier is called where the score reaches this.
    pub threshold: f64,
    /// Share of the rows that go to the frontier, in [0, 1].
    pub frontier_share: f64,
    /// Mean label of the answers served.
    pub quality: f64,
    /// Share of the gap between the tiers that is recovered; 0 where there is no gap.
    pub pgr: f64,
}

impl GainCurve {
    /// The curve of a score over rows with the labels of the two tiers.
    #[must_use]
    pub fn new(scores: &[f64], cheap: &[f64], frontier: &[f64], weights: &[f64]) -> Self {
        let ranking = Ranking::new(scores);
        let mut curve = Self { corners: vec![(0.0, 0.0)], scores: Vec::new(), cheap: 0.0 };
        for (&row, &tied) in ranking.order.iter().zip(&ranking.tied) {
            let row = row as usize;
            let weight = weights[row];
            curve.cheap += weight * cheap[row];
            let (sent, gained) = curve.corners.last().copied().unwrap_or_default();
            if tied {
                curve.corners.pop();
            } else {
                curve.scores.push(scores[row]);
            }
            curve.corners.push((sent + weight, gained + weight * (frontier[row] - cheap[row])));
        }
        curve
    }

    /// The least frontier share at which PGR reaches `target`, in [0, 1]; `None` where there is no gap to recover.
    #[must_use]
    pub fn least_share(&self, target: f64) -> Option<f64> {
        let (total, gap) = self.end();
        if gap <= 0.0 || total <= 0.0 {
            return None;
        }
        let wanted = target * gap;
        let reached = self.corners.iter().position(|corner| corner.1 >= wanted - 1e-12)?;
        let Some(before) = reached.checked_sub(1).map(|i| self.corners[i]) else { return Some(0.0) };
        let (sent, gained) = self.corners[reached];
        let part = (wanted - before.1) / (gained - before.1);
        Some((before.0 + part.clamp(0.0, 1.0) * (sent - before.0)) / total)
    }

    /// The largest threshold whose PGR reaches `target`, which is the least frontier share that whole ties allow.
    /// Where there is no gap to recover nothing goes to the frontier.
    #[must_use]
    pub fn operate(&self, target: f64) -> Operation {
        let wanted = target * self.end().1;
        let reached = self.corners.iter().position(|corner| corner.1 >= wanted - 1e-12);
        match reached.and_then(|i| i.checked_sub(1)) {
            Some(i) if self.end().1 > 0.0 => self.at(self.scores[i]),
            _ => self.at(1.0),
        }
    }

    /// What a threshold does.
    #[must_use]
    pub fn at(&self, threshold: f64) -> Operation {
        let (total, gap) = self.end();
        let (sent, gained) = self.corners[self.scores.partition_point(|score| *score >= threshold)];
        let total = if total > 0.0 { total } else { 1.0 };
        Operation {
            threshold,
            frontier_share: sent / total,
            quality: (self.cheap + gained) / total,
            pgr: if gap > 0.0 { gained / gap } else { 0.0 },
        }
    }

    /// (frontier share, quality) at shares 0, .01, … 1.
    #[must_use]
    pub fn points(&self) -> Vec<[f64; 2]> {
        let total = self.end().0;
        if total <= 0.0 {
            return Vec::new();
        }
        let mut corner = 0;
        (0..=STEPS)
            .map(|step| {
                let share = step as f64 / STEPS as f64;
                while corner + 2 < self.corners.len() && self.corners[corner + 1].0 < share * total {
                    corner += 1;
                }
                let (a, b) = (self.corners[corner], self.corners[(corner + 1).min(self.corners.len() - 1)]);
                let part = if b.0 > a.0 { ((share * total - a.0) / (b.0 - a.0)).clamp(0.0, 1.0) } else { 0.0 };
                [share, (self.cheap + a.1 + part * (b.1 - a.1)) / total]
            })
            .collect()
    }

    fn end(&self) -> (f64, f64) {
        self.corners.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six rows, gains 1 1 0 0 −1 1 in order of falling score.
    fn curve() -> GainCurve {
        GainCurve::new(
            &[0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            &[0.0, 0.0, 1.0, 0.0, 1.0, 0.0],
            &[1.0, 1.0, 1.0, 0.0, 0.0, 1.0],
            &[1.0; 6],
        )
    }

    #[test]
    fn shares_thresholds_and_points_of_a_known_curve() {
        let curve = curve();
        // The gap is 2: half of it is reached with the first row, all of it with the second.
        assert!((curve.least_share(0.5).unwrap() - 1.0 / 6.0).abs() < 1e-12);
        assert!((curve.least_share(0.8).unwrap() - 1.6 / 6.0).abs() < 1e-12);
        let point = curve.operate(0.95);
        assert_eq!((point.threshold, point.pgr), (0.5, 1.0));
        assert!((point.quality - 4.0 / 6.0).abs() < 1e-12 && (point.frontier_share - 2.0 / 6.0).abs() < 1e-12);
        let points = curve.points();
        assert_eq!((points.len(), points[0], points[100]), (101, [0.0, 2.0 / 6.0], [1.0, 4.0 / 6.0]));
    }

    #[test]
    fn without_a_gap_nothing_goes_to_the_frontier() {
        let curve = GainCurve::new(&[0.2, 0.1], &[1.0, 1.0], &[0.0, 1.0], &[1.0; 2]);
        assert_eq!(curve.least_share(0.5), None);
        assert_eq!(curve.operate(0.5).frontier_share, 0.0);
    }
}

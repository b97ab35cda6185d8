//! Scored rows with what really happened.

use rungs_training::evaluate::{Comparison, CostFigures, Evaluation, Scored, compare, evaluate};

use super::Score;
use super::figures::{Cost, Figures, Operating};
use super::prices::Prices;
use super::rows::{Rows, Unit};
use crate::features::embedding::EmbedError;
use crate::labelled::LabelledQuery;
use crate::policy::start;

/// Seed of the bootstrap: figures of the same rows and model are the same every time.
pub(super) const SEED: u64 = 0;

/// Rows with the probabilities that an artifact gives them.
#[derive(Debug, Clone)]
pub struct Judged {
    pub(super) rows: Rows,
    /// Per tier, one per row.
    pub(super) probabilities: Vec<Vec<f64>>,
}

impl Judged {
    /// No rows yet, for an artifact's tiers.
    #[must_use]
    pub fn new(tiers: &[String]) -> Self {
        Self { rows: Rows::new(tiers, Unit::Group), probabilities: vec![Vec::new(); tiers.len()] }
    }

    /// Rows with the probabilities of a fit that had not seen them: per tier, one per row.
    #[must_use]
    pub fn out_of_fold(rows: Rows, probabilities: Vec<Vec<f64>>) -> Self {
        Self { rows, probabilities }
    }

    /// Prices for the rows to come, where their costs are not recorded.
    #[must_use]
    pub fn priced(self, prices: Prices) -> Self {
        Self { rows: self.rows.priced(prices), ..self }
    }

    /// Takes a query if it has an outcome of every tier; only then is it scored.
    ///
    /// # Errors
    /// When scoring fails.
    pub fn take(
        &mut self,
        query: &LabelledQuery,
        score: impl FnOnce() -> Result<Score, EmbedError>,
    ) -> Result<(), EmbedError> {
        if self.rows.take(query) {
            let score = score()?;
            self.probabilities.iter_mut().zip(score.p.values()).for_each(|(tier, p)| tier.push(p.get()));
        }
        Ok(())
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Per tier, cheap → frontier, the probability of each row.
    #[must_use]
    pub fn probabilities(&self) -> &[Vec<f64>] {
        &self.probabilities
    }

    /// Adds the rows of another file.
    pub fn append(&mut self, other: Self) {
        self.probabilities.iter_mut().zip(other.probabilities).for_each(|(to, from)| to.extend(from));
        self.rows.append(other.rows);
    }

    /// The ranking score p_frontier − p_cheap of each row.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        self.scored().scores()
    }

    /// All figures; the operating point is that of `threshold`.
    #[must_use]
    pub fn figures(&self, threshold: f64) -> Figures {
        self.figures_of(&evaluate(&self.scored(), SEED), threshold)
    }

    /// All figures, where the evaluation of these very rows is at hand.
    #[must_use]
    pub fn figures_of(&self, evaluation: &Evaluation, threshold: f64) -> Figures {
        Figures {
            cost: self.cost(),
            by_domain: self.slices(&self.rows.domains, threshold),
            by_route: self.slices(&self.rows.routes, threshold),
            ..Figures::new(evaluation, &self.rows.tiers, self.rows.left_out, self.operate(threshold))
        }
    }

    /// These scores less those of `first`, in pairs; both must have taken the same rows.
    #[must_use]
    pub fn compared_to(&self, first: &Self) -> Comparison {
        compare(&first.scored(), &self.scored(), SEED)
    }

    /// Quality against money, where the costs of both end tiers are known for every row.
    fn cost(&self) -> Option<Cost> {
        let known = |costs: Option<&Vec<Option<f64>>>| costs?.iter().copied().collect::<Option<Vec<f64>>>();
        let (cheap, frontier) = (known(self.rows.costs.first())?, known(self.rows.costs.last())?);
        let figures = CostFigures::new(&self.scored(), [&cheap, &frontier], SEED);
        Some(Cost { source: self.rows.cost_source, figures })
    }

    fn scored(&self) -> Scored<'_> {
        Scored {
            probabilities: &self.probabilities,
            labels: &self.rows.labels,
            weights: &self.rows.weights,
            groups: &self.rows.groups,
        }
    }

    /// What the router's own rule does at a threshold, with prices unknown.
    pub(super) fn operate(&self, threshold: f64) -> Operating {
        self.operate_on(threshold, 0..self.rows.len())
    }

    /// The same on some of the rows.
    pub(super) fn operate_on(&self, threshold: f64, rows: impl Iterator<Item = usize>) -> Operating {
        let last = self.rows.tiers.len().saturating_sub(1);
        let prices = vec![None; self.rows.tiers.len()];
        let (mut weight, mut sent, mut quality, mut cost) = (0.0, 0.0, 0.0, Some(0.0));
        for row in rows {
            let p: Vec<f64> = self.probabilities.iter().map(|tier| tier[row]).collect();
            let tier = start(&p, &prices, threshold);
            let w = self.rows.weights[row];
            weight += w;
            sent += if tier == last { w } else { 0.0 };
            quality += w * self.rows.labels[tier][row];
            cost = cost.zip(self.rows.costs[tier][row]).map(|(sum, cost)| sum + w * cost);
        }
        let total = if weight > 0.0 { weight } else { 1.0 };
        Operating {
            threshold,
            frontier_share: sent / total,
            quality: quality / total,
            cost_usd: cost.map(|cost| cost / total),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use crate::difficulty::Acceptability;
    use crate::labelled::RecordedOutcome;

    /// Rows with a score, the outcomes of `small` and `large`, and a domain; each is a group of its own. Calls of `small`
    /// cost .001 USD, of `large` .01.
    pub(in crate::difficulty) fn judged(rows: impl Iterator<Item = (f64, [f64; 2], Option<&'static str>)>) -> Judged {
        let tiers = ["small", "large"].map(str::to_owned);
        let mut judged = Judged::new(&tiers);
        for (i, (gain, outcomes, domain)) in rows.enumerate() {
            let outcome = |(i, score): (usize, f64)| {
                let cost_usd = Some([0.001, 0.01][i]);
                (tiers[i].clone(), RecordedOutcome { score, cost_usd, ..RecordedOutcome::default() })
            };
            let query = LabelledQuery {
                id: i.to_string(),
                request: ChatRequest::from_prompt("q"),
                route: None,
                domain: domain.map(str::to_owned),
                group: None,
                split: None,
                weight: 1.0,
                outcomes: outcomes.into_iter().enumerate().map(outcome).collect(),
            };
            let p = [0.1, 0.1 + gain].map(Acceptability::new);
            let score = Score { p: tiers.iter().cloned().zip(p).collect(), score: gain, novelty: None };
            judged.take(&query, || Ok(score)).unwrap();
        }
        judged
    }

    #[test]
    fn figures_of_four_rows_by_hand() {
        // By falling score the frontier gains 1, 0, 1, 0.
        let rows = [(0.8, [0.0, 1.0]), (0.6, [1.0, 1.0]), (0.4, [0.0, 1.0]), (0.2, [0.0, 0.0])];
        let judged = judged(rows.into_iter().map(|(score, outcomes)| (score, outcomes, None)));
        let figures = judged.figures(0.5);
        assert_eq!((figures.n, figures.best_single.as_deref()), (4, Some("large")));
        assert_eq!((figures.quality["small"], figures.quality["large"]), (0.25, 0.75));
        let close = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?}");
        // PGR 0 ½ ½ 1 1.
        close(figures.apgr, (0.25 + 0.5 + 0.75 + 1.0) / 4.0);
        close(figures.lift, 0.125 * 0.5);
        // The oracle's PGR is 0 ½ 1 1 1: an APGR of .75, twice the lift.
        close(figures.oracle_gap_closed, 0.5);
        close(figures.cpt50, 25.0);
        close(figures.cpt80, 65.0);
        let point = figures.operating_point.unwrap();
        assert_eq!((point.frontier_share, point.quality), (0.5, 0.5));
        close(point.cost_usd, 0.0055);
        let cost = figures.cost.unwrap().figures;
        close(Some(cost.range[0]), 0.001);
        close(Some(cost.range[1]), 0.01);
        // Hull over the frontier share: (0, .25) (¼, .5) (¾, .75) (1, .75).
        close(cost.aiq, (0.375 + 2.0 * 0.625 + 0.75) / 4.0);
        close(cost.aiq_random, 0.5);
    }
}

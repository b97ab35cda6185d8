//! What the tests count: groups of rows in seeded order.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Loss, Rows};

/// Groups in the order in which they are bet on.
#[derive(Debug)]
pub(super) struct Units {
    loss: Loss,
    /// Score of each row and its loss when served cheap, unit by unit.
    rows: Vec<(f64, f64)>,
    /// Where each unit ends in `rows`.
    ends: Vec<usize>,
    /// All scores, rising.
    sorted: Vec<f64>,
}

impl Units {
    /// Collects the groups, thins them by weight and shuffles them, so that the order of the rows does not matter.
    pub(super) fn new(rows: &Rows<'_>, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut groups = thinned(rows, &mut rng);
        groups.shuffle(&mut rng);
        let when_cheap = |row: usize| match rows.frontier {
            Some(frontier) => frontier[row] - rows.cheap[row],
            None => 1.0 - rows.cheap[row],
        };
        let mut units = Self { loss: rows.loss(), rows: Vec::new(), ends: Vec::new(), sorted: Vec::new() };
        for group in groups {
            units.rows.extend(group.into_iter().map(|row| (rows.scores[row], when_cheap(row))));
            units.ends.push(units.rows.len());
        }
        units.sorted = units.rows.iter().map(|(score, _)| *score).collect();
        units.sorted.sort_by(f64::total_cmp);
        units
    }

    pub(super) fn loss(&self) -> Loss {
        self.loss
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether every unit's loss is 0 or 1 at any threshold.
    pub(super) fn are_binary(&self) -> bool {
        self.rows.len() == self.len() && self.rows.iter().all(|(_, loss)| *loss == 0.0 || *loss == 1.0)
    }

    /// Rows that the threshold has served cheap.
    pub(super) fn cheap_rows(&self, threshold: f64) -> usize {
        self.sorted.partition_point(|score| *score < threshold)
    }

    /// The share served cheap, each unit counting once.
    pub(super) fn cheap_share(&self, threshold: f64) -> f64 {
        self.mean(self.per_unit(threshold, |_| 1.0))
    }

    /// The loss of each unit.
    pub(super) fn losses(&self, threshold: f64) -> impl Iterator<Item = f64> {
        self.per_unit(threshold, |loss| loss)
    }

    /// The mean loss of the units; 0 where there are none.
    pub(super) fn mean_loss(&self, threshold: f64) -> f64 {
        self.mean(self.losses(threshold))
    }

    fn per_unit(&self, threshold: f64, of_cheap: impl Fn(f64) -> f64) -> impl Iterator<Item = f64> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let rows = &self.rows[start..end];
            start = end;
            let cheap = rows.iter().filter(|(score, _)| *score < threshold);
            cheap.map(|(_, loss)| of_cheap(*loss)).sum::<f64>() / rows.len() as f64
        })
    }

    fn mean(&self, values: impl Iterator<Item = f64>) -> f64 {
        values.sum::<f64>() / self.len().max(1) as f64
    }
}

/// The rows of each group, every group kept with probability weight / largest weight.
fn thinned(rows: &Rows<'_>, rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (row, group) in rows.groups.iter().enumerate() {
        groups.entry(*group).or_default().push(row);
    }
    let weight =
        |group: &Vec<usize>| group.iter().map(|row| rows.weights[*row]).sum::<f64>() / group.len().max(1) as f64;
    let largest = groups.values().map(weight).fold(0.0, f64::max);
    groups.into_values().filter(|group| rng.random::<f64>() * largest < weight(group)).collect()
}

//! Extremely randomised trees (Geurts, Ernst, Wehenkel 2006) that predict all tiers at once: thresholds are drawn, not
//! searched, and averaging many such trees makes a smooth function of few, interacting features.

use crate::random::stream;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Marks a leaf in [`Tree::feature`].
pub const LEAF: u16 = u16::MAX;

/// Deeper than any tree over real rows; it bounds the work and the stack on pathological ones.
const DEEPEST: usize = 48;

/// How a forest is grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Trees.
    pub trees: usize,
    /// Fewest rows of a leaf.
    pub leaf: usize,
    /// Share of the features that compete at a split, in (0, 1].
    pub candidates: f64,
}

/// A forest over standardised features.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forest {
    /// The trees, which are averaged.
    pub trees: Vec<Tree>,
}

/// A tree as parallel lists over its nodes in pre-order: the left child of node i is node i + 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The column that a node splits on, or [`LEAF`].
    pub feature: Vec<u16>,
    /// Rows go left where the feature is at most this.
    pub threshold: Vec<f32>,
    /// The right child of a node; for a leaf the number of its entry in `values`.
    pub next: Vec<u32>,
    /// Per leaf the mean label of each tier.
    pub values: Vec<f32>,
}

/// The rows that a forest is grown on: columns of features, and per tier the labels.
struct Rows<'a> {
    columns: &'a [Vec<f32>],
    labels: &'a [Vec<f64>],
    weights: &'a [f64],
    growth: Growth,
}

struct Split {
    feature: usize,
    threshold: f32,
}

/// The rows of one node, gathered so that the scan of a candidate split runs over contiguous memory.
struct Node {
    weights: Vec<f32>,
    /// Per tier: weight times label.
    labels: Vec<Vec<f32>>,
    /// The values of the feature under trial.
    values: Vec<f32>,
    /// Sum of the weights, then of each tier's labels.
    totals: Vec<f32>,
}

impl Forest {
    /// Grows a forest on the rows whose weight is positive. `columns` has a list per feature, `labels` one per tier.
    #[must_use]
    pub fn fit(columns: &[Vec<f32>], labels: &[Vec<f64>], weights: &[f64], growth: Growth, seed: u64) -> Self {
        let rows = Rows { columns, labels, weights, growth };
        let used: Vec<u32> = (0..weights.len()).filter(|&i| weights[i] > 0.0).map(|i| i as u32).collect();
        let grow = |number| {
            let mut tree = Tree::default();
            rows.grow(&mut tree, &mut used.clone(), DEEPEST, &mut stream(seed, number as u64 + 1));
            tree
        };
        Self { trees: (0..growth.trees).into_par_iter().map(grow).collect() }
    }

    /// Mean label of each tier at one row of `columns`.
    #[must_use]
    pub fn predict(&self, columns: &[Vec<f32>], row: usize, tiers: usize) -> Vec<f64> {
        let mut sums = vec![0.0; tiers];
        for tree in &self.trees {
            let values = tree.leaf(|feature| columns[feature][row], tiers);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let count = self.trees.len().max(1) as f64;
        sums.into_iter().map(|sum| sum / count).collect()
    }
}

impl Tree {
    fn leaf(&self, value: impl Fn(usize) -> f32, tiers: usize) -> &[f32] {
        let mut node = 0;
        while self.feature[node] != LEAF {
            let left = value(usize::from(self.feature[node])) <= self.threshold[node];
            node = if left { node + 1 } else { self.next[node] as usize };
        }
        let leaf = self.next[node] as usize;
        &self.values[leaf * tiers..(leaf + 1) * tiers]
    }

    fn push(&mut self, feature: u16, threshold: f32, next: u32) -> usize {
        self.feature.push(feature);
        self.threshold.push(threshold);
        self.next.push(next);
        self.feature.len() - 1
    }
}

impl Rows<'_> {
    fn grow(&self, tree: &mut Tree, rows: &mut [u32], depth: usize, rng: &mut ChaCha8Rng) {
        let split = if depth == 0 || rows.len() < 2 * self.growth.leaf { None } else { self.split(rows, rng) };
        let Some(Split { feature, threshold }) = split else {
            tree.push(LEAF, 0.0, (tree.values.len() / self.labels.len()) as u32);
            tree.values.extend(self.labels.iter().map(|labels| round(self.mean(labels, rows))));
            return;
        };
        let node = tree.push(feature as u16, threshold, 0);
        let column = &self.columns[feature];
        let middle = partition(rows, |row| column[row as usize] <= threshold);
        let (left, right) = rows.split_at_mut(middle);
        self.grow(tree, left, depth - 1, rng);
        tree.next[node] = tree.feature.len() as u32;
        self.grow(tree, right, depth - 1, rng);
    }

    /// The best of some random splits; `None` where none leaves enough rows on both sides.
    fn split(&self, rows: &[u32], rng: &mut ChaCha8Rng) -> Option<Split> {
        let features = self.columns.len();
        let wanted = ((features as f64 * self.growth.candidates).ceil() as usize).clamp(1, features);
        let mut order: Vec<usize> = (0..features).collect();
        let mut node = self.gather(rows);
        let (mut best, mut best_gain, mut tried) = (None, f32::NEG_INFINITY, 0);
        for i in 0..features {
            order.swap(i, rng.random_range(i..features));
            let feature = order[i];
            let Some(threshold) = node.draw_threshold(&self.columns[feature], rows, rng) else { continue };
            let gain = node.gain(threshold, self.growth.leaf);
            if gain > best_gain {
                (best, best_gain) = (Some(Split { feature, threshold }), gain);
            }
            tried += 1;
            if tried == wanted {
                break;
            }
        }
        best
    }

    fn gather(&self, rows: &[u32]) -> Node {
        let weight = |row: &u32| self.weights[*row as usize] as f32;
        let label = |labels: &Vec<f64>, row: &u32| (self.weights[*row as usize] * labels[*row as usize]) as f32;
        let weights: Vec<f32> = rows.iter().map(weight).collect();
        let labels: Vec<Vec<f32>> =
            self.labels.iter().map(|labels| rows.iter().map(|row| label(labels, row)).collect()).collect();
        let totals = std::iter::once(&weights).chain(&labels).map(|terms| terms.iter().sum()).collect();
        Node { weights, labels, values: Vec::with_capacity(rows.len()), totals }
    }

    fn mean(&self, labels: &[f64], rows: &[u32]) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for &row in rows {
            sum += self.weights[row as usize] * labels[row as usize];
            weight += self.weights[row as usize];
        }
        sum / weight
    }
}

impl Node {
    /// Looks up a feature and draws a threshold between its least and its largest value; `None` where it is constant.
    fn draw_threshold(&mut self, column: &[f32], rows: &[u32], rng: &mut ChaCha8Rng) -> Option<f32> {
        self.values.clear();
        self.values.extend(rows.iter().map(|row| column[*row as usize]));
        let low = self.values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // Rounding may lift the draw to `high`, where everything would go left.
        (low < high).then(|| (low + rng.random::<f32>() * (high - low)).min(high.next_down()))
    }

    /// How much splitting at a threshold lowers the squared error, up to a constant of the node.
    fn gain(&self, threshold: f32, fewest: usize) -> f32 {
        let left = self.values.iter().filter(|value| **value <= threshold).count();
        if left < fewest || self.values.len() - left < fewest {
            return f32::NEG_INFINITY;
        }
        let weight = self.left(threshold, &self.weights);
        let rest = self.totals[0] - weight;
        let explained = |(labels, total): (&Vec<f32>, &f32)| {
            let sum = self.left(threshold, labels);
            sum * sum / weight + (total - sum).powi(2) / rest
        };
        self.labels.iter().zip(&self.totals[1..]).map(explained).sum()
    }

    /// The sum left of a threshold, in lanes that the compiler can keep in vector registers.
    fn left(&self, threshold: f32, terms: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; 8];
        for (values, terms) in self.values.chunks(8).zip(terms.chunks(8)) {
            for ((lane, value), term) in lanes.iter_mut().zip(values).zip(terms) {
                *lane += if *value <= threshold { *term } else { 0.0 };
            }
        }
        lanes.iter().sum()
    }
}

/// Four decimals: far below the noise of a leaf, and half the size in a file.
fn round(mean: f64) -> f32 {
    ((mean * 1e4).round() / 1e4) as f32
}

/// Moves the rows that hold to the front and returns how many there are.
fn partition(rows: &mut [u32], holds: impl Fn(u32) -> bool) -> usize {
    let mut front = 0;
    for i in 0..rows.len() {
        if holds(rows[i]) {
            rows.swap(front, i);
            front += 1;
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::normal;

    const GROWTH: Growth = Growth { trees: 60, leaf: 10, candidates: 0.6 };

    /// An interaction that no linear model can see: the first tier is right where two features have one sign.
    fn data(rows: usize) -> (Vec<Vec<f32>>, Vec<Vec<f64>>) {
        let mut rng = stream(9, 0);
        let columns: Vec<Vec<f32>> = (0..4).map(|_| (0..rows).map(|_| normal(&mut rng) as f32).collect()).collect();
        let first = (0..rows).map(|i| f64::from(u8::from(columns[0][i] * columns[1][i] > 0.0))).collect();
        let second = (0..rows).map(|i| f64::from(u8::from(columns[2][i] > 0.5))).collect();
        (columns, vec![first, second])
    }

    #[test]
    fn learns_an_interaction_for_several_tiers_at_once() {
        let (columns, labels) = data(4000);
        // The last thousand rows have no weight and so are unseen.
        let weights: Vec<f64> = (0..4000).map(|i| if i < 3000 { 1.0 } else { 0.0 }).collect();
        let forest = Forest::fit(&columns, &labels, &weights, GROWTH, 1);
        let right = |tier: usize| {
            let hit = |row: &usize| (forest.predict(&columns, *row, 2)[tier] > 0.5) == (labels[tier][*row] > 0.5);
            (3000..4000).filter(hit).count()
        };
        assert!(right(0) > 900 && right(1) > 950, "{} {}", right(0), right(1));
    }

    #[test]
    fn equal_seeds_give_equal_forests_and_leaves_are_large_enough() {
        let (columns, labels) = data(500);
        let grow = |seed| Forest::fit(&columns, &labels, &[1.0; 500], GROWTH, seed);
        assert_eq!(grow(3), grow(3));
        assert_ne!(grow(3), grow(4));
        for tree in grow(3).trees {
            assert!(tree.feature.iter().filter(|f| **f == LEAF).count() <= 500 / GROWTH.leaf);
            assert!(tree.next.iter().zip(&tree.feature).enumerate().all(|(i, (n, f))| *f == LEAF || *n as usize > i));
        }
    }

    #[test]
    fn constant_features_give_one_leaf_with_the_weighted_mean() {
        let forest = Forest::fit(&[vec![1.0; 40]], &[[vec![1.0; 20], vec![0.0; 20]].concat()], &[1.0; 40], GROWTH, 1);
        assert_eq!(forest.predict(&[vec![1.0]], 0, 1), [0.5]);
    }
}

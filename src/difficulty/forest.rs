//! The forest: many randomised trees, averaged.

use serde::{Deserialize, Serialize};

/// Marks a leaf in [`Tree::feature`].
pub const LEAF: u16 = u16::MAX;

/// Trees over [standardised lexical features, components of the embedding] that give a probability for every tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    /// The trees, which are averaged; none where the logistic heads speak alone.
    pub trees: Vec<Tree>,
}

/// A tree as parallel lists over its nodes in pre-order: the left child of node i is node i + 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The feature that a node splits on, or [`LEAF`].
    pub feature: Vec<u16>,
    /// A request goes left where the feature is at most this.
    pub threshold: Vec<f32>,
    /// The right child of a node; for a leaf the number of its entry in `values`.
    pub next: Vec<u32>,
    /// Per leaf the probability of each tier.
    pub values: Vec<f32>,
}

impl Forest {
    /// The probability of each of so many tiers; zeros where there is no tree.
    #[must_use]
    pub fn probabilities(&self, features: &[f32], tiers: usize) -> Vec<f64> {
        let mut sums = vec![0.0; tiers];
        for tree in &self.trees {
            sums.iter_mut().zip(tree.leaf(features, tiers)).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let count = self.trees.len().max(1) as f64;
        sums.into_iter().map(|sum| sum / count).collect()
    }

    /// Finds what would send a request out of a tree, or round in circles.
    pub(super) fn check(&self, features: usize, tiers: usize) -> Result<(), String> {
        let fault = |i| format!("forest: tree {i} is not a tree over {features} features and {tiers} tiers");
        match self.trees.iter().position(|tree| !tree.is_sound(features, tiers)) {
            Some(i) => Err(fault(i)),
            None => Ok(()),
        }
    }
}

impl Tree {
    fn leaf(&self, features: &[f32], tiers: usize) -> &[f32] {
        let mut node = 0;
        while self.feature[node] != LEAF {
            let left = features[usize::from(self.feature[node])] <= self.threshold[node];
            node = if left { node + 1 } else { self.next[node] as usize };
        }
        let leaf = self.next[node] as usize;
        &self.values[leaf * tiers..(leaf + 1) * tiers]
    }

    /// Whether every path stays within the lists and ends in a leaf: children lie behind their parent.
    fn is_sound(&self, features: usize, tiers: usize) -> bool {
        let nodes = self.feature.len();
        if nodes == 0 || self.threshold.len() != nodes || self.next.len() != nodes || tiers == 0 {
            return false;
        }
        let leaves = self.values.len() / tiers;
        let node_is_sound = |(i, (&feature, &next)): (usize, (&u16, &u32))| match feature {
            LEAF => (next as usize) < leaves,
            feature => usize::from(feature) < features && next as usize > i && (next as usize) < nodes && i + 1 < nodes,
        };
        self.feature.iter().zip(&self.next).enumerate().all(node_is_sound)
            && self.threshold.iter().all(|x| x.is_finite())
            && self.values.iter().all(|p| (0.0..=1.0).contains(p))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Left of 1 on feature 0: (.2, .4); right: (.6, .8).
    pub(in crate::difficulty) fn stump() -> Tree {
        Tree {
            feature: vec![0, LEAF, LEAF],
            threshold: vec![1.0, 0.0, 0.0],
            next: vec![2, 0, 1],
            values: vec![0.2, 0.4, 0.6, 0.8],
        }
    }

    #[test]
    fn trees_are_averaged() {
        let constant = Tree { feature: vec![LEAF], threshold: vec![0.0], next: vec![0], values: vec![0.4, 0.0] };
        let forest = Forest { trees: vec![stump(), constant] };
        assert_eq!(forest.check(1, 2), Ok(()));
        let close = |p: Vec<f64>, q: [f64; 2]| p.iter().zip(q).all(|(p, q)| (p - q).abs() < 1e-6);
        assert!(close(forest.probabilities(&[1.0], 2), [0.3, 0.2]));
        assert!(close(forest.probabilities(&[1.1], 2), [0.5, 0.4]));
        assert_eq!(Forest::default().probabilities(&[1.0], 2), [0.0, 0.0]);
    }

    #[test]
    fn a_list_that_is_no_tree_is_found() {
        let faults: [fn(&mut Tree); 6] = [
            |tree| tree.next[0] = 0,
            |tree| tree.next[0] = 3,
            |tree| tree.next[2] = 2,
            |tree| tree.feature[0] = 1,
            |tree| tree.values[0] = 1.5,
            |tree| {
                tree.threshold.pop();
            },
        ];
        for fault in faults {
            let mut tree = stump();
            fault(&mut tree);
            assert!(Forest { trees: vec![tree.clone()] }.check(1, 2).is_err(), "{tree:?}");
        }
    }
}

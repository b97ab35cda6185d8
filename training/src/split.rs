//! Grouped folds: rows of one group never stand on both sides of a split.

use std::collections::BTreeSet;
use std::collections::HashMap;

/// The fold of each row, 0 to `folds` − 1.
///
/// Groups are ordered by a hash of their number with the seed and dealt out in turn, so that folds hold equally many
/// groups and depend neither on the order of the rows nor on how groups were numbered.
#[must_use]
pub fn folds(groups: &[u64], folds: usize, seed: u64) -> Vec<usize> {
    let distinct: BTreeSet<(u64, u64)> = groups.iter().map(|&group| (mix(group ^ mix(seed)), group)).collect();
    let fold_of: HashMap<u64, usize> =
        distinct.into_iter().enumerate().map(|(i, (_, group))| (group, i % folds.max(1))).collect();
    groups.iter().map(|group| fold_of[group]).collect()
}

/// The weights of the rows outside some folds; those inside count nothing.
pub(crate) fn without(weights: &[f64], fold: &[usize], parts: &[usize]) -> Vec<f64> {
    weights.iter().zip(fold).map(|(w, f)| if parts.contains(f) { 0.0 } else { *w }).collect()
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads neighbouring numbers.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_together_and_folds_are_even() {
        let groups: Vec<u64> = (0..1000).map(|i| i / 4).collect();
        let fold = folds(&groups, 5, 7);
        for (i, group) in groups.iter().enumerate() {
            assert_eq!(fold[i], fold[(group * 4) as usize]);
        }
        for k in 0..5 {
            assert_eq!(fold.iter().filter(|f| **f == k).count(), 200);
        }
        assert_ne!(fold, folds(&groups, 5, 8));
    }
}

//! Which groups a model was trained on, so that no promise is made on them.

use serde::{Deserialize, Serialize};

/// The training groups, as the 32-bit prefixes of their numbers: all of them up to 16,384, beyond that those with the
/// least prefixes, which are a uniform sample because the numbers are hashes of the groups' names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenGroups {
    /// Eight hexadecimal digits each, rising.
    prefixes: String,
    /// Whether groups are missing from the list; those would have come after the last.
    sampled: bool,
}

/// The list, ready to be asked.
#[derive(Debug, Clone)]
pub struct Seen {
    listed: Vec<u32>,
    sampled: bool,
}

/// Past this many groups a list is a sample: 128 kB of an artifact.
const LONGEST: usize = 16_384;

/// Digits of a prefix.
const DIGITS: usize = 8;

impl SeenGroups {
    /// Lists groups by their numbers.
    #[must_use]
    pub fn new(groups: &[u64]) -> Self {
        let mut prefixes: Vec<u32> = groups.iter().map(|group| prefix(*group)).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        let sampled = prefixes.len() > LONGEST;
        prefixes.truncate(LONGEST);
        Self { prefixes: prefixes.iter().map(|prefix| format!("{prefix:08x}")).collect(), sampled }
    }

    /// The list, ready to be asked.
    #[must_use]
    pub fn open(&self) -> Seen {
        let digits = self.prefixes.as_bytes().chunks_exact(DIGITS);
        let number = |digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        Seen { listed: digits.filter_map(number).collect(), sampled: self.sampled }
    }

    /// Finds what would make the list unreadable.
    pub(super) fn check(&self) -> Result<(), String> {
        let listed = self.open().listed;
        if self.prefixes.len() != listed.len() * DIGITS || !listed.is_sorted() {
            return Err("training.seen is not a rising list of hexadecimal numbers".to_owned());
        }
        Ok(())
    }
}

impl Seen {
    /// Whether there is no list, as in an artifact of an older rungs.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.listed.is_empty()
    }

    /// Whether the list is a sample, so that a group which is not on it may still have been trained on.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Whether the group is on the list. A stranger is taken for one that is with a probability of 4 in a million.
    #[must_use]
    pub fn contains(&self, group: u64) -> bool {
        self.listed.binary_search(&prefix(group)).is_ok()
    }
}

fn prefix(group: u64) -> u32 {
    (group >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(numbers: std::ops::Range<u64>) -> Vec<u64> {
        // The golden ratio spreads neighbouring numbers over 64 bits.
        numbers.map(|i| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
    }

    fn found(seen: &SeenGroups, numbers: std::ops::Range<u64>) -> usize {
        let seen = seen.open();
        groups(numbers).iter().filter(|group| seen.contains(**group)).count()
    }

    #[test]
    fn a_short_list_tells_of_every_group() {
        let seen = SeenGroups::new(&groups(0..1000));
        assert_eq!(found(&seen, 900..1100), 100);
        assert!(!seen.open().is_sampled() && seen.check() == Ok(()));
    }

    #[test]
    fn a_long_list_is_a_uniform_sample() {
        let seen = SeenGroups::new(&groups(0..100_000));
        assert!(seen.open().is_sampled() && seen.prefixes.len() == LONGEST * DIGITS);
        assert!(found(&seen, 90_000..110_000).abs_diff(1638) < 100);
    }

    #[test]
    fn no_list_tells_nothing_and_a_torn_one_is_refused() {
        assert!(SeenGroups::default().open().is_unknown() && found(&SeenGroups::default(), 0..10) == 0);
        let torn = SeenGroups { prefixes: "00x".to_owned(), sampled: false };
        assert!(torn.check().is_err());
    }
}

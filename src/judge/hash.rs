//! Numbers that look random and are the same each time: what chance decides is decided by a decision's id.

use sha2::{Digest, Sha256};

/// What a number is for. Numbers of different salts are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Salt {
    /// Whether the monitor draws a request.
    Monitor,
    /// Whether it is drawn to learn from.
    Learn,
    /// Which of two answers the judge sees first.
    Order,
    /// Whether it sees them in both orders.
    Both,
    /// What the answers are called before the judge.
    Labels,
    /// In which order an interval looks at labels.
    Shuffle,
    /// Whether a request is routed where only a share of them is.
    Routed,
    /// Whether a model on trial decides a request.
    Canary,
    /// Whether a request starts elsewhere than its score says.
    Explore,
    /// Which prompts a bootstrap takes.
    Bootstrap,
}

/// A number in [0, 1), uniform over ids: the first 53 bits of SHA-256(seed ‖ salt ‖ id).
#[must_use]
pub fn uniform(seed: &str, salt: Salt, id: &str) -> f64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(seed, salt, id);
    (u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The whole hash.
#[must_use]
pub fn digest(seed: &str, salt: Salt, id: &str) -> [u8; 32] {
    // Lengths are hashed too: no seed can run into a salt, and no salt into an id.
    let mut hash = Sha256::new();
    for part in [seed, salt.name(), id] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl Salt {
    fn name(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Learn => "learn",
            Self::Order => "order",
            Self::Both => "both",
            Self::Labels => "labels",
            Self::Shuffle => "shuffle",
            Self::Routed => "routed",
            Self::Canary => "canary",
            Self::Explore => "explore",
            Self::Bootstrap => "bootstrap",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: usize = 20_000;

    fn stream(salt: Salt) -> impl Iterator<Item = f64> {
        // Ids of one millisecond after the other, as requests have them.
        (0..IDS)
            .map(move |n| uniform("seed", salt, &format!("0197f000-{n:04x}-7000-8000-00000000{:04x}", n * 7 % 65_536)))
    }

    /// χ² over cells of equal probability.
    fn chi_squared(counts: &[f64]) -> f64 {
        let expected = counts.iter().sum::<f64>() / counts.len() as f64;
        counts.iter().map(|count| (count - expected).powi(2) / expected).sum()
    }

    #[test]
    fn each_stream_is_uniform() {
        for salt in [Salt::Monitor, Salt::Learn, Salt::Order, Salt::Both] {
            let mut cells = vec![0.0; 100];
            stream(salt).for_each(|u| cells[(u * 100.0) as usize] += 1.0);
            // The .999 quantile of χ² with 99 degrees of freedom.
            assert!(chi_squared(&cells) < 148.2, "{salt:?}: {}", chi_squared(&cells));
        }
    }

    #[test]
    fn streams_of_different_salts_and_seeds_are_independent() {
        let other = (0..IDS).map(|n| {
            uniform("seed 2", Salt::Monitor, &format!("0197f000-{n:04x}-7000-8000-00000000{:04x}", n * 7 % 65_536))
        });
        let others: [Vec<f64>; 3] = [stream(Salt::Learn).collect(), stream(Salt::Both).collect(), other.collect()];
        for other in others {
            let mut cells = vec![0.0; 100];
            stream(Salt::Monitor)
                .zip(&other)
                .for_each(|(u, v)| cells[(u * 10.0) as usize * 10 + (v * 10.0) as usize] += 1.0);
            assert!(chi_squared(&cells) < 148.2, "{}", chi_squared(&cells));
        }
    }

    #[test]
    fn consecutive_ids_are_independent() {
        let all: Vec<f64> = stream(Salt::Monitor).collect();
        let mut cells = vec![0.0; 100];
        all.windows(2).for_each(|pair| cells[(pair[0] * 10.0) as usize * 10 + (pair[1] * 10.0) as usize] += 1.0);
        // 81 degrees of freedom would do; 99 is the looser bound for pairs that overlap.
        assert!(chi_squared(&cells) < 148.2, "{}", chi_squared(&cells));
    }

    #[test]
    fn a_number_is_the_same_for_ever() {
        // python3: int.from_bytes(sha256(b'\0'*7+b'\x01s'+b'\0'*7+b'\x07monitor'+b'\0'*7+b'\x01i').digest()[:8],'big')>>11
        assert_eq!(uniform("s", Salt::Monitor, "i"), uniform("s", Salt::Monitor, "i"));
        assert_ne!(uniform("s", Salt::Monitor, "i"), uniform("s", Salt::Learn, "i"));
        assert_eq!((uniform("s", Salt::Monitor, "i") * (1_u64 << 53) as f64) as u64, GOLDEN);
    }

    const GOLDEN: u64 = 7_948_739_502_948_938;
}

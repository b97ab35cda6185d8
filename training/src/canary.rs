//! Whether a model that serves some of the requests does harm: a test that may be looked at after every answer.
//!
//! A request goes to the canary with probability ρ, whatever it is. With the loss L of its answer in [0, 1] and
//! c the mean loss so far, Z = (L − c)·(1{canary}/ρ − 1{champion}/(1 − ρ)) has for its mean how much more the canary
//! loses, however the requests change over time; c takes nothing but variance away. Against H₀ "no more than tolerated" bets
//! Π(1 + λ(Z − tolerated)) for several λ at once; their mean is a supermartingale under H₀ and so reaches 1/α with
//! probability at most α, at any time (Ville's inequality; Waudby-Smith and Ramdas 2020).

/// A canary under test.
#[derive(Debug, Clone)]
pub struct Canary {
    share: f64,
    tolerated: f64,
    goal: f64,
    wealth: [f64; STAKES.len()],
    /// The largest mean of the wealth so far.
    peak: f64,
    losses: f64,
    /// Answers seen of the champion and of the canary, with their losses.
    seen: [(usize, f64); 2],
}

/// Stakes, as shares of the largest that keeps the wealth positive whatever comes. Small differences show best at small ones.
const STAKES: [f64; 5] = [0.5, 0.25, 0.12, 0.06, 0.03];

impl Canary {
    /// Nothing seen yet. `share` is ρ in (0, 1), `tolerated` the mean loss that the canary may add, `alpha` the probability
    /// of a harmless canary's being stopped.
    #[must_use]
    pub fn new(share: f64, tolerated: f64, alpha: f64) -> Self {
        let share = share.clamp(1e-3, 1.0 - 1e-3);
        let wealth = [1.0; STAKES.len()];
        Self { share, tolerated, goal: 1.0 / alpha, wealth, peak: 1.0, losses: 0.25, seen: [(0, 0.0); 2] }
    }

    /// Counts an answer, in the order of their requests.
    pub fn observe(&mut self, by_canary: bool, loss: f64) {
        let loss = if loss.is_nan() { 1.0 } else { loss.clamp(0.0, 1.0) };
        // Known before the loss is; a quarter of an answer is assumed to have been lost in the first one.
        let centre = self.losses / (self.count() as f64 + 1.0);
        let (up, down) = (1.0 / self.share, 1.0 / (1.0 - self.share));
        let z = (loss - centre) * if by_canary { up } else { -down };
        let least = (centre * up).max((1.0 - centre) * down) + self.tolerated;
        for (wealth, stake) in self.wealth.iter_mut().zip(STAKES) {
            *wealth *= 1.0 + stake / least * (z - self.tolerated);
        }
        self.peak = self.peak.max(self.evidence());
        self.losses += loss;
        let (n, total) = &mut self.seen[usize::from(by_canary)];
        *n += 1;
        *total += loss;
    }

    /// Whether it is shown to do harm.
    #[must_use]
    pub fn does_harm(&self) -> bool {
        self.peak >= self.goal
    }

    /// The evidence against it: the mean wealth of the bets, 1 at the beginning.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        self.wealth.iter().sum::<f64>() / STAKES.len() as f64
    }

    /// Mean losses of the champion and of the canary, and the answers that they are of.
    #[must_use]
    pub fn losses(&self) -> [(usize, f64); 2] {
        self.seen.map(|(n, total)| (n, total / n.max(1) as f64))
    }

    fn count(&self) -> usize {
        self.seen[0].0 + self.seen[1].0
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rayon::prelude::*;

    use super::*;

    /// When the canary is stopped, of at most `answers`; the traffic gets harder by half over time.
    fn stopped(share: f64, harm: f64, answers: usize, seed: u64) -> Option<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut canary = Canary::new(share, 0.0, 0.05);
        (1..=answers).find(|i| {
            let by_canary = rng.random::<f64>() < share;
            let base = 0.1 * (1.0 + 0.5 * *i as f64 / answers as f64);
            let loss = rng.random::<f64>() < if by_canary { base + harm } else { base };
            canary.observe(by_canary, f64::from(u8::from(loss)));
            canary.does_harm()
        })
    }

    #[test]
    fn a_harmless_canary_is_rarely_stopped_and_a_harmful_one_soon() {
        let worlds = 1000;
        let all = |share, harm, answers| -> Vec<Option<usize>> {
            (0..worlds).into_par_iter().map(|seed| stopped(share, harm, answers, seed)).collect()
        };
        let share_of = |found: &[Option<usize>]| found.iter().flatten().count() as f64 / worlds as f64;
        let harmless = [0.1, 0.5].map(|share| share_of(&all(share, 0.0, 5000)));
        let harmful = all(0.1, 0.2, 1500);
        let mut times: Vec<usize> = harmful.iter().flatten().copied().collect();
        times.sort_unstable();
        eprintln!(
            "stopped of 5,000 judged without harm: {harmless:?}; with 20 pp at a tenth: {:.3}, half of them by {}",
            share_of(&harmful),
            times[times.len() / 2]
        );
        assert!(harmless.iter().all(|share| *share <= 0.05) && share_of(&harmful) >= 0.9, "{harmless:?}");
        assert!(share_of(&all(0.1, -0.05, 2000)) < 0.02);
    }

    #[test]
    fn it_tells_what_it_has_seen_and_survives_numbers_that_are_none() {
        let mut canary = Canary::new(0.1, 0.0, 0.05);
        canary.observe(false, 0.0);
        canary.observe(false, 1.0);
        canary.observe(true, f64::NAN);
        assert_eq!(canary.losses(), [(2, 0.5), (1, 1.0)]);
        assert!(canary.evidence().is_finite() && canary.evidence() > 0.0);
    }
}

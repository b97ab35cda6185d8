//! Self-consistency: further answers of the same tier, drawn until the votes are decided.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout_at;

use super::agreement::{Conclusion, Vote};
use super::beta::share_above;
use super::call::{Fetched, Shape, fetch, sample};
use super::engine::Job;
use super::examine::Examiner;
use crate::chat::Usage;
use crate::config::CascadeConfig;
use crate::decisions::Purpose;
use crate::upstream::Tier;

/// The answers of one tier, the client's own call first, and how they voted.
pub(super) struct Drawn {
    /// Each with its attempt; at least one.
    pub(super) answers: Vec<(usize, Fetched)>,
    /// `None` where there is only one.
    pub(super) vote: Option<Vote>,
}

/// How many samples to draw beside an answer; none where it cannot be told what the answer comes to.
pub(super) fn worth(job: &Job, tier: &Tier, above: &Tier, first: &Fetched, config: &CascadeConfig) -> u32 {
    let answer = first.answer();
    if !Conclusion::of(answer).is_comparable() {
        return 0;
    }
    most(job, tier, above, answer.usage.unwrap_or(job.caps.expected), config)
}

/// How many samples may be drawn beside an answer that takes about so many tokens: as many as the configuration and the
/// limits of the request allow, and none where the price of the tier above does not carry them.
pub(super) fn most(job: &Job, tier: &Tier, above: &Tier, usage: Usage, config: &CascadeConfig) -> u32 {
    let several_choices = job.request.get("n").unwrap_or(1_u32) > 1;
    if config.samples < 2 || several_choices {
        return 0;
    }
    let carries = config.min_price_ratio == 0.0
        || price_ratio(tier, above, usage).is_some_and(|ratio| ratio >= config.min_price_ratio);
    if !carries {
        return 0;
    }
    // The climb comes first: samples must leave room for it.
    let mut calls = vec![above];
    let room = |_: &u32| {
        calls.push(tier);
        job.caps.forbids(&job.ledger, calls.iter().copied()).is_none()
    };
    (1..config.samples).take_while(room).count() as u32
}

/// Draws at most `most` samples beside an answer, all at once, and stops when the votes are decided; of a stream also
/// when the time to its first token is used up. What is still under way then is given up.
pub(super) async fn draw(
    job: &mut Job,
    tier: &Tier,
    shape: Shape,
    examiner: &Examiner,
    first: (usize, Fetched),
    most: u32,
) -> Drawn {
    let config = &examiner.config;
    let until = match shape {
        Shape::Whole => job.deadline,
        Shape::Stream => job.deadline.min(examiner.first_token_by(job)),
    };
    let (deadline, prompt) = (job.deadline, prompt(&first.1));
    let mut running = FuturesUnordered::new();
    let mut open = Vec::new();
    for _ in 0..most {
        let request = sample(&job.request, tier, config);
        let attempt = job.ledger.open(tier, Purpose::Sample);
        let watch = job.ledger.watch(attempt, deadline);
        open.push(attempt);
        running.push(async move { (attempt, fetch(tier, &request, shape, &watch).await) });
    }
    let mut answers = vec![first];
    let mut vote = None;
    while let Ok(Some((attempt, result))) = timeout_at(until, running.next()).await {
        open.retain(|other| *other != attempt);
        match result {
            Ok(fetched) => {
                job.ledger.answered(attempt, tier, fetched.answer());
                answers.push((attempt, fetched));
                let conclusions = answers.iter().map(|(_, fetched)| Conclusion::of(fetched.answer())).collect();
                vote = examiner.vote(conclusions).await;
            }
            Err(error) => job.ledger.failed(attempt, &error),
        }
        if vote.as_ref().is_some_and(|vote| is_decided(vote, open.len(), config)) {
            break;
        }
    }
    drop(running);
    open.into_iter().for_each(|attempt| job.ledger.given_up(attempt, prompt));
    Drawn { answers, vote }
}

/// Whether `left` further samples are not needed: the first answer would stay ahead of the second with the probability
/// asked for, 1 − I_½(a + 1, b + 1) (Aggarwal et al. 2023, "Let's Sample Step by Step"), or no answer can reach the
/// agreement asked for any more.
fn is_decided(vote: &Vote, left: usize, config: &CascadeConfig) -> bool {
    let mut sizes = vote.clusters.clone();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let (first, second) = (sizes.first().copied().unwrap_or(0), sizes.get(1).copied().unwrap_or(0));
    let best = (first + left) as f64 / (vote.samples() + left) as f64;
    share_above(0.5, first, second) >= config.sample_stop || best < config.min_agreement
}

/// How many times as dear the same call is above, with the prompt read from the cache; `None` without prices.
fn price_ratio(tier: &Tier, above: &Tier, usage: Usage) -> Option<f64> {
    let warm = Usage { cached_tokens: usage.input_tokens, ..usage };
    let (cheap, dear) = (tier.config.price_now()?.cost_usd(warm), above.config.price_now()?.cost_usd(warm));
    (dear > 0.0).then(|| dear / cheap)
}

/// What a sample has taken for certain, even if it is given up: the prompt of its sibling.
fn prompt(sibling: &Fetched) -> Option<Usage> {
    sibling.answer().usage.map(|usage| Usage { output_tokens: 0, reasoning_tokens: 0, ..usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(clusters: &[usize], left: usize, config: &CascadeConfig) -> bool {
        is_decided(&Vote { index: 0, clusters: clusters.to_vec() }, left, config)
    }

    #[test]
    fn votes_are_decided_when_the_first_would_stay_ahead_or_none_can_win() {
        let config = CascadeConfig::default();
        assert_eq!((config.samples, config.sample_stop), (3, 0.87));
        assert!(decided(&[2], 1, &config), "two that agree: .875");
        assert!(!decided(&[1, 1], 1, &config), "the third may still make two of three");
        let strict = CascadeConfig { min_agreement: 0.7, ..config.clone() };
        assert!(decided(&[1, 1], 1, &strict), "two of three would not be enough");
        let careful = CascadeConfig { sample_stop: 0.95, ..config };
        assert!(!decided(&[3], 4, &careful) && decided(&[4], 4, &careful), "unanimous: 1 − 2^−(n+1)");
        assert!(!decided(&[4, 1], 4, &careful) && decided(&[1, 6], 4, &careful));
    }

    #[test]
    fn the_price_ratio_is_that_of_cached_prompts() {
        let tier = |price: &str| {
            let toml = format!("name = \"t\"\nbase_url = \"http://localhost\"\nmodel = \"m\"\n{price}");
            let config: crate::config::TierConfig = toml::from_str(&toml).unwrap();
            Tier::open(config, &Default::default()).unwrap()
        };
        let usage = Usage::new(1000, 100);
        let cheap = tier("price = { input = 1.0, output = 1.0 }");
        let dear = tier("price = { input = 20.0, output = 20.0, cached_input = 2.0 }");
        // 1000 × 2 + 100 × 20 = 4000 against 1100.
        assert!((price_ratio(&cheap, &dear, usage).unwrap() - 4000.0 / 1100.0).abs() < 1e-12);
        assert_eq!(price_ratio(&tier(""), &dear, usage), None);
        let free = tier("price = { input = 0.0, output = 0.0 }");
        assert_eq!((price_ratio(&free, &dear, usage), price_ratio(&dear, &free, usage)), (Some(f64::INFINITY), None));
    }
}

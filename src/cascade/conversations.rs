//! Which tier answered a conversation last, and what the providers' caches hold of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use crate::config::{StickinessConfig, TierConfig};
use crate::decisions::{AttemptStatus, DecisionRecord, Outcome};
use crate::policy::{Horizon, Stay, Turn, Warmth};

/// The conversations of this process, as they were answered. Those that were silent for longest are forgotten first.
pub(super) struct Conversations {
    known: Cache<String, Conversation>,
    /// Per tier, the part of the prefix expected to be warm that the provider reported as read from its cache, averaged over
    /// the latest calls.
    hits: Mutex<HashMap<String, f64>>,
    horizon: Horizon,
}

#[derive(Debug, Clone)]
struct Conversation {
    tier: String,
    /// Tokens of the conversation when its last answer had been given.
    length: u64,
    /// Per tier, what was sent there last and when.
    sent: HashMap<String, (u64, Instant)>,
}

/// Conversations that are remembered at once: about 300 bytes each.
const MOST: u64 = 100_000;

/// How long a silent conversation is remembered: longer than any provider keeps a prefix by default.
const IDLE: Duration = Duration::from_secs(3_600);

/// How much the latest call counts for in `hits`.
const RECENCY: f64 = 0.2;

impl Conversations {
    /// `None` where conversations are not to be remembered.
    pub(super) fn new(config: &StickinessConfig) -> Option<Self> {
        let known = Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build();
        let horizon = Horizon { turns: config.turns, discount: config.discount };
        config.enabled.then(|| Self { known, hits: Mutex::default(), horizon })
    }

    /// What speaks for staying, for a prompt of about so many tokens; `None` for a conversation that is not known.
    pub(super) fn stay<'a>(
        &self,
        key: &str,
        tiers: impl Iterator<Item = &'a TierConfig>,
        (input, output): (u64, u64),
    ) -> Option<Stay> {
        let conversation = self.known.get(key)?;
        let hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let warmth = |tier: &TierConfig| {
            let hits = hits.get(&tier.name).copied().unwrap_or(1.0);
            Warmth { tokens: hits * conversation.warm(tier) as f64, hits }
        };
        let history = conversation.length.min(input);
        let turn = Turn { history: history as f64, new: (input - history) as f64, output: output as f64 };
        Some(Stay {
            tier: conversation.tier.clone(),
            warm: tiers.map(warmth).collect(),
            turn,
            horizon: self.horizon,
            only_up: false,
        })
    }

    /// Learns from a request that has ended.
    pub(super) fn learn<'a>(&self, record: &DecisionRecord, tier: impl Fn(&str) -> Option<&'a TierConfig>) {
        let (Some(key), Some(served), Outcome::Served) = (&record.conversation, &record.tier, record.outcome) else {
            return;
        };
        let mut known = self.known.get(key);
        let mut sent = known.as_mut().map(|known| std::mem::take(&mut known.sent)).unwrap_or_default();
        let (now, mut length) = (Instant::now(), 0);
        for attempt in record.attempts.iter().filter(|attempt| !attempt.usage_estimated) {
            let Some(usage) = attempt.usage else { continue };
            let expected = tier(&attempt.tier).map_or(0, |tier| warm(sent.get(&attempt.tier), tier));
            if expected > 0 {
                self.saw(&attempt.tier, usage.cached_tokens as f64 / expected.min(usage.input_tokens).max(1) as f64);
            }
            let accepted = attempt.status == AttemptStatus::Accepted;
            let answer = if accepted { usage.output_tokens } else { 0 };
            if accepted {
                length = usage.input_tokens + answer;
            }
            sent.insert(attempt.tier.clone(), (usage.input_tokens + answer, now));
        }
        self.known.insert(key.clone(), Conversation { tier: served.clone(), length, sent });
    }

    fn saw(&self, tier: &str, share: f64) {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let average = hits.entry(tier.to_owned()).or_insert(1.0);
        *average += RECENCY * (share.min(1.0) - *average);
    }
}

impl Conversation {
    fn warm(&self, tier: &TierConfig) -> u64 {
        warm(self.sent.get(&tier.name), tier)
    }
}

/// Tokens of what was sent that the tier's provider still keeps.
fn warm(sent: Option<&(u64, Instant)>, tier: &TierConfig) -> u64 {
    let keeps = Duration::from_secs_f64(tier.cache_ttl_s);
    sent.filter(|(_, at)| at.elapsed() < keeps).map_or(0, |(tokens, _)| *tokens)
}

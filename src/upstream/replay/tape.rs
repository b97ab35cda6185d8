//! The recording: which conversation was asked, and what each tier made of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::{IndexMap, IndexSet};
use sha2::{Digest, Sha256};

use super::error::Unrecorded;
use super::reply::Reply;
use crate::chat::{ChatRequest, Role};
use crate::labelled::{LabelledQuery, RecordedOutcome};

/// Recorded outcomes, found by the conversation that they answer.
#[derive(Debug, Default)]
pub struct Tape {
    queries: HashMap<Key, Recorded>,
    tiers: IndexSet<String>,
}

/// What was said in a conversation: roles and texts, with white space folded.
type Key = [u8; 32];

#[derive(Debug)]
struct Recorded {
    id: String,
    outcomes: IndexMap<String, Take>,
}

#[derive(Debug)]
struct Take {
    outcome: RecordedOutcome,
    /// How many samples have been handed out.
    drawn: AtomicUsize,
}

impl Tape {
    /// Adds a query. Of a conversation that is recorded twice, each tier's first outcome stays.
    pub fn add(&mut self, query: LabelledQuery) {
        self.tiers.extend(query.outcomes.keys().cloned());
        let recorded = self
            .queries
            .entry(key(&query.request))
            .or_insert_with(|| Recorded { id: query.id, outcomes: IndexMap::new() });
        for (tier, outcome) in query.outcomes {
            recorded.outcomes.entry(tier).or_insert_with(|| Take { outcome, drawn: AtomicUsize::new(0) });
        }
    }

    /// The recorded tiers, in the order in which they first appear.
    pub fn tiers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tiers.iter().map(String::as_str)
    }

    /// How many different conversations are recorded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// What a tier answered. The first choice of a plain request is the recorded answer; a positive `temperature` draws
    /// the recorded samples in turn, `seed` picks one of them for good, and further choices (`n`) follow in order.
    /// Where no samples are recorded, every choice is the answer.
    ///
    /// # Errors
    /// When the tier, the conversation, or the tier's outcome of it is not recorded.
    pub fn reply(&self, request: &ChatRequest, tier: &str) -> Result<Reply, Unrecorded> {
        if !self.tiers.contains(tier) {
            return Err(Unrecorded::Tier { tier: tier.to_owned(), known: self.tiers.iter().cloned().collect() });
        }
        let recorded = self.queries.get(&key(request)).ok_or(Unrecorded::Question)?;
        let take = recorded
            .outcomes
            .get(tier)
            .ok_or_else(|| Unrecorded::Outcome { id: recorded.id.clone(), tier: tier.to_owned() })?;
        Ok(Reply::recorded(request, tier, &recorded.id, &take.outcome, take.first(request)))
    }
}

impl Take {
    /// Which recorded text comes first: 0 is the answer, `i` the `i`th sample.
    fn first(&self, request: &ChatRequest) -> usize {
        let samples = self.outcome.samples.as_ref().map_or(0, Vec::len);
        let warm = request.get::<f64>("temperature").is_some_and(|temperature| temperature > 0.0);
        if samples == 0 || !warm {
            return 0;
        }
        let draw = match request.get::<i64>("seed") {
            Some(seed) => seed.unsigned_abs() as usize,
            None => self.drawn.fetch_add(1, Ordering::Relaxed),
        };
        1 + draw % samples
    }
}

fn key(request: &ChatRequest) -> Key {
    let mut hash = Sha256::new();
    for message in request.messages() {
        hash.update([match message.role {
            Role::System => b's',
            Role::User => b'u',
            Role::Assistant => b'a',
            Role::Tool => b't',
        }]);
        for word in message.text.split_whitespace() {
            hash.update(word);
            hash.update([b' ']);
        }
        hash.update([b'\n']);
    }
    hash.finalize().into()
}

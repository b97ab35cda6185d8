//! What two models would have done on the same labelled requests.

use std::collections::BTreeMap;

use rungs_training::gate::{Findings, Head, Pairs, Part, SLICE_MARGIN, Terms, ask};

use crate::chat::ChatRequest;
use crate::config::{Config, Fallback, Threshold};
use crate::difficulty::rows::group_number;
use crate::difficulty::{Score, Scorer};
use crate::features::embedding::EmbedError;
use crate::labelled::LabelledQuery;
use crate::policy::{per_tier, start};

/// A model as it serves by a configuration.
#[derive(Clone, Copy)]
pub(super) struct Contender<'a> {
    scorer: &'a Scorer,
    config: &'a Config,
}

/// What a model says of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    /// Acceptability of the cheapest and of the highest tier.
    pub(super) p: [f64; 2],
    /// Which of the two it starts at.
    pub(super) at: usize,
}

/// Rows of which both models said what they would do.
#[derive(Default)]
pub(super) struct Asked {
    quality: [Vec<f64>; 2],
    cost: [Vec<f64>; 2],
    weights: Vec<f64>,
    groups: Vec<u64>,
    /// The challenger's probabilities and the labels, by end tier.
    said: [Vec<f64>; 2],
    labels: [Vec<f64>; 2],
    slices: Vec<Option<String>>,
}

impl<'a> Contender<'a> {
    pub(super) fn new(scorer: &'a Scorer, config: &'a Config) -> Self {
        Self { scorer, config }
    }

    /// Its choice between the end tiers, by its score alone: what the gate compares. Tiers between them, checks and the
    /// climb come on top, for either model alike.
    pub(super) fn choose(&self, request: &ChatRequest) -> Result<Choice, EmbedError> {
        Ok(self.chosen(&self.scorer.score(request)?))
    }

    fn chosen(&self, score: &Score) -> Choice {
        let p = per_tier(&self.config.tiers, score).unwrap_or_default();
        let end = |p: Option<(&String, &crate::difficulty::Acceptability)>| p.map_or(0.0, |(_, p)| p.get());
        let p = [end(p.first()), end(p.last())];
        let at = match self.config.policy.fallback {
            _ if self.scorer.has_signal() => start(&p, &[None, None], self.threshold()),
            Fallback::Cheap => 0,
            Fallback::Frontier => 1,
        };
        Choice { p, at }
    }

    /// The threshold in force.
    pub(super) fn threshold(&self) -> f64 {
        match self.config.policy.threshold {
            Threshold::Preset(preset) => self.scorer.threshold(preset),
            Threshold::Value(value) => value,
        }
    }
}

impl Asked {
    /// Asks both models about the requests.
    pub(super) fn of(
        queries: &[LabelledQuery],
        champion: Contender<'_>,
        challenger: Contender<'_>,
    ) -> Result<Self, EmbedError> {
        let mut asked = Self::default();
        let tiers = &champion.config.tiers;
        let (Some(cheap), Some(frontier)) = (tiers.first(), tiers.last()) else { return Ok(asked) };
        for query in queries {
            let (Some(c), Some(f)) = (query.score_of(&cheap.name), query.score_of(&frontier.name)) else { continue };
            let choices = [champion.choose(&query.request)?, challenger.choose(&query.request)?];
            let [_, new] = choices;
            for (i, choice) in choices.iter().enumerate() {
                asked.quality[i].push(if choice.at == 0 { c } else { f });
                asked.cost[i].push(choice.at as f64);
            }
            for (end, label) in [c, f].into_iter().enumerate() {
                asked.said[end].push(new.p[end]);
                asked.labels[end].push(label);
            }
            asked.weights.push(query.weight);
            asked.groups.push(group_number(query.cluster()));
            asked.slices.push(query.route.clone().or_else(|| query.domain.clone()));
        }
        Ok(asked)
    }

    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// What the gate finds; `replay` are rows that must not be worse for certain at all.
    pub(super) fn findings(&self, replay: &Self, names: [&str; 2], terms: Terms) -> Findings {
        let slices = self.by_slice();
        let parts = slices.iter().map(|(name, rows)| Part { name, pairs: rows.pairs(), tolerated: SLICE_MARGIN });
        let parts: Vec<Part<'_>> =
            parts.chain([Part { name: "the replay set", pairs: replay.pairs(), tolerated: 0.0 }]).collect();
        let heads =
            [0, 1].map(|end| Head { tier: names[end], probabilities: &self.said[end], labels: &self.labels[end] });
        ask(&self.pairs(), &parts, &heads, terms)
    }

    fn pairs(&self) -> Pairs<'_> {
        Pairs {
            quality: [&self.quality[0], &self.quality[1]],
            cost: [&self.cost[0], &self.cost[1]],
            weights: &self.weights,
            groups: &self.groups,
        }
    }

    fn by_slice(&self) -> BTreeMap<String, Self> {
        let mut slices: BTreeMap<String, Self> = BTreeMap::new();
        for (row, name) in self.slices.iter().enumerate() {
            let Some(name) = name else { continue };
            let slice = slices.entry(name.clone()).or_default();
            for i in 0..2 {
                slice.quality[i].push(self.quality[i][row]);
                slice.cost[i].push(self.cost[i][row]);
            }
            slice.weights.push(self.weights[row]);
            slice.groups.push(self.groups[row]);
        }
        slices
    }
}

//! Sums over requests, and the figures that they give.

use std::collections::BTreeMap;

use serde::Serialize;

use super::observed::{Observed, Observing};
use crate::decisions::export::Exported;
use crate::decisions::{AttemptStatus, DecisionRecord, EscalationReason, Outcome};

/// Figures of a group of requests. Costs are USD, times milliseconds, shares in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Requests.
    pub requests: u64,
    /// Those that got an error.
    pub failed: u64,
    /// Those whose client went away.
    pub cancelled: u64,
    /// What all of them cost, every call counted, as far as it is known.
    pub cost_usd: f64,
    /// Requests whose whole cost is not known.
    pub cost_unknown: u64,
    /// What the highest tier alone would have cost those served requests of which both costs are known: one call that takes as
    /// many tokens as the served one, with the same part of the prompt in its cache.
    pub frontier_usd: f64,
    /// What judging them cost, as far as it is known.
    pub judge_usd: f64,
    /// What those were served for less than that, every call counted (samples, checks that climbed) and the judging taken off;
    /// negative where routing cost more.
    pub routing_saved_usd: f64,
    /// The same as a share of `frontier_usd`; `None` where that is nothing.
    pub routing_saved_share: Option<f64>,
    /// What the providers' caches saved, which the highest tier's would have saved too: no part of the routing's savings.
    pub cache_saved_usd: f64,
    /// What routing would have cost and lost of the requests that were only observed; `None` where there are none.
    pub observed: Option<Observing>,
    /// Share of the requests that climbed.
    pub escalated: Option<f64>,
    /// Answers that did not pass and calls that failed, by the reason.
    pub escalations: BTreeMap<String, u64>,
    /// Share of the input tokens that were read from a cache.
    pub cache_hit: Option<f64>,
    /// From arrival to the last byte.
    pub latency_ms: Option<Spread>,
    /// From arrival to the first byte.
    pub ttft_ms: Option<Spread>,
    /// Tokens of the answers, all calls of a request together.
    pub output_tokens: Option<Spread>,
    /// What was said of the answers; `None` where nothing was.
    pub quality: Option<Quality>,
}

/// How values are spread: nearest ranks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half are at most this.
    pub p50: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
}

/// Mean feedback. It speaks for the requests that somebody chose to judge, not for all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Requests that were judged; of several judgements of one, the last counts.
    pub judged: u64,
    /// Their mean score.
    pub mean: f64,
    /// 95% interval of the mean by Wilson's score (1927), which is wide enough for any scores in [0, 1].
    pub interval: [f64; 2],
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: u64,
    failed: u64,
    cancelled: u64,
    escalated: u64,
    cost_usd: f64,
    cost_unknown: u64,
    frontier_usd: f64,
    judge_usd: f64,
    routing_saved_usd: f64,
    cache_saved_usd: f64,
    observed: Observed,
    escalations: BTreeMap<EscalationReason, u64>,
    input_tokens: u64,
    cached_tokens: u64,
    judged: u64,
    score: f64,
    latency_ms: Vec<f32>,
    ttft_ms: Vec<f32>,
    output_tokens: Vec<f32>,
}

impl Tally {
    pub(super) fn add(&mut self, exported: &Exported) {
        let Exported { record, feedback, verdicts } = exported;
        self.observed.add(exported);
        self.requests += 1;
        self.failed += u64::from(record.outcome == Outcome::Failed);
        self.cancelled += u64::from(record.outcome == Outcome::Cancelled);
        self.escalated += u64::from(record.escalations > 0);
        self.input_tokens += record.usage.input_tokens;
        self.cached_tokens += record.usage.cached_tokens;
        self.add_money(record);
        self.judge_usd += verdicts.iter().filter_map(|verdict| verdict.cost_usd).sum::<f64>();
        let climbs = record.attempts.iter().filter(|attempt| attempt.status != AttemptStatus::Accepted);
        climbs
            .filter_map(|attempt| attempt.reason)
            .for_each(|reason| *self.escalations.entry(reason).or_default() += 1);
        if let Some(last) = feedback.last() {
            self.judged += 1;
            self.score += last.score;
        }
        if record.outcome == Outcome::Served {
            self.latency_ms.push(record.latency_ms as f32);
            self.ttft_ms.extend(record.ttft_ms.map(|ms| ms as f32));
            self.output_tokens.push(record.usage.output_tokens as f32);
        }
    }

    fn add_money(&mut self, record: &DecisionRecord) {
        self.cost_unknown += u64::from(record.cost_usd.is_none());
        self.cost_usd += record.attempts.iter().filter_map(|attempt| attempt.cost_usd).sum::<f64>();
        self.cache_saved_usd += record.cache_saved_usd.unwrap_or(0.0);
        if let (Some(cost), Some(frontier)) = (record.cost_usd, record.frontier_usd) {
            self.frontier_usd += frontier;
            self.routing_saved_usd += frontier - cost;
        }
    }

    pub(super) fn figures(self) -> Figures {
        let share = |part: f64, of: f64| (of > 0.0).then(|| part / of);
        let routing_saved_usd = self.routing_saved_usd - self.judge_usd;
        let reasons = self.escalations.into_iter().map(|(reason, count)| (reason.name(), count));
        Figures {
            requests: self.requests,
            failed: self.failed,
            cancelled: self.cancelled,
            cost_usd: self.cost_usd,
            cost_unknown: self.cost_unknown,
            frontier_usd: self.frontier_usd,
            judge_usd: self.judge_usd,
            routing_saved_usd,
            routing_saved_share: share(routing_saved_usd, self.frontier_usd),
            cache_saved_usd: self.cache_saved_usd,
            observed: self.observed.figures(),
            escalated: share(self.escalated as f64, self.requests as f64),
            escalations: reasons.collect(),
            cache_hit: share(self.cached_tokens as f64, self.input_tokens as f64),
            latency_ms: spread(self.latency_ms),
            ttft_ms: spread(self.ttft_ms),
            output_tokens: spread(self.output_tokens),
            quality: quality(self.judged, self.score),
        }
    }
}

fn spread(mut values: Vec<f32>) -> Option<Spread> {
    values.sort_unstable_by(f32::total_cmp);
    let at = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100).max(1);
        values.get(rank - 1).copied().map(f64::from)
    };
    Some(Spread { p50: at(50)?, p95: at(95)?, p99: at(99)? })
}

fn quality(judged: u64, score: f64) -> Option<Quality> {
    const Z: f64 = 1.959_963_984_540_054;
    let n = (judged > 0).then_some(judged as f64)?;
    let mean = score / n;
    let center = (mean + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (mean * (1.0 - mean) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(Quality { judged, mean, interval: [(center - half).max(0.0), (center + half).min(1.0)] })
}

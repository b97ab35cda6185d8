//! What one record tells of the cascade that it went through.

use crate::decisions::{Attempt, AttemptStatus, DecisionRecord};
use crate::policy::Cause;
use crate::upstream::Tier;

/// What one request tells of the cascade from its start tier to its ceiling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cascade) struct Case {
    /// Whether it climbed to the ceiling.
    pub(in crate::cascade) escalated: bool,
    /// What the tiers below took, samples and all, in USD.
    pub(in crate::cascade) spent_usd: f64,
    /// What the same call costs at the ceiling.
    pub(in crate::cascade) above_usd: f64,
}

impl Case {
    /// Reads a record; `None` where it tells nothing: the request had nowhere to climb to, a limit kept it from climbing,
    /// its start tier failed, it ended before its answer, or a price or a usage is not known. `tier` finds a tier by its name.
    pub(in crate::cascade) fn of<'a>(record: &DecisionRecord, tier: impl Fn(&str) -> Option<&'a Tier>) -> Option<Self> {
        let (from, to) = (record.rungs.first()?, record.rungs.last()?);
        if from == to || record.cap.is_some() || record.cause == Cause::Direct {
            return None;
        }
        let (above, below): (Vec<&Attempt>, Vec<&Attempt>) =
            record.attempts.iter().partition(|attempt| attempt.tier == *to);
        let escalated = !above.is_empty();
        if !escalated && !below.iter().any(|attempt| attempt.status == AttemptStatus::Accepted) {
            return None;
        }
        // A call that failed is left out, whatever it cost: an outage is no judgement on the cascade.
        let answers = || below.iter().filter(|attempt| attempt.status != AttemptStatus::Failed);
        let first = answers().find(|attempt| attempt.tier == *from)?;
        // A call that was given up tells nothing of how long an answer is; a whole one of another tier does.
        let whole = std::iter::once(*first).chain(&record.attempts).find(|attempt| !attempt.usage_estimated)?;
        Some(Self {
            escalated,
            spent_usd: answers().map(|attempt| attempt.cost_usd).sum::<Option<f64>>()?,
            above_usd: tier(to)?.config.price_now()?.cost_usd(whole.usage?),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::Usage;
    use crate::decisions::Cap;

    /// A record of three tiers, with these attempts: tier, status, cost in millionths of USD.
    fn record(attempts: &[(&str, &str, Option<f64>)]) -> DecisionRecord {
        let usage = json!({"input_tokens": 100, "output_tokens": 10});
        let attempt = |(tier, status, cost): &(&str, &str, Option<f64>)| {
            json!({"tier": tier, "purpose": "answer", "status": status, "signals": {}, "usage": usage,
                "cost_usd": cost.map(|cost| cost / 1e6), "started_ms": 0.0, "latency_ms": 1.0})
        };
        let attempts: Vec<_> = attempts.iter().map(attempt).collect();
        serde_json::from_value(json!({
            "id": "1", "at": "2026-01-02T03:04:05Z", "requested_model": "auto", "cause": "score", "p": {},
            "rungs": ["a", "b", "c"], "propensity": 1.0, "outcome": "served", "escalations": 0, "streamed": false,
            "stand_in": false, "usage": usage, "latency_ms": 1.5, "decide_ms": 0.5, "config": "c", "attempts": attempts
        }))
        .unwrap()
    }

    #[test]
    fn a_record_tells_what_was_spent_below_and_what_above_would_have_cost() {
        let toml = "name = 'c'\nbase_url = 'http://localhost'\nmodel = 'm'\nprice = { input = 10.0, output = 20.0 }";
        let ceiling = Tier::open(toml::from_str(toml).unwrap(), &Default::default()).unwrap();
        let of = |attempts: &[(&str, &str, Option<f64>)]| {
            Case::of(&record(attempts), |name| (name == "c").then_some(&ceiling))
        };
        let case =
            |escalated, millionths: f64| Some(Case { escalated, spent_usd: millionths / 1e6, above_usd: 1.2e-3 });
        let (low, middle, high) = (Some(100.0), Some(400.0), Some(1_200.0));
        assert_eq!(of(&[("a", "accepted", low)]), case(false, 100.0));
        assert_eq!(of(&[("a", "rejected", low), ("b", "accepted", middle)]), case(false, 500.0));
        assert_eq!(
            of(&[("a", "rejected", low), ("b", "rejected", middle), ("c", "accepted", high)]),
            case(true, 500.0)
        );
        assert_eq!(of(&[("a", "failed", None), ("b", "accepted", middle)]), None, "an outage is no judgement");
        assert_eq!(of(&[("a", "accepted", low), ("a", "failed", None)]), case(false, 100.0));
        assert_eq!(of(&[("a", "cancelled", None)]), None);
        assert_eq!(of(&[("a", "accepted", None)]), None, "its cost is not known");
        assert_eq!(of(&[("c", "accepted", high)]), None);
        let mut early = record(&[("a", "rejected", Some(10.0)), ("c", "accepted", high)]);
        early.attempts[0].usage = Some(Usage::new(100, 1));
        early.attempts[0].usage_estimated = true;
        assert_eq!(Case::of(&early, |_| Some(&ceiling)), case(true, 10.0), "by the answer above, which is whole");
        early.attempts[1].usage = None;
        assert_eq!(Case::of(&early, |_| Some(&ceiling)), None);
        let capped = DecisionRecord { cap: Some(Cap::Cost), ..record(&[("a", "accepted", low)]) };
        assert_eq!(Case::of(&capped, |_| Some(&ceiling)), None);
    }
}

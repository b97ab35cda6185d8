//! What was said of the answers to one request, put together into a label per tier.

use indexmap::IndexMap;

use crate::decisions::{CheckVerdict, DecisionRecord, Feedback};
use crate::judge::{Kind, Preference, Subject, Verdict};

/// Whose word counts, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// A program that checks.
    Check,
    /// A person.
    Feedback,
    /// A judge.
    Judge,
}

/// What was said of each tier's answer.
#[derive(Debug, Default)]
struct Said(IndexMap<String, Vec<(Source, f64)>>);

/// The labels of one request, and which draw they come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joined {
    /// Tier → how acceptable its answer is, in [0, 1].
    pub(crate) labels: IndexMap<String, f64>,
    /// The probability with which these labels came to be; `None` where somebody chose the request.
    pub(crate) propensity: Option<f64>,
}

/// Joins everything that was said of the answers to a request.
pub(crate) fn join(record: &DecisionRecord, verdicts: &[Verdict], feedback: &[Feedback]) -> Joined {
    let mut said = Said::default();
    verdicts.iter().for_each(|verdict| said.judged(verdict));
    said.checked(record);
    for feedback in feedback {
        said.say(record.tier.as_deref(), Source::Feedback, feedback.score);
    }
    // The pair of a request that the frontier answered is bought by one stream alone.
    let judged = |subject| verdicts.iter().any(|verdict| verdict.subject == subject && is_judges(verdict));
    let sampling = record.sampling.as_ref();
    let propensity = match (judged(Subject::Shadow), judged(Subject::Served)) {
        (true, _) => sampling.map(|sampling| sampling.learn),
        (false, true) => sampling.map(|sampling| sampling.propensity),
        (false, false) => None,
    };
    Joined { labels: said.labels(), propensity: propensity.filter(|propensity| *propensity > 0.0) }
}

fn is_judges(verdict: &Verdict) -> bool {
    matches!(verdict.kind, Kind::Pairwise | Kind::Rubric | Kind::Check)
}

impl Said {
    fn judged(&mut self, verdict: &Verdict) {
        let source = match verdict.kind {
            Kind::Anchor => return,
            Kind::Feedback => Source::Feedback,
            Kind::Check => Source::Check,
            Kind::Pairwise | Kind::Rubric => Source::Judge,
        };
        self.say(verdict.tier.as_deref(), source, verdict.score);
        // An answer that wins leaves the other one unacceptable; one that ties or loses does not.
        if let Some(preference) = verdict.preference {
            let other = if preference == Preference::Win { 0.0 } else { 1.0 };
            self.say(verdict.against.as_deref(), source, other);
        }
    }

    /// What the user's own checks said of each answer: all of them have to pass.
    fn checked(&mut self, record: &DecisionRecord) {
        for attempt in &record.attempts {
            let verdicts = attempt.checks.iter().map(|check| check.verdict);
            let fails = verdicts.clone().filter(|verdict| *verdict == CheckVerdict::Fail).count();
            let passes = verdicts.filter(|verdict| *verdict == CheckVerdict::Pass).count();
            if fails + passes > 0 {
                self.say(Some(&attempt.tier), Source::Check, if fails == 0 { 1.0 } else { 0.0 });
            }
        }
    }

    fn say(&mut self, tier: Option<&str>, source: Source, score: f64) {
        if let Some(tier) = tier {
            self.0.entry(tier.to_owned()).or_default().push((source, score.clamp(0.0, 1.0)));
        }
    }

    /// The mean of what the strongest source said of each.
    fn labels(self) -> IndexMap<String, f64> {
        let label = |said: Vec<(Source, f64)>| {
            let strongest = said.iter().map(|(source, _)| *source).min()?;
            let scores: Vec<f64> = said.iter().filter(|said| said.0 == strongest).map(|said| said.1).collect();
            Some(scores.iter().sum::<f64>() / scores.len() as f64)
        };
        self.0.into_iter().filter_map(|(tier, said)| Some((tier, label(said)?))).collect()
    }
}

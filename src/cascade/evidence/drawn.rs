//! A recorded call as the cascade would have made it: drawn a few times, put to the vote, looked at.

use super::{Beside, Evidence};
use crate::cascade::agreement::{Vote, majority};
use crate::chat::{Answer, ChatRequest, TokenLogprob, Usage};
use crate::labelled::RecordedOutcome;

/// What a tier's calls gave, and the answer that would be served of it.
#[derive(Debug, Clone)]
pub struct Drawn {
    answer: Answer,
    /// Acceptability of the answer that would be served, in [0, 1].
    pub score: f64,
    /// Calls made for it, at least one.
    pub calls: usize,
    vote: Option<(Vote, usize)>,
    mean_logprob: Option<f64>,
}

impl Drawn {
    /// Puts the recorded answer and its further samples to the vote. The majority's first answer is
    /// served where its score is recorded; without `sample_scores` that is the recorded answer itself.
    #[must_use]
    pub fn of(outcome: &RecordedOutcome) -> Self {
        let texts = candidates(outcome);
        let answers: Vec<Answer> =
            texts.iter().map(|(text, _)| Answer { text: (*text).to_owned(), ..Answer::default() }).collect();
        let vote = majority(&answers.iter().collect::<Vec<_>>());
        let chosen = vote.as_ref().map_or(0, |vote| vote.index);
        let (served, score, agreeing) = match texts.get(chosen) {
            Some((text, Some(score))) => (*text, *score, vote.as_ref().and_then(|vote| vote.clusters.iter().max())),
            // The first cluster is that of the first answer.
            _ => (
                texts.first().map_or("", |first| first.0),
                outcome.score,
                vote.as_ref().and_then(|vote| vote.clusters.first()),
            ),
        };
        let agreeing = agreeing.copied();
        let answer =
            Answer { text: served.to_owned(), logprobs: logprobs(outcome), usage: usage(outcome), ..Answer::default() };
        Self { answer, score, calls: texts.len().max(1), vote: vote.zip(agreeing), mean_logprob: outcome.logprob }
    }

    /// Whether more is known of the answer than its score.
    #[must_use]
    pub fn tells(&self) -> bool {
        !self.answer.text.is_empty()
            || !self.answer.logprobs.is_empty()
            || self.mean_logprob.is_some()
            || self.vote.is_some()
    }

    /// Looks at the answer that would be served.
    #[must_use]
    pub fn evidence(&self, request: &ChatRequest) -> Evidence {
        let beside = Beside {
            vote: self.vote.as_ref().map(|(vote, agreeing)| (vote, *agreeing)),
            well_formed: well_formed(request, &self.answer.text),
            mean_logprob: self.mean_logprob,
        };
        Evidence::of(request, &self.answer, beside)
    }
}

/// Leaves so many calls of a recorded outcome, the answer included.
pub fn keep_calls(outcome: &mut RecordedOutcome, most: usize) {
    let beyond = candidates(outcome).len().saturating_sub(most.max(1));
    if let Some(samples) = &mut outcome.samples {
        samples.truncate(samples.len().saturating_sub(beyond));
        let kept = samples.len();
        outcome.sample_scores.iter_mut().for_each(|scores| scores.truncate(kept));
    }
}

/// The answers with their scores, where known: the recorded one, then the samples of which it is often the first.
fn candidates(outcome: &RecordedOutcome) -> Vec<(&str, Option<f64>)> {
    let samples = outcome.samples.as_deref().unwrap_or_default();
    let score = |i: usize| outcome.sample_scores.as_ref().and_then(|scores| scores.get(i).copied());
    let mut texts: Vec<(&str, Option<f64>)> =
        samples.iter().enumerate().map(|(i, text)| (text.as_str(), score(i))).collect();
    match (&outcome.answer, texts.first_mut()) {
        (Some(answer), Some(first)) if answer == first.0 => first.1 = Some(outcome.score),
        (Some(answer), _) => texts.insert(0, (answer, Some(outcome.score))),
        (None, Some(first)) => {
            first.1.get_or_insert(outcome.score);
        }
        (None, None) => {}
    }
    texts
}

fn usage(outcome: &RecordedOutcome) -> Option<Usage> {
    let input_tokens = outcome.input_tokens.unwrap_or(0);
    outcome.output_tokens.map(|output_tokens| Usage::new(input_tokens, output_tokens))
}

fn logprobs(outcome: &RecordedOutcome) -> Vec<TokenLogprob> {
    let tokens = outcome.token_logprobs.as_deref().unwrap_or_default();
    let top = outcome.top_logprobs.as_deref().unwrap_or_default();
    let place = |i: usize| TokenLogprob {
        token: String::new(),
        logprob: tokens.get(i).copied().unwrap_or(f64::NAN),
        top: top.get(i).map_or_else(Vec::new, |top| top.iter().map(|(token, p)| (token.clone(), *p)).collect()),
    };
    (0..tokens.len().max(top.len())).map(place).collect()
}

/// Whether a text is JSON where the request demands it; `None` where it does not.
fn well_formed(request: &ChatRequest, text: &str) -> Option<bool> {
    let format: serde_json::Value = request.get("response_format")?;
    let demands = matches!(format.get("type")?.as_str()?, "json_object" | "json_schema");
    demands.then(|| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

//! What can be seen of an answer, as numbers: the signals that the confidence model reads.

mod drawn;
mod kind;
mod stated;
mod tokens;

use super::agreement::Vote;
use super::confidence::{self, is_truncated};
use super::phrases::{is_refusal, states_uncertainty};
use crate::chat::{Answer, ChatRequest};
use crate::policy::text_tokens;

pub use drawn::{Drawn, keep_calls};
pub use kind::Kind;

/// The signals of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What the answer is.
    pub kind: Kind,
    /// One number per name of [`SIGNALS`]; NaN where the answer does not have the signal, never infinite.
    pub values: [f64; SIGNALS.len()],
}

/// What is known of an answer beside its words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// How the samples voted, and how many of them say what this answer says.
    pub vote: Option<(&'a Vote, usize)>,
    /// Whether the answer has the form that the request demands; `None` where it demands none.
    pub well_formed: Option<bool>,
    /// Mean log-probability of its tokens, where those themselves are not known.
    pub mean_logprob: Option<f64>,
}

/// The names of the signals, in their order. An artifact names those that it was fitted with.
///
/// Log-probabilities stand as the logits of what they are the logarithms of, held within [−20, 8]: of the mean over the
/// answer's tokens, of their sum, of the least one, and of quantiles. `no_…` is 1 where a family is missing.
pub const SIGNALS: [&str; 24] = [
    "logprob_mean",
    "logprob_sum",
    "logprob_min",
    "logprob_q01",
    "logprob_q05",
    "logprob_q10",
    "logprob_q25",
    "logprob_q50",
    "no_logprobs",
    "spread",
    "first_margin",
    "first_entropy",
    "no_alternatives",
    "agreement",
    "entropy",
    "clusters",
    "no_samples",
    "length",
    "truncated",
    "refusal",
    "unsure",
    "malformed",
    "stated_confidence",
    "no_stated_confidence",
];

/// The place of `length`, ln(1 + tokens), in [`SIGNALS`].
pub const LENGTH: usize = 17;

/// Signals that only the end of an answer shows: `truncated`, `malformed`.
const OF_THE_END: [usize; 2] = [18, 21];

/// Families of signals that measure the same thing, by their places in [`SIGNALS`].
pub const FAMILIES: [&[usize]; 2] = [&[0, 1, 2, 10], &[13, 14, 15]];

impl Evidence {
    /// Looks at an answer to a request.
    #[must_use]
    pub fn of(request: &ChatRequest, answer: &Answer, beside: Beside<'_>) -> Self {
        let length = length(answer) as f64;
        // Tokens that are known by their log-probabilities are counted by those.
        let least = if confidence::logprobs(&answer.logprobs).next().is_some() { 0.0 } else { length.max(1.0) };
        Self::by_length(request, answer, beside, [length, least])
    }

    /// Looks at the beginning of an answer, taken to become as long as answers usually are: `usual` tokens. How the
    /// answer ends (cut short, malformed) is not known.
    #[must_use]
    pub fn of_beginning(request: &ChatRequest, answer: &Answer, usual: f64) -> Self {
        let length = usual.max(length(answer) as f64);
        let mut evidence = Self::by_length(request, answer, Beside::default(), [length; 2]);
        OF_THE_END.iter().for_each(|signal| evidence.values[*signal] = f64::NAN);
        evidence
    }

    fn by_length(request: &ChatRequest, answer: &Answer, beside: Beside<'_>, [length, least]: [f64; 2]) -> Self {
        let logprobs = tokens::logprobs(answer, beside.mean_logprob, least);
        let alternatives = tokens::alternatives(answer);
        let agreement = agreement(beside.vote);
        let stated = stated::confidence(&answer.text);
        let refused = answer.refusal.as_ref().is_some_and(|refusal| !refusal.trim().is_empty());
        let flag = |is: bool| f64::from(u8::from(is));
        let [mean, sum, min, q01, q05, q10, q25, q50] = logprobs;
        let [spread, first_margin, first_entropy] = alternatives;
        let [share, entropy, clusters] = agreement;
        let values = [
            mean,
            sum,
            min,
            q01,
            q05,
            q10,
            q25,
            q50,
            flag(mean.is_nan()),
            spread,
            first_margin,
            first_entropy,
            flag(spread.is_nan()),
            share,
            entropy,
            clusters,
            flag(share.is_nan()),
            length.ln_1p(),
            flag(is_truncated(request, answer)),
            flag(refused || is_refusal(&answer.text)),
            flag(states_uncertainty(&answer.text)),
            flag(beside.well_formed == Some(false)),
            stated.unwrap_or(f64::NAN),
            flag(stated.is_none()),
        ];
        Self { kind: Kind::of(answer), values }
    }
}

/// Tokens of the answer: as the upstream counts them, else those that came with a log-probability, else by the text.
fn length(answer: &Answer) -> u64 {
    match answer.usage {
        Some(usage) => usage.output_tokens,
        None if !answer.logprobs.is_empty() => answer.logprobs.len() as u64,
        None => text_tokens(&answer.text),
    }
}

/// Share of the samples that agree with the answer, then entropy and number of all clusters as parts of the most that so
/// many samples can have.
fn agreement(vote: Option<(&Vote, usize)>) -> [f64; 3] {
    match vote {
        Some((vote, agreeing)) if vote.samples() > 1 => {
            let samples = vote.samples() as f64;
            let further = vote.clusters.len().saturating_sub(1) as f64;
            [agreeing as f64 / samples, vote.entropy() / samples.ln(), further / (samples - 1.0)]
        }
        _ => [f64::NAN; 3],
    }
}

#[cfg(test)]
mod tests;

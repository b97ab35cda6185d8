//! The two tiers that answer where no provider is configured: recorded samples of simulated models, in this process.

use std::sync::Arc;

use crate::config::TierConfig;
use crate::labelled::{self, LabelledQuery};
use crate::upstream::Tier;
use crate::upstream::replay::{Replay, Tape};

/// What a stand-in says to a question that is not among its samples.
pub const SENTENCE: &str = "This is a stand-in, not a model: no provider is configured, and this question is not among \
    the recorded samples. Add two or more [[tiers]] to the configuration to get answers of real models.";

/// A question that is among the samples, to try a router with; README.md asks it too.
pub const EXAMPLE: &str = "What is 40 + 44? Give only the number.";

/// The recorded samples: `datasets/sample/queries.jsonl`.
const SAMPLE: &str = include_str!("../datasets/sample/queries.jsonl");

/// The tiers, cheap to frontier, with their prices in USD per million tokens (input, output).
const TIERS: [(&str, f64, f64); 2] = [("stand-in-small", 0.15, 0.60), ("stand-in-large", 2.50, 10.00)];

/// The stand-in tiers, cheap to frontier; every answer of theirs is flagged as a stand-in's.
///
/// # Errors
/// When the embedded sample cannot be read, which the tests of this program exclude.
pub fn tiers() -> anyhow::Result<Vec<Tier>> {
    let tape = Arc::new(tape()?);
    let tier = |config: TierConfig| {
        let upstream = Arc::new(Replay::new(Arc::clone(&tape), config.name.as_str()).or_else(SENTENCE));
        Tier { stand_in: true, ..Tier::of(config, upstream) }
    };
    Ok(configs()?.into_iter().map(tier).collect())
}

/// The stand-ins as a configuration would name them: names, prices, log-probabilities. They have no address.
///
/// # Errors
/// When a required setting of a tier is missing here, which the tests of this program exclude.
pub fn configs() -> anyhow::Result<Vec<TierConfig>> {
    let config = |(name, input, output): (&str, f64, f64)| {
        let config = serde_json::json!({
            "name": name, "model": name, "base_url": "http://stand-in.invalid/v1", "logprobs": true,
            "price": {"input": input, "output": output},
        });
        Ok(serde_json::from_value(config)?)
    };
    TIERS.into_iter().map(config).collect()
}

/// The sample's queries with what the stand-ins made of them.
///
/// # Errors
/// As for [`tiers`].
pub fn sample() -> anyhow::Result<Vec<LabelledQuery>> {
    Ok(labelled::parse("datasets/sample/queries.jsonl", SAMPLE).collect::<Result<_, _>>()?)
}

/// The sample as a recording to replay.
///
/// # Errors
/// As for [`tiers`].
pub fn tape() -> anyhow::Result<Tape> {
    let mut tape = Tape::default();
    sample()?.into_iter().for_each(|query| tape.add(query));
    Ok(tape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use crate::upstream::Watch;

    #[tokio::test]
    async fn a_recorded_question_gets_its_recorded_answer_and_others_a_plain_sentence() {
        let tiers = tiers().unwrap();
        assert_eq!(tiers.iter().map(Tier::name).collect::<Vec<_>>(), ["stand-in-small", "stand-in-large"]);
        assert!(tiers.iter().all(|tier| tier.stand_in && tier.config.price.is_some()));
        let query = sample().unwrap().swap_remove(0);
        let watch = Watch::until(tokio::time::Instant::now() + std::time::Duration::from_secs(60));
        for tier in &tiers {
            let answer = tier.endpoints.complete(&query.request, &watch).await.unwrap().answer;
            assert_eq!(Some(answer.text), query.outcomes[tier.name()].answer);
            assert_ne!(
                tier.endpoints.complete(&ChatRequest::from_prompt(EXAMPLE), &watch).await.unwrap().answer.text,
                SENTENCE
            );
            let other = tier.endpoints.complete(&ChatRequest::from_prompt("hello?"), &watch).await.unwrap().answer;
            assert_eq!(other.text, SENTENCE);
            assert_eq!(other.finish_reason.as_deref(), Some("stop"));
        }
    }
}

//! The two tiers that answer where no provider is configured: recorded samples of simulated models, in this process.

use std::sync::Arc;

use crate::config::TierConfig;
use crate::labelled;
use crate::upstream::Tier;
use crate::upstream::replay::{Replay, Tape};

/// What a stand-in says to a question that is not among its samples.
pub const SENTENCE: &str = "This is a stand-in, not a model: no provider is configured, and this question is not among \
    the recorded samples. Add two or more [[tiers]] to the configuration to get answers of real models.";

/// The recorded samples: `datasets/sample/queries.jsonl`.
const SAMPLE: &str = include_str!("../datasets/sample/queries.jsonl");

/// The tiers, cheap to frontier, with their prices in USD per million tokens (input, output).
const TIERS: [(&str, f64, f64); 2] = [("stand-in-small", 0.15, 0.60), ("stand-in-large", 2.50, 10.00)];

/// The stand-in tiers, cheap to frontier; every answer of theirs is flagged as a stand-in's.
///
/// # Errors
/// When the embedded sample cannot be read, which the tests of this program exclude.
pub fn tiers() -> Result<Vec<Tier>, String> {
    let mut tape = Tape::default();
    for query in labelled::parse("datasets/sample/queries.jsonl", SAMPLE) {
        tape.add(query.map_err(|error| error.to_string())?);
    }
    let tape = Arc::new(tape);
    TIERS.iter().map(|(name, input, output)| tier(&tape, name, *input, *output)).collect()
}

fn tier(tape: &Arc<Tape>, name: &str, input: f64, output: f64) -> Result<Tier, String> {
    let config = serde_json::json!({
        "name": name, "model": name, "base_url": "http://stand-in.invalid/v1", "logprobs": true,
        "price": {"input": input, "output": output},
    });
    let config: TierConfig = serde_json::from_value(config).map_err(|error| error.to_string())?;
    let upstream = Arc::new(Replay::new(tape.clone(), name).or_else(SENTENCE));
    Ok(Tier { config, upstream, stand_in: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;

    #[tokio::test]
    async fn a_recorded_question_gets_its_recorded_answer_and_others_a_plain_sentence() {
        let tiers = tiers().unwrap();
        assert_eq!(tiers.iter().map(Tier::name).collect::<Vec<_>>(), ["stand-in-small", "stand-in-large"]);
        assert!(tiers.iter().all(|tier| tier.stand_in && tier.config.price.is_some()));
        let query = labelled::parse("sample", SAMPLE).next().unwrap().unwrap();
        for tier in &tiers {
            let answer = tier.upstream.complete(&query.request).await.unwrap().answer;
            assert_eq!(Some(answer.text), query.outcomes[tier.name()].answer);
            let other = tier.upstream.complete(&ChatRequest::from_prompt("hello?")).await.unwrap().answer;
            assert_eq!(other.text, SENTENCE);
            assert_eq!(other.finish_reason.as_deref(), Some("stop"));
        }
    }
}

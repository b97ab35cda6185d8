//! Whatever an answer is made of: long ones, other scripts, any log-probabilities, events cut anywhere.

use proptest::prelude::*;
use rungs::decisions::EarlyVerdict;
use serde_json::Value;

use super::{LOST, SURE, early, ended, with_large};
use crate::support::planted::{Piece, Planted, after, ending, now, token, tokens};

#[tokio::test]
async fn ten_thousand_tokens_are_passed_on_or_given_up_like_any_other() {
    let small = Planted::start(vec![now(tokens(10_000, SURE) + &ending("stop", 10_000))]).await;
    let (read, record) = ended(&with_large(&small, "").await).await;
    assert!(said(&read).ends_with("word9999 ") && record.attempts[0].usage.unwrap().output_tokens == 10_000);
    let small = Planted::start(vec![now(tokens(10_000, LOST) + &ending("stop", 10_000))]).await;
    let (read, record) = ended(&with_large(&small, "").await).await;
    assert_eq!((said(&read).as_str(), early(&record).verdict), ("from large", EarlyVerdict::Escalate));
}

/// The text of a stream.
fn said(read: &str) -> String {
    let data = read.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let delta = |data: &str| {
        let chunk: Value = serde_json::from_str(data).unwrap();
        chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    data.map(delta).collect()
}

/// Tokens of many scripts whose log-probabilities are missing or as low as servers write −∞.
fn answers() -> impl Strategy<Value = Vec<(&'static str, Option<f64>)>> {
    let text = prop::sample::select(vec!["DRAFT ", "DRAFT三人行", "DRAFT\u{1F600}é", "DRAFTمرحبا ", "DRAFT\n\n"]);
    prop::sample::select(vec![-0.05, -0.7, -3.0]).prop_flat_map(move |level| {
        let logprob =
            prop_oneof![8 => Just(Some(level)), 1 => Just(None), 1 => Just(Some(-9999.0)), 1 => Just(Some(-0.4))];
        prop::collection::vec((text.clone(), logprob), 0..150)
    })
}

/// The bytes of a text, cut anywhere.
fn cut(text: &str, cuts: &[prop::sample::Index]) -> Vec<Piece> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).chain([0, text.len()]).collect();
    places.sort_unstable();
    // A pause keeps the pieces apart on their way.
    places.windows(2).map(|ends| after(1, text.as_bytes()[ends[0]..ends[1]].to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn of_an_answer_the_client_sees_all_or_nothing(
        answer in answers(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        checkpoints in prop::sample::subsequence(vec![1, 2, 16, 32, 64, 128], 0..6),
        end in prop::sample::select(vec!["stop", "length"]),
    ) {
        let events: String = answer.iter().map(|(text, logprob)| token(text, *logprob)).collect();
        let more = format!("[cascade.stream]\ncheckpoints = {checkpoints:?}");
        let (read, record) = tokio::runtime::Runtime::new().unwrap().block_on(async {
            let small = Planted::start(cut(&(events + &ending(end, answer.len())), &cuts)).await;
            ended(&with_large(&small, &more).await).await
        });
        let whole: String = answer.iter().map(|(text, _)| *text).collect();
        let gave_up = record.attempts[0].early.is_some_and(|early| early.verdict == EarlyVerdict::Escalate);
        match record.tier.as_deref() {
            Some("small") => prop_assert!(said(&read) == whole && !gave_up),
            _ => prop_assert!(!read.contains("DRAFT") && said(&read) == "from large", "{read}"),
        }
        prop_assert!(read.ends_with("data: [DONE]\n\n"));
    }
}

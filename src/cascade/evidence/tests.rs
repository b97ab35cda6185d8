use indexmap::IndexMap;

use super::*;
use crate::labelled::RecordedOutcome;

fn request() -> ChatRequest {
    ChatRequest::from_prompt("Which?")
}

fn recorded(outcome: &RecordedOutcome) -> Evidence {
    Drawn::of(outcome).evidence(&request())
}

fn signal(evidence: &Evidence, name: &str) -> f64 {
    evidence.values[SIGNALS.iter().position(|known| *known == name).unwrap()]
}

fn said(text: &str) -> RecordedOutcome {
    RecordedOutcome { answer: Some(text.to_owned()), ..RecordedOutcome::default() }
}

#[test]
fn probabilities_become_logits_of_mean_sum_least_and_quantiles() {
    let logprobs: Vec<f64> = (1..=100).map(|i| -f64::from(i) / 100.0).collect();
    let evidence = recorded(&RecordedOutcome { token_logprobs: Some(logprobs), ..said("some words") });
    let logit = |logprob: f64| logprob - (1.0 - logprob.exp()).ln();
    for (name, logprob) in [
        ("logprob_mean", -0.505),
        ("logprob_min", -1.0),
        ("logprob_q01", -1.0),
        ("logprob_q05", -0.96),
        ("logprob_q50", -0.51),
    ] {
        assert!((signal(&evidence, name) - logit(logprob)).abs() < 1e-9, "{name} {}", signal(&evidence, name));
    }
    assert_eq!((signal(&evidence, "logprob_sum"), signal(&evidence, "no_logprobs")), (-20.0, 0.0));
}

#[test]
fn a_mean_alone_stands_for_its_tokens() {
    let evidence = recorded(&RecordedOutcome { logprob: Some(-0.5), output_tokens: Some(4), ..said("a b c d") });
    assert_eq!(signal(&evidence, "logprob_mean"), signal(&evidence, "logprob_min"));
    assert!(signal(&evidence, "logprob_sum") < signal(&evidence, "logprob_mean"));
}

#[test]
fn alternatives_give_margins_and_entropy() {
    let top = |p: [f64; 2]| IndexMap::from([("A".to_owned(), p[0].ln()), ("B".to_owned(), p[1].ln())]);
    let outcome = RecordedOutcome { top_logprobs: Some(vec![top([0.3, 0.7]), top([1.0, 0.0])]), ..said("B!") };
    let evidence = recorded(&outcome);
    assert!((signal(&evidence, "first_margin") - 0.4).abs() < 1e-12);
    assert!((signal(&evidence, "spread") - 0.3).abs() < 1e-12);
    assert!((signal(&evidence, "first_entropy") - 0.610_864_3).abs() < 1e-6);
    assert_eq!(signal(&evidence, "no_logprobs"), 1.0);
}

#[test]
fn samples_are_put_to_the_vote_and_the_majority_is_served() {
    let samples = ["7", "8", "8.0", "the answer is 8"].map(str::to_owned).to_vec();
    let scored =
        RecordedOutcome { samples: Some(samples.clone()), sample_scores: Some(vec![0.0, 1.0, 1.0, 1.0]), ..said("7") };
    let drawn = Drawn::of(&scored);
    assert_eq!((drawn.score, drawn.calls), (1.0, 4));
    assert_eq!(signal(&drawn.evidence(&request()), "agreement"), 0.75);
    // Nobody knows how good the majority is: the recorded answer is served, with its own share.
    let unscored = Drawn::of(&RecordedOutcome { samples: Some(samples), ..said("7") });
    assert_eq!((unscored.score, signal(&unscored.evidence(&request()), "agreement")), (0.0, 0.25));
    let mut first = scored;
    keep_calls(&mut first, 1);
    let single = Drawn::of(&first);
    assert_eq!((single.score, single.calls, signal(&single.evidence(&request()), "no_samples")), (0.0, 1, 1.0));
}

#[test]
fn what_an_answer_says_of_itself_is_seen() {
    let unsure = recorded(&said("I'm not sure, maybe B. Confidence: 30%"));
    assert_eq!((signal(&unsure, "unsure"), signal(&unsure, "stated_confidence")), (1.0, 0.3));
    assert_eq!(signal(&recorded(&said("I'm sorry, but I can't help with that.")), "refusal"), 1.0);
    let sure = recorded(&said("B"));
    assert_eq!((sure.kind, signal(&sure, "unsure"), signal(&sure, "refusal")), (Kind::Choice, 0.0, 0.0));
    assert!(signal(&sure, "stated_confidence").is_nan());
}

#[test]
fn json_that_was_asked_for_and_not_given_is_malformed() {
    let request = request().with("response_format", &serde_json::json!({"type": "json_object"}));
    let malformed = |text| signal(&Drawn::of(&said(text)).evidence(&request), "malformed");
    assert_eq!((malformed("{\"a\": 1}"), malformed("a is 1")), (0.0, 1.0));
}

#[test]
fn nothing_known_is_missing_and_not_a_number_nowhere_else() {
    let evidence = recorded(&RecordedOutcome::default());
    assert!(!Drawn::of(&RecordedOutcome::default()).tells());
    for (name, value) in SIGNALS.iter().zip(evidence.values) {
        assert_eq!(
            value.is_nan(),
            !matches!(*name, "length" | "truncated" | "refusal" | "unsure" | "malformed") && !name.starts_with("no_"),
            "{name}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn every_signal_is_finite_or_missing(
        text in "\\PC{0,80}",
        logprobs in proptest::collection::vec(proptest::prelude::any::<f64>(), 0..40),
        top in proptest::collection::vec(proptest::prelude::any::<f64>(), 0..5),
        mean in proptest::option::of(proptest::prelude::any::<f64>()),
    ) {
        let top = top.iter().enumerate().map(|(i, p)| (i.to_string(), *p)).collect();
        let evidence = recorded(&RecordedOutcome {
            samples: Some(vec![text.clone(), "是的。".to_owned(), text.clone()]),
            token_logprobs: Some(logprobs),
            top_logprobs: Some(vec![top]),
            logprob: mean,
            ..said(&text)
        });
        proptest::prop_assert!(evidence.values.iter().all(|x| !x.is_infinite()), "{:?}", evidence);
    }
}

#[test]
fn ten_thousand_tokens_of_no_probability_are_bounded() {
    let outcome = RecordedOutcome { token_logprobs: Some(vec![f64::NEG_INFINITY; 10_000]), ..said("是") };
    assert!((signal(&recorded(&outcome), "logprob_mean") + 20.0).abs() < 1e-6);
}

#[test]
fn a_beginning_is_taken_for_a_usual_answer_whose_end_is_not_known() {
    assert_eq!([SIGNALS[LENGTH], SIGNALS[OF_THE_END[0]], SIGNALS[OF_THE_END[1]]], ["length", "truncated", "malformed"]);
    let logprobs = vec![crate::chat::TokenLogprob { logprob: -0.01, ..Default::default() }; 16];
    let answer = Answer { text: "It is a".to_owned(), logprobs, ..Answer::default() };
    let logit = |logprob: f64| logprob - (1.0 - logprob.exp()).ln();
    for (usual, tokens) in [(100.0, 100.0), (4.0, 16.0)] {
        let beginning = Evidence::of_beginning(&request(), &answer, usual);
        assert!((signal(&beginning, "length") - f64::ln_1p(tokens)).abs() < 1e-9);
        assert!((signal(&beginning, "logprob_sum") - logit(-0.01 * tokens)).abs() < 1e-9);
        assert!((signal(&beginning, "logprob_mean") - logit(-0.01)).abs() < 1e-9);
        assert!(signal(&beginning, "truncated").is_nan() && signal(&beginning, "malformed").is_nan());
    }
}

//! What an artifact has learned of answers decides about live ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use rungs::cascade::evidence::SIGNALS;
use rungs::chat::ChatRequest;
use rungs::config::Preset;
use rungs::decisions::{EarlyVerdict, EscalationReason};
use rungs::difficulty::confidence::{ConfidenceFigures, ConfidenceModel, Weights, Worth};
use rungs::difficulty::{Acceptability, Score};
use rungs::features::embedding::EmbedError;
use rungs::policy::{Cause, Scoring};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::model::{answering, completion, completion_with_logprob, saying, whole};
use crate::support::planted::{Planted, ending, now, tokens};
use crate::support::router::{Router, header, two_tiers, two_tiers_at};

/// Finds every request easy, and an answer of `small` as good as its mean log-probability says.
struct Learned([ConfidenceModel; 1]);

impl Learned {
    fn new() -> Self {
        let nothing = Weights { intercept: 0.0, prior: vec![0.0; 2], signals: vec![0.0; SIGNALS.len()] };
        let mut own = nothing.clone();
        own.signals[0] = 1.0;
        let above = Weights { prior: vec![0.0, 1.0], ..nothing };
        Self([ConfidenceModel {
            tiers: vec!["small".to_owned(), "large".to_owned()],
            signals: SIGNALS.map(str::to_owned).to_vec(),
            typical: vec![0.0; SIGNALS.len()],
            pooled: vec![own, above],
            by_kind: BTreeMap::new(),
            worth: Vec::new(),
            figures: ConfidenceFigures::default(),
        }])
    }
}

impl Scoring for Learned {
    fn score(&self, _: &ChatRequest) -> Result<Score, EmbedError> {
        let p = [("small", 0.8), ("large", 0.9)].map(|(head, p)| (head.to_owned(), Acceptability::new(p)));
        Ok(Score { p: p.into_iter().collect(), score: 0.1, novelty: None })
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn version(&self) -> &str {
        "learned"
    }

    fn threshold(&self, _: Preset) -> f64 {
        0.5
    }

    fn has_signal(&self) -> bool {
        true
    }

    fn confidence(&self) -> &[ConfidenceModel] {
        &self.0
    }
}

#[tokio::test]
async fn a_climb_that_is_worth_its_price_is_made_and_no_other() {
    // The price is .5 and large is expected at .9: the answer must be worse than .4. The limit of the configuration,
    // -0.7, would reject both.
    for (logprob, climbs) in [(-0.8_f64, false), (-1.2, true)] {
        let small = answering(whole(&completion_with_logprob("42", logprob))).await;
        let large = saying("from large").await;
        let toml = two_tiers("", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
        let router = Router::scored_by(Arc::new(Learned::new()), &toml, None).await;
        let response = router.ask("easy", json!({})).await;
        assert_eq!(header(&response, "x-rungs-tier"), if climbs { "large" } else { "small" });
        let attempt = &router.record(&response).await.attempts[0];
        assert_eq!(attempt.reason, climbs.then_some(EscalationReason::ExpectedGain));
        let posterior = attempt.signals.posterior.unwrap();
        assert!((posterior.own - logprob.exp()).abs() < 1e-6 && (posterior.above - 0.9).abs() < 1e-6, "{posterior:?}");
        assert_eq!(posterior.price, 0.5);
    }
}

#[tokio::test]
async fn a_request_starts_where_seeing_an_answer_first_is_worth_its_price() {
    // A call of `large` costs ten of `small`, t = .5: λ·c is .056 for `small`. The router alone would start there, for
    // p_large − p_small is .1.
    let (small, large) = (saying("from small").await, saying("from large").await);
    let urls = [&small, &large].map(|server| format!("{}/v1", server.uri()));
    let start = async |worth: f64, more: &str| {
        let mut learned = Learned::new();
        learned.0[0].worth = vec![Worth { price: 0.1, corners: vec![[0.1, worth]] }];
        let toml = two_tiers_at(10.0, more, &urls[0], &urls[1]);
        let router = Router::scored_by(Arc::new(learned), &toml, None).await;
        let record = router.ended(router.ask("easy", json!({})).await).await;
        let low = json!({"metadata": {"x-rungs-max-tier": "small"}});
        assert_eq!(router.route("easy", low).await["plan"]["cause"], "score", "there is nothing to climb to");
        (record.rungs[0].clone(), record.cause)
    };
    // The price of the climb is .556, beyond the only one that is known: what is saved grows with it.
    assert_eq!(start(-0.39, "").await, ("small".to_owned(), Cause::Worth));
    assert_eq!(start(-0.41, "").await, ("large".to_owned(), Cause::Worth));
    for router in ["[cascade]\nweigh_start = false", "[cascade]\nenabled = false", "[cascade]\nmax_calls = 1"] {
        assert_eq!(start(-0.41, router).await, ("small".to_owned(), Cause::Score), "{router}");
    }
}

#[tokio::test]
async fn what_an_answer_says_of_itself_comes_before_what_is_predicted() {
    let (small, large) = (answering(whole(&completion("I'm not sure."))).await, saying("from large").await);
    let toml = two_tiers("", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let router = Router::scored_by(Arc::new(Learned::new()), &toml, None).await;
    let response = router.ask("easy", json!({})).await;
    assert_eq!(header(&response, "x-rungs-tier"), "large");
    assert_eq!(router.record(&response).await.attempts[0].reason, Some(EscalationReason::Unsure));
}

#[tokio::test]
async fn a_stream_is_decided_by_what_was_learned() {
    // The price is .5, large is expected at .9, and the margin after 16 tokens is .2: an answer that is worth more than .6
    // is passed on, one that is worth less than .2 given up; the whole answer decides in between.
    for (logprob, verdict) in [(-0.4, Some(EarlyVerdict::Commit)), (-0.7, None), (-1.8, Some(EarlyVerdict::Escalate))] {
        let small = Planted::start(vec![now(tokens(16, Some(logprob)) + &ending("stop", 16))]).await;
        let large = saying("from large").await;
        let toml = two_tiers("", &small.url, &format!("{}/v1", large.uri()));
        let router = Router::scored_by(Arc::new(Learned::new()), &toml, None).await;
        let record = router.ended(router.ask("easy", json!({"stream": true})).await).await;
        let early = record.attempts[0].early;
        assert_eq!(early.map(|early| early.verdict), verdict, "{logprob}");
        if let Some(early) = early {
            let posterior = early.signals.posterior.unwrap();
            assert!((posterior.own - f64::exp(logprob)).abs() < 1e-6 && posterior.price == 0.5, "{posterior:?}");
            assert_eq!(early.regret, None);
        }
        let whole = record.attempts[0].signals.posterior.unwrap();
        assert!((whole.own - f64::exp(logprob)).abs() < 1e-6);
    }
}

/// Three tiers, each as good as it is said to be before, an answer of `small` as good as its mean log-probability says.
fn of_three(p_middle: f64) -> Arc<Three> {
    let nothing = Weights { intercept: 0.0, prior: vec![0.0; 3], signals: vec![0.0; SIGNALS.len()] };
    let mut heads = vec![nothing; 3];
    heads[0].signals[0] = 1.0;
    heads[1].prior[1] = 1.0;
    heads[2].prior[2] = 1.0;
    let tiers = ["small", "middle", "large"].map(str::to_owned).to_vec();
    let [two] = Learned::new().0;
    Arc::new(Three { p_middle, model: [ConfidenceModel { tiers, pooled: heads, ..two }] })
}

struct Three {
    p_middle: f64,
    model: [ConfidenceModel; 1],
}

impl Scoring for Three {
    fn score(&self, _: &ChatRequest) -> Result<Score, EmbedError> {
        let p = [("small", 0.8), ("middle", self.p_middle), ("large", 0.9)];
        let p = p.map(|(head, p)| (head.to_owned(), Acceptability::new(p))).into_iter().collect();
        Ok(Score { p, score: 0.1, novelty: None })
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn version(&self) -> &str {
        "three"
    }

    fn threshold(&self, _: Preset) -> f64 {
        0.3
    }

    fn has_signal(&self) -> bool {
        true
    }

    fn confidence(&self) -> &[ConfidenceModel] {
        &self.model
    }
}

#[tokio::test]
async fn of_three_tiers_the_one_worth_most_is_next_and_the_others_stand_in_for_it() {
    let (unsure, lost) = (completion("I'm not sure."), completion_with_logprob("42", -1.2));
    let [middle, large] = [saying("from middle").await, saying("from large").await];
    let broken = answering(ResponseTemplate::new(400)).await;
    // Without prices a climb to either costs the threshold, .3, and all tiers above are weighed by what they are worth.
    for (answer, p_middle, top, tried) in [
        (&lost, 0.81, &large, vec!["small", "large"]),
        (&lost, 0.95, &large, vec!["small", "middle"]),
        (&lost, 0.81, &broken, vec!["small", "large", "middle"]),
        (&lost, 0.95, &broken, vec!["small", "middle"]),
        (&unsure, 0.81, &large, vec!["small", "middle"]),
    ] {
        let small = answering(whole(answer)).await;
        let tier = |name: &str, server: &wiremock::MockServer| {
            format!(
                "[[tiers]]\nname = \"{name}\"\nmodel = \"m\"\nbase_url = \"{}/v1\"\nlogprobs = true\n",
                server.uri()
            )
        };
        let toml = tier("small", &small) + &tier("middle", &middle) + &tier("large", top);
        let router = Router::scored_by(of_three(p_middle), &toml, None).await;
        let record = router.ended(router.ask("easy", json!({})).await).await;
        let asked: Vec<&str> = record.attempts.iter().map(|attempt| attempt.tier.as_str()).collect();
        assert_eq!((asked, record.tier.as_deref()), (tried.clone(), tried.last().copied()));
    }
}

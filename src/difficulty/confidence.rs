//! What an answer, once given, tells of itself and of the tiers above: the artifact's `confidence` section.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Acceptability;
use super::calibration::{logit, sigmoid};
pub use super::worth::Worth;
use crate::cascade::evidence::{Evidence, Kind, LENGTH, SIGNALS};

/// A probability that an answer is acceptable, given what could be seen of the answer that one tier gave; in [0, 1].
///
/// It speaks of that answer, or of the one that a higher tier would give. [`Acceptability`] is what was known before.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// The probability as a number in [0, 1].
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Judges the answers of one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceModel {
    /// The tiers that it speaks of: the one whose answers it judges, then those above it.
    pub tiers: Vec<String>,
    /// The names of the signals that it was fitted with; any others are refused.
    pub signals: Vec<String>,
    /// Per signal, what stands for it where it is missing.
    pub typical: Vec<f64>,
    /// Per tier, the weights for every kind of answer.
    pub pooled: Vec<Weights>,
    /// Per tier, the weights for the kinds that have their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_kind: BTreeMap<Kind, Vec<Weights>>,
    /// What it is worth to see an answer of the tier before the last tier is called, at rising prices of that call; empty
    /// in artifacts from before it was fitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worth: Vec<Worth>,
    /// How good it is on rows that it had not seen.
    pub figures: ConfidenceFigures,
}

/// A linear function, in logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The logit where everything else is zero.
    pub intercept: f64,
    /// Per tier, the coefficient of the logit of its acceptability before the answer.
    pub prior: Vec<f64>,
    /// Per signal, its coefficient.
    pub signals: Vec<f64>,
}

/// Figures of held-out probabilities with their 95 % intervals; `None` where the rows do not define them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceFigures {
    /// Answers.
    pub n: usize,
    /// Area under the ROC curve of the confidence against the correctness of the answer.
    pub auc: Option<f64>,
    /// Its interval.
    pub auc_ci: Option<[f64; 2]>,
    /// Area under the performance gap recovered over the escalated share, answers ranked by p_above − p_own.
    pub deferral_apgr: Option<f64>,
    /// Its interval.
    pub deferral_apgr_ci: Option<[f64; 2]>,
    /// The same area for the router's score.
    pub prior_apgr: Option<f64>,
    /// The same area for the best single signal.
    pub signal_apgr: Option<f64>,
}

/// Probabilities before an answer nearer to 0 or 1 than this are held off.
const SUREST: f64 = 0.001;

impl ConfidenceModel {
    /// The tier whose answers it judges.
    #[must_use]
    pub fn tier(&self) -> &str {
        self.tiers.first().map_or("", String::as_str)
    }

    /// The probabilities after an answer: that it is acceptable, and that the answers of the tiers above would be.
    /// `None` where one of the tiers has no probability from before.
    #[must_use]
    pub fn judge(
        &self,
        prior: &IndexMap<String, Acceptability>,
        evidence: &Evidence,
    ) -> Option<IndexMap<String, Confidence>> {
        self.weigh(self.by_kind.get(&evidence.kind).unwrap_or(&self.pooled), prior, evidence)
    }

    /// The same of an answer that has only begun: what kind of answer it will be is not known.
    #[must_use]
    pub fn judge_beginning(
        &self,
        prior: &IndexMap<String, Acceptability>,
        evidence: &Evidence,
    ) -> Option<IndexMap<String, Confidence>> {
        self.weigh(&self.pooled, prior, evidence)
    }

    /// How long answers of the tier usually are, in tokens.
    #[must_use]
    pub fn usual_length(&self) -> f64 {
        self.typical.get(LENGTH).map_or(0.0, |length| length.exp_m1().max(0.0))
    }

    /// What it is worth to see the tier's answer before the last tier is called at this price, where so much gain is
    /// expected of that; `None` where this was not fitted, or for a price that is not positive.
    #[must_use]
    pub fn worth(&self, gain: f64, price: f64) -> Option<f64> {
        Worth::between(&self.worth, gain, price)
    }

    fn weigh(
        &self,
        heads: &[Weights],
        prior: &IndexMap<String, Acceptability>,
        evidence: &Evidence,
    ) -> Option<IndexMap<String, Confidence>> {
        let prior: Vec<f64> = self
            .tiers
            .iter()
            .map(|tier| prior.get(tier).map(|p| logit(p.get().clamp(SUREST, 1.0 - SUREST))))
            .collect::<Option<_>>()?;
        let present = evidence.values.iter().zip(&self.typical);
        let signals: Vec<f64> = present.map(|(x, typical)| if x.is_nan() { *typical } else { *x }).collect();
        let p = heads.iter().map(|weights| Confidence(sigmoid(weights.logit(&prior, &signals))));
        Some(self.tiers.iter().cloned().zip(p).collect())
    }

    /// Finds what would make a judgement wrong or not a number.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), String> {
        let fault = |reason: String| Err(format!("confidence in `{}`: {reason}", self.tier()));
        if self.tiers.len() < 2 || !known.ends_with(&self.tiers.iter().map(String::as_str).collect::<Vec<_>>()) {
            return fault("its tiers are not one of the heads' with all above it".to_owned());
        }
        if self.signals != SIGNALS {
            return fault("it was fitted with other signals than this rungs measures".to_owned());
        }
        if self.typical.len() != SIGNALS.len() || !self.typical.iter().all(|x| x.is_finite()) {
            return fault("`typical` must have a finite number per signal".to_owned());
        }
        let sound = |heads: &Vec<Weights>| {
            heads.len() == self.tiers.len() && heads.iter().all(|weights| weights.is_sound(self.tiers.len()))
        };
        if !Worth::are_sound(&self.worth) {
            return fault("`worth` must have rising prices, and corners of finite numbers whose gains rise".to_owned());
        }
        if !sound(&self.pooled) || !self.by_kind.values().all(sound) {
            return fault("each tier must have an intercept and a finite weight per tier and per signal".to_owned());
        }
        Ok(())
    }
}

impl Weights {
    fn logit(&self, prior: &[f64], signals: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        self.intercept + dot(&self.prior, prior) + dot(&self.signals, signals)
    }

    fn is_sound(&self, tiers: usize) -> bool {
        self.prior.len() == tiers
            && self.signals.len() == SIGNALS.len()
            && self.intercept.is_finite()
            && self.prior.iter().chain(&self.signals).all(|weight| weight.is_finite())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cascade::evidence::Drawn;
    use crate::chat::ChatRequest;
    use crate::labelled::RecordedOutcome;

    /// The own tier is as good as its mean log-probability, the one above as it seemed before.
    pub(crate) fn example(tiers: [&str; 2]) -> ConfidenceModel {
        let mut own = Weights { intercept: 0.0, prior: vec![0.0; 2], signals: vec![0.0; SIGNALS.len()] };
        let above = Weights { prior: vec![0.0, 1.0], ..own.clone() };
        own.signals[0] = 1.0;
        ConfidenceModel {
            tiers: tiers.map(str::to_owned).to_vec(),
            signals: SIGNALS.map(str::to_owned).to_vec(),
            typical: vec![0.5; SIGNALS.len()],
            pooled: vec![own, above],
            by_kind: BTreeMap::new(),
            worth: Vec::new(),
            figures: ConfidenceFigures::default(),
        }
    }

    fn judged(model: &ConfidenceModel, outcome: &RecordedOutcome) -> Vec<f64> {
        let prior = ["small", "large"].map(|tier| (tier.to_owned(), Acceptability::new(0.8))).into_iter().collect();
        let evidence = Drawn::of(outcome).evidence(&ChatRequest::from_prompt("Which?"));
        model.judge(&prior, &evidence).unwrap().values().map(|p| p.get()).collect()
    }

    #[test]
    fn priors_and_signals_make_the_probabilities() {
        let mut model = example(["small", "large"]);
        let outcome = RecordedOutcome { answer: Some("B".into()), logprob: Some(-0.5), ..Default::default() };
        let p = judged(&model, &outcome);
        assert!((p[0] - (-0.5_f64).exp()).abs() < 1e-9 && (p[1] - 0.8).abs() < 1e-9, "{p:?}");
        // A missing signal counts as its typical value.
        let p = judged(&model, &RecordedOutcome { logprob: None, ..outcome.clone() });
        assert!((p[0] - sigmoid(0.5)).abs() < 1e-9, "{p:?}");

        let constant = |intercept| Weights { intercept, prior: vec![0.0; 2], signals: vec![0.0; SIGNALS.len()] };
        model.by_kind.insert(Kind::Choice, vec![constant(0.0), constant(1.0)]);
        assert_eq!(judged(&model, &outcome), [0.5, sigmoid(1.0)]);
    }

    #[test]
    fn without_a_prior_there_is_no_judgement() {
        let evidence = Drawn::of(&RecordedOutcome::default()).evidence(&ChatRequest::from_prompt("Which?"));
        assert_eq!(example(["small", "large"]).judge(&IndexMap::new(), &evidence), None);
    }

    #[test]
    fn each_fault_is_found() {
        let faults: [fn(&mut ConfidenceModel); 7] = [
            |model| model.worth = vec![Worth { price: -1.0, corners: Vec::new() }],
            |model| model.tiers[0] = "other".to_owned(),
            |model| model.signals[0] = "other".to_owned(),
            |model| model.typical[0] = f64::NAN,
            |model| model.pooled[1].intercept = f64::INFINITY,
            |model| {
                model.pooled[0].signals.pop();
            },
            |model| {
                model.by_kind.insert(Kind::Code, Vec::new());
            },
        ];
        assert_eq!(example(["small", "large"]).check(&["tiny", "small", "large"]), Ok(()));
        for fault in faults {
            let mut model = example(["small", "large"]);
            fault(&mut model);
            assert!(model.check(&["small", "large"]).is_err(), "{model:?}");
        }
    }
}

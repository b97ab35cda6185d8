//! Whether an artifact's certificate holds for what is served.

use serde::Serialize;

use crate::config::{CascadeConfig, TierConfig};
use crate::difficulty::calibrated::{Certificate, Loss};

/// A certificate and what it was given for.
#[derive(Debug, Clone, Copy)]
pub struct Certified<'a> {
    /// The promise.
    pub certificate: &'a Certificate,
    /// The certified threshold.
    pub threshold: f64,
    /// The heads of the two tiers that it speaks of, cheap → frontier.
    pub heads: &'a [String],
    /// Whether the artifact knows what it is worth to see a cheap answer first, which a cascade then starts by.
    pub weighs: bool,
}

/// What becomes of a certificate in use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
    /// What counts as a loss.
    pub loss: Loss,
    /// Whether the promise covers what is served, as far as the configuration tells.
    pub holds: bool,
    /// What takes it away; empty where it holds.
    pub void_because: Vec<String>,
}

impl Certified<'_> {
    /// How it stands for these tiers, cheap → frontier, with this cascade at this threshold.
    ///
    /// What no configuration shows (drift, another model behind a tier's name) is not among the reasons; alarms add theirs.
    #[must_use]
    pub fn standing(&self, tiers: &[TierConfig], cascade: &CascadeConfig, threshold: f64) -> Standing {
        let reasons = [
            self.other_tiers(tiers),
            self.other_threshold(threshold),
            self.replaced_answers(cascade).map(str::to_owned),
            cascade.max_cost_usd.map(|_| "cascade.max_cost_usd can keep a request from the frontier".to_owned()),
        ];
        let void_because: Vec<String> = reasons.into_iter().flatten().collect();
        Standing {
            epsilon: self.certificate.epsilon,
            delta: self.certificate.delta,
            loss: self.certificate.loss,
            holds: void_because.is_empty(),
            void_because,
        }
    }

    fn other_tiers(&self, tiers: &[TierConfig]) -> Option<String> {
        let served: Vec<&str> = tiers.iter().map(TierConfig::head).collect();
        (served != self.heads).then(|| {
            format!(
                "it speaks of {} and the tiers are {}: name them so, or say with `head` which is which",
                self.heads.join(" → "),
                served.join(" → ")
            )
        })
    }

    fn other_threshold(&self, threshold: f64) -> Option<String> {
        (threshold != self.threshold)
            .then(|| format!("the threshold is {threshold:+.4}, the certified one {:+.4}", self.threshold))
    }

    /// An escalation takes requests from the cheap tier. That can only lessen the share of unacceptable cheap answers; but
    /// the quality lost is a difference, and grows where the cheap tier's answer was the better one.
    fn replaced_answers(&self, cascade: &CascadeConfig) -> Option<&'static str> {
        match self.certificate.loss {
            _ if !cascade.enabled => None,
            Loss::Unacceptable if self.weighs && cascade.weigh_start => {
                Some("the worth of seeing a cheap answer first decides where to start: set cascade.weigh_start = false")
            }
            Loss::QualityLost => Some("the cascade replaces answers after routing: set cascade.enabled = false"),
            Loss::Unacceptable if cascade.samples > 1 => {
                Some("of several samples another answer is served than the calibrated one: set cascade.samples = 1")
            }
            Loss::Unacceptable => None,
        }
    }
}

impl Standing {
    /// The same for one request, which may add a reason of its own.
    #[must_use]
    pub fn and(mut self, reason: Option<&str>) -> Self {
        self.void_because.extend(reason.map(str::to_owned));
        self.holds = self.void_because.is_empty();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::plan::tests::tier;

    fn standing(loss: Loss, tiers: &[TierConfig], cascade: &CascadeConfig, threshold: f64) -> Standing {
        let certificate =
            Certificate { epsilon: 0.02, delta: 0.1, loss, n: 1000, observed_loss: 0.01, seed: 0, void_if: vec![] };
        let heads = ["small", "large"].map(str::to_owned);
        let certified = Certified { certificate: &certificate, threshold: 0.25, heads: &heads, weighs: false };
        let standing = certified.standing(tiers, cascade, threshold);
        let weighs = Certified { weighs: true, ..certified }.standing(tiers, cascade, threshold);
        assert_eq!(weighs.holds, standing.holds && !(cascade.enabled && cascade.weigh_start));
        standing
    }

    fn off() -> CascadeConfig {
        CascadeConfig { enabled: false, ..CascadeConfig::default() }
    }

    fn reason(standing: &Standing) -> &str {
        assert!(!standing.holds && standing.void_because.len() == 1, "{standing:?}");
        &standing.void_because[0]
    }

    #[test]
    fn it_holds_for_the_two_tiers_at_the_certified_threshold_without_a_cascade() {
        let named = [tier("small", None), tier("large", None)];
        assert!(standing(Loss::QualityLost, &named, &off(), 0.25).holds);
        let spoken_for = [
            TierConfig { head: Some("small".to_owned()), ..tier("a", None) },
            TierConfig { head: Some("large".to_owned()), ..tier("b", None) },
        ];
        assert!(standing(Loss::QualityLost, &spoken_for, &off(), 0.25).holds);
    }

    #[test]
    fn each_cause_is_named() {
        let named = [tier("small", None), tier("large", None)];
        let by_position = [tier("a", None), tier("b", None)];
        let three = [tier("small", None), tier("middle", None), tier("large", None)];
        let (turned, off) = ([tier("large", None), tier("small", None)], off());
        for tiers in [&by_position[..], &three, &turned, &named[..1]] {
            assert!(reason(&standing(Loss::QualityLost, tiers, &off, 0.25)).contains("small → large"));
        }
        assert!(reason(&standing(Loss::QualityLost, &named, &off, 0.3)).contains("+0.3000"));
        assert!(reason(&standing(Loss::QualityLost, &named, &CascadeConfig::default(), 0.25)).contains("cascade"));
        let capped = CascadeConfig { max_cost_usd: Some(0.01), ..off.clone() };
        assert!(reason(&standing(Loss::QualityLost, &named, &capped, 0.25)).contains("max_cost_usd"));
        let all = standing(Loss::QualityLost, &three, &CascadeConfig::default(), 0.3);
        assert_eq!((all.holds, all.void_because.len()), (false, 3));
    }

    #[test]
    fn an_escalation_cannot_add_unacceptable_cheap_answers_but_samples_can() {
        let named = [tier("small", None), tier("large", None)];
        let single = CascadeConfig { samples: 1, ..CascadeConfig::default() };
        assert!(standing(Loss::Unacceptable, &named, &single, 0.25).holds);
        let sampled = CascadeConfig { samples: 3, ..single };
        assert!(reason(&standing(Loss::Unacceptable, &named, &sampled, 0.25)).contains("samples"));
    }

    #[test]
    fn a_request_can_take_it_away_for_itself() {
        let named = [tier("small", None), tier("large", None)];
        let held = standing(Loss::QualityLost, &named, &off(), 0.25);
        assert!(held.clone().and(None).holds);
        assert_eq!(reason(&held.and(Some("the client named a tier"))), "the client named a tier");
    }
}

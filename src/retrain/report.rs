//! What a retraining did and found.

use std::fmt::Write;

use rungs_training::gate::{Findings, Passes};
use serde::Serialize;

use super::Objection;
use super::labels::Taken;
use super::off_policy::OffPolicy;
use crate::difficulty::calibrated::Calibrated;
use crate::registry::{Outcome, State};

/// The whole story of one attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The model that serves.
    pub champion: String,
    /// The model that was fitted; `None` where nothing could be.
    pub challenger: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The state that the challenger came into; `None` where it was not written down.
    pub state: Option<State>,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether nothing was written down.
    pub dry_run: bool,
    /// Which attempt against this champion it is.
    pub attempt: u32,
    /// What of the log was used.
    pub labels: Taken,
    /// Rows that were learned from: of the log, and of the replay set.
    pub learned: [usize; 2],
    /// Rows that judged: of the log, and of the replay set.
    pub held_out: [usize; 2],
    /// What the holdout says.
    pub findings: Option<Findings>,
    /// What stands against the challenger, in words.
    pub objections: Vec<String>,
    /// The challenger's operating point, where the champion's was set for a goal.
    pub calibrated: Option<Calibrated>,
    /// What the champion and the challenger would have earned on the log.
    pub off_policy: Option<[OffPolicy; 2]>,
}

impl Report {
    /// An attempt that has found nothing yet.
    pub(super) fn new(champion: &str, attempt: u32, labels: Taken) -> Self {
        Self {
            champion: champion.to_owned(),
            challenger: None,
            outcome: Outcome::Nothing,
            state: None,
            reason: String::new(),
            dry_run: false,
            attempt,
            learned: [0, 0],
            held_out: [0, 0],
            findings: None,
            objections: Vec::new(),
            calibrated: None,
            off_policy: None,
            labels,
        }
    }

    /// For a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.used();
        let [log, replay] = self.learned;
        let [judging, guarding] = self.held_out;
        let _ = writeln!(text, "learned from {log} rows of the log and {replay} of the replay set");
        let _ = writeln!(text, "judged by   {judging} later rows of the log and {guarding} of the replay set");
        if let Some(findings) = &self.findings {
            text += &found(findings);
        }
        if let Some(certificate) = self.calibrated.as_ref().and_then(|set| set.certificate.as_ref()) {
            let _ = writeln!(
                text,
                "certificate  at most {} lost with confidence {}, on {} groups",
                certificate.epsilon,
                1.0 - certificate.delta,
                certificate.n
            );
        }
        for (name, value) in ["champion", "challenger"].iter().zip(self.off_policy.iter().flatten()) {
            let _ = writeln!(text, "on the log   {name}: {}", value.text());
        }
        let challenger = self.challenger.as_deref().unwrap_or("nothing");
        let dry = if self.dry_run { " (dry run: nothing was changed)" } else { "" };
        let _ = writeln!(text, "champion {}, challenger {challenger}, attempt {}", self.champion, self.attempt);
        let _ = writeln!(text, "{}: {}{dry}", self.outcome.name(), self.reason);
        text
    }

    fn used(&self) -> String {
        let Taken { verdicts, requests, used, merged, conversations, propensities, dropped, .. } = &self.labels;
        let kinds: Vec<String> = verdicts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        let mut text = format!("verdicts    {kinds}, of {requests} requests\n");
        let _ = writeln!(
            text,
            "used        {used} requests of {conversations} conversations, {merged} of them repetitions"
        );
        if let Some([least, most]) = propensities {
            let _ = writeln!(text, "drawn       with probabilities of {least:.4} to {most:.4}");
        }
        for (why, n) in dropped {
            let _ = writeln!(text, "not used    {n}: {why}");
        }
        text
    }
}

impl Report {
    /// Says what stands against the challenger.
    pub(super) fn refuse(&mut self, outcome: Outcome, objections: Vec<Objection>) {
        self.outcome = outcome;
        self.objections = objections.iter().map(ToString::to_string).collect();
        self.reason = self.objections.join("; ");
    }

    /// Says what the holdout found and what follows.
    pub(super) fn settle(&mut self, findings: Findings, objections: Vec<Objection>) {
        let (utility, quality, cost) = (findings.utility, findings.quality, findings.cost);
        let better = format!(
            "utility {:+.4}, at least {:+.4}, on {} later conversations (quality {:+.4}, frontier share {:+.4})",
            utility.difference, utility.lower, utility.groups, quality.difference, cost.difference
        );
        let cheaper = format!(
            "the frontier's share falls by {:.4}, by {:.4} at the least, and quality by no more than {:.4}",
            -cost.difference, -cost.upper, -quality.lower
        );
        let passes = findings.passes;
        self.findings = Some(findings);
        self.refuse(Outcome::Refused, objections);
        if self.objections.is_empty() {
            self.outcome = Outcome::Promoted;
            self.reason = if passes == Some(Passes::Cheaper) { cheaper } else { better };
        }
    }
}

impl OffPolicy {
    fn text(&self) -> String {
        match self {
            Self::Refused { refused } => format!("cannot be told: {refused}"),
            Self::Known(value) => format!(
                "{:.4} ({:.4} to {:.4}), SNIPS {:.4}, worth {:.0} judged requests of {}",
                value.dr, value.dr_ci.0, value.dr_ci.1, value.snips, value.ess, value.requests
            ),
        }
    }
}

fn found(findings: &Findings) -> String {
    let mut text = format!("error       {:.2} % may be spent in this attempt\n", 100.0 * findings.alpha);
    let rows = [("utility", &findings.utility), ("quality", &findings.quality), ("cost", &findings.cost)];
    for (name, paired) in rows {
        let (d, low, high) = (paired.difference, paired.lower, paired.upper);
        let _ = writeln!(text, "{name:<11} {d:+.4} ({low:+.4} to {high:+.4}), p = {:.4}", paired.p);
    }
    for (name, paired) in &findings.parts {
        let _ = writeln!(
            text,
            "  {name}: quality {:+.4} ({:+.4} to {:+.4})",
            paired.difference, paired.lower, paired.upper
        );
    }
    for slope in &findings.slopes {
        let [low, high] = slope.interval;
        let _ = writeln!(text, "  {}: calibration slope {:.2} ({low:.2} to {high:.2})", slope.tier, slope.slope);
    }
    text
}

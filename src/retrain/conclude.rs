//! What follows from an attempt, written down.

use jiff::Timestamp;

use super::Report;
use super::run::{Ask, RetrainError};
use crate::alert::Event;
use crate::alert::event::Change;
use crate::alert::outbox::{Signal, insert};
use crate::config::{Config, Rollout};
use crate::difficulty::{Artifact, Scorer};
use crate::registry::{Attempt, Outcome, Registry, State};

/// Writes the conclusion down, in one transaction: the attempt, the challenger in its state, and the alert.
pub(super) async fn conclude(
    registry: &Registry,
    config: &Config,
    ask: &Ask,
    report: &mut Report,
    champion: &Scorer,
    challenger: Option<&Artifact>,
) -> Result<(), RetrainError> {
    if ask.force && report.outcome == Outcome::Refused && challenger.is_some() {
        report.outcome = Outcome::Forced;
        report.reason = format!("forced by an operator although {}", report.reason);
    }
    report.dry_run = ask.dry_run;
    let passed = report.outcome.passes();
    let state = match config.retrain.rollout {
        _ if !passed => State::Retired,
        Rollout::All => State::Champion,
        Rollout::Canary => State::Shadow,
        Rollout::Manual => State::Challenger,
    };
    report.outcome = match (report.outcome, state) {
        (Outcome::Promoted | Outcome::First, State::Shadow) => Outcome::OnTrial,
        (Outcome::Promoted | Outcome::First, State::Challenger) => Outcome::Waiting,
        (outcome, _) => outcome,
    };
    if ask.dry_run {
        return Ok(());
    }
    report.state = challenger.map(|_| state);
    if challenger.is_some() {
        registry.adopt(champion.artifact()).await?;
    }
    let attempt = Attempt::now(
        champion.version(),
        report.challenger.clone(),
        report.outcome,
        report.reason.clone(),
        serde_json::to_value(&*report).unwrap_or_default(),
    );
    let alert = told(report, passed, state).map(|event| insert(&Signal::Fire(event))).transpose()?;
    registry.conclude(&attempt, ask.origin, challenger.map(|artifact| (artifact, state)), alert).await?;
    registry.prune().await?;
    Ok(())
}

/// What is to be told of it; nothing where there was nothing to decide, or the decision is still to come.
fn told(report: &Report, passed: bool, state: State) -> Option<Event> {
    if report.challenger.as_ref() == Some(&report.champion) {
        return None;
    }
    let change = Change {
        version: report.challenger.clone()?,
        champion: Some(report.champion.clone()),
        reason: report.reason.clone(),
        since: Timestamp::now(),
    };
    match (passed, state) {
        (true, State::Champion) => Some(Event::ModelPromoted(change)),
        (true, _) => None,
        (false, _) => Some(Event::ModelRejected(change)),
    }
}

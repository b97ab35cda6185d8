//! Alerts and deliveries on a terminal.

use super::Answered;
use crate::alert::life::Alert;
use crate::alert::silence::Silence;
use crate::alert::webhook::queue::Delivered;

pub(super) fn alerts(alerts: &[Alert]) -> String {
    if alerts.is_empty() {
        return "no alerts\n".to_owned();
    }
    let line = |alert: &Alert| {
        let seen = if alert.acknowledged.is_some() { " (acknowledged)" } else { "" };
        let (status, name) = (alert.status.name(), alert.event.name());
        format!(
            "{}  {status:<8}  {name:<18}  {:.0}  {}{seen}\n",
            alert.id,
            alert.starts_at,
            plain(&alert.event.summary())
        )
    };
    alerts.iter().map(line).collect()
}

pub(super) fn deliveries(deliveries: &[Delivered]) -> String {
    if deliveries.is_empty() {
        return "no deliveries\n".to_owned();
    }
    let line = |delivery: &Delivered| {
        let Delivered { id, receiver, state, attempts, next_at, error, .. } = delivery;
        let next = next_at.map(|at| format!("  next {at:.0}")).unwrap_or_default();
        let error = error.as_deref().map(|error| format!("  {}", plain(error))).unwrap_or_default();
        format!("{id}  {receiver:<16}  {state:<9}  {attempts} attempts{next}{error}\n")
    };
    deliveries.iter().map(line).collect()
}

pub(super) fn silences(silences: &[Silence]) -> String {
    if silences.is_empty() {
        return "no silences\n".to_owned();
    }
    let line = |silence: &Silence| {
        let labels: Vec<String> = silence.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let comment = silence.comment.as_deref().map(|comment| format!("  {}", plain(comment))).unwrap_or_default();
        format!("{}  until {:.0}  {}{comment}\n", silence.id, silence.ends_at, plain(&labels.join(" ")))
    };
    silences.iter().map(line).collect()
}

pub(super) fn answers(answers: &[Answered]) -> String {
    answers.iter().map(|answer| format!("{:<16}  {}\n", answer.receiver, plain(&answer.answer))).collect()
}

/// Control characters of what others have written do not reach the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

//! Slack's incoming webhooks.

use serde_json::{Value, json};

use crate::alert::group::{Entry, Message};
use crate::alert::life::Status;

/// Characters that a section of text may have.
const LONGEST: usize = 2_900;

/// Sections that a message may have, with room for what comes beside them.
const MOST: usize = 40;

/// A line for notifications, and a section for each alert.
pub(super) fn body(message: &Message) -> Value {
    let title = format!("[{}] {}", message.status().name().to_uppercase(), name(message));
    let sections = message.alerts.iter().take(MOST).map(section);
    let left_out = message.alerts.len().saturating_sub(MOST) + message.truncated;
    let more = (left_out > 0).then(|| text(&format!("and {left_out} more")));
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": title}});
    let blocks: Vec<Value> = std::iter::once(header).chain(sections).chain(more).collect();
    json!({"text": title, "blocks": blocks})
}

fn name(message: &Message) -> &str {
    message.alerts.first().and_then(|alert| alert.labels.get("alertname")).map_or("rungs", String::as_str)
}

fn section(alert: &Entry) -> Value {
    let mark = if alert.status == Status::Firing { ":red_circle:" } else { ":large_green_circle:" };
    let said = |name: &str| alert.annotations.get(name).map(String::as_str).unwrap_or_default();
    let mut lines = vec![format!("{mark} *{}*", escape(said("summary")))];
    for name in ["since", "interval", "cause", "damage", "examples", "action"] {
        if !said(name).is_empty() {
            lines.push(format!("{name}: {}", escape(said(name))));
        }
    }
    text(&lines.join("\n"))
}

fn text(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text.chars().take(LONGEST).collect::<String>()}})
}

/// The three characters that mean something to Slack.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

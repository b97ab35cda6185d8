//! PagerDuty's Events API v2: one alert an event.

use serde_json::{Value, json};

use crate::alert::group::Message;
use crate::alert::life::Status;

/// Characters that a summary may have.
const LONGEST: usize = 1_024;

/// The event of the message's one alert; the fingerprint joins its beginning and its end to one incident.
pub(super) fn body(message: &Message, routing_key: &str) -> Value {
    let Some(alert) = message.alerts.first() else { return Value::Null };
    let label = |name: &str| alert.labels.get(name).map(String::as_str).unwrap_or_default();
    let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": if alert.status == Status::Firing { "trigger" } else { "resolve" },
        "dedup_key": alert.fingerprint,
        "payload": {
            "summary": format!("{}: {summary}", label("alertname")).chars().take(LONGEST).collect::<String>(),
            "source": "rungs",
            "severity": label("severity"),
            "timestamp": alert.starts_at,
            "class": label("alertname"),
            "group": label("route"),
            "custom_details": alert.annotations,
        },
    });
    if !message.public_url.is_empty() {
        event["client"] = "rungs".into();
        event["client_url"] = format!("{}/v1/alerts/{}", message.public_url, alert.id).into();
    }
    event
}

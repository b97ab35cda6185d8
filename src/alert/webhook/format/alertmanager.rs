//! Prometheus Alertmanager: the body that it sends to webhooks (version 4), and the alerts that its API takes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::alert::group::{Entry, Message};

/// How Alertmanager writes a time that has not come: the zero of Go's.
const NOT_YET: &str = "0001-01-01T00:00:00Z";

/// The body of version 4.
pub(super) fn webhook(receiver: &str, message: &Message) -> Value {
    let group: Vec<String> = message.group.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{{}}}", group.join(", ")),
        "truncatedAlerts": message.truncated,
        "status": message.status(),
        "receiver": receiver,
        "groupLabels": message.group,
        "commonLabels": common(message, |alert| &alert.labels),
        "commonAnnotations": common(message, |alert| &alert.annotations),
        "externalURL": message.public_url,
        "alerts": message.alerts.iter().map(|alert| told(message, alert)).collect::<Vec<_>>(),
    })
}

/// What `POST /api/v2/alerts` takes.
pub(super) fn api(message: &Message) -> Value {
    let alert = |alert: &Entry| {
        let mut body = told(message, alert);
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|name, value| match name.as_str() {
                "status" | "fingerprint" => false,
                "endsAt" => value != NOT_YET,
                "generatorURL" => !message.public_url.is_empty(),
                _ => true,
            });
        }
        body
    };
    message.alerts.iter().map(alert).collect()
}

fn told(message: &Message, alert: &Entry) -> Value {
    let url = &message.public_url;
    let ends_at = alert.ends_at.map_or_else(|| NOT_YET.to_owned(), |at| at.to_string());
    json!({
        "status": alert.status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at,
        "endsAt": ends_at,
        "generatorURL": if url.is_empty() { String::new() } else { format!("{url}/v1/alerts/{}", alert.id) },
        "fingerprint": alert.fingerprint,
    })
}

/// What all alerts of a message have in common.
fn common(message: &Message, of: impl Fn(&Entry) -> &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let Some((first, rest)) = message.alerts.split_first() else { return BTreeMap::new() };
    let shared = |(name, value): &(&String, &String)| rest.iter().all(|alert| of(alert).get(*name) == Some(value));
    of(first).iter().filter(shared).map(|(name, value)| (name.clone(), value.clone())).collect()
}

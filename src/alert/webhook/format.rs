//! A message in the words of its receiver.

mod alertmanager;
mod pagerduty;
mod slack;

use serde_json::Value;

use crate::alert::group::Message;
use crate::config::ReceiverKind;

/// The body of every attempt at this message. `token` is PagerDuty's routing key.
pub(super) fn body(kind: ReceiverKind, receiver: &str, message: &Message, token: Option<&str>) -> Value {
    match kind {
        ReceiverKind::Webhook => alertmanager::webhook(receiver, message),
        ReceiverKind::Alertmanager => alertmanager::api(message),
        ReceiverKind::Slack => slack::body(message),
        ReceiverKind::Pagerduty => pagerduty::body(message, token.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::alert::group::Entry;
    use crate::alert::life::Status;

    /// A message with one alert that fires and one that is over.
    fn message() -> Message {
        let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let starts_at: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        let entry = |route: &str, status, ends_at| Entry {
            id: format!("id-{route}"),
            status,
            labels: texts(&[("alertname", "QualityDrift"), ("route", route), ("severity", "critical")]),
            annotations: texts(&[("summary", "judged failures of <route>: from 10.0% to 22.0%"), ("action", "look")]),
            starts_at,
            ends_at,
            fingerprint: "0123456789abcdef".to_owned(),
            times: 0,
        };
        let ended = Some("2026-11-01T13:00:00Z".parse().unwrap());
        Message {
            group: texts(&[("alertname", "QualityDrift")]),
            alerts: vec![entry("a", Status::Firing, None), entry("b", Status::Resolved, ended)],
            truncated: 0,
            public_url: "https://rungs.example".to_owned(),
        }
    }

    const SUMMARY: &str = "judged failures of <route>: from 10.0% to 22.0%";

    #[test]
    fn a_webhook_has_the_body_that_alertmanager_sends() {
        let body = body(ReceiverKind::Webhook, "ops", &message(), None);
        let annotations = json!({"action": "look", "summary": SUMMARY});
        let told = |route: &str, status: &str, ends_at: &str| {
            json!({
                "status": status,
                "labels": {"alertname": "QualityDrift", "route": route, "severity": "critical"},
                "annotations": annotations,
                "startsAt": "2026-11-01T12:00:00Z",
                "endsAt": ends_at,
                "generatorURL": format!("https://rungs.example/v1/alerts/id-{route}"),
                "fingerprint": "0123456789abcdef",
            })
        };
        let expected = json!({
            "version": "4",
            "groupKey": "{}:{alertname=\"QualityDrift\"}",
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "ops",
            "groupLabels": {"alertname": "QualityDrift"},
            "commonLabels": {"alertname": "QualityDrift", "severity": "critical"},
            "commonAnnotations": annotations,
            "externalURL": "https://rungs.example",
            "alerts": [told("a", "firing", "0001-01-01T00:00:00Z"), told("b", "resolved", "2026-11-01T13:00:00Z")],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn alertmanagers_api_gets_no_end_that_has_not_come() {
        let body = body(ReceiverKind::Alertmanager, "ops", &message(), None);
        let names = |i: usize| body[i].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(0), ["labels", "annotations", "startsAt", "generatorURL"]);
        assert_eq!(names(1), ["labels", "annotations", "startsAt", "endsAt", "generatorURL"]);
    }

    #[test]
    fn slack_gets_a_section_for_each_alert_with_its_own_characters_escaped() {
        let body = body(ReceiverKind::Slack, "ops", &message(), None);
        assert_eq!(body["text"], "[FIRING] QualityDrift");
        let text = |i: usize| body["blocks"][i]["text"]["text"].as_str().unwrap();
        assert_eq!(text(1), ":red_circle: *judged failures of &lt;route&gt;: from 10.0% to 22.0%*\naction: look");
        assert!(text(2).starts_with(":large_green_circle:") && body["blocks"][3].is_null());
    }

    #[test]
    fn pagerduty_joins_beginning_and_end_by_the_fingerprint() {
        let single = |i: usize| Message { alerts: vec![message().alerts[i].clone()], ..message() };
        let event = |i: usize| body(ReceiverKind::Pagerduty, "ops", &single(i), Some("key"));
        let fired = event(0);
        let expected = json!({
            "routing_key": "key",
            "event_action": "trigger",
            "dedup_key": "0123456789abcdef",
            "payload": {
                "summary": format!("QualityDrift: {SUMMARY}"),
                "source": "rungs",
                "severity": "critical",
                "timestamp": "2026-11-01T12:00:00Z",
                "class": "QualityDrift",
                "group": "a",
                "custom_details": {"action": "look", "summary": SUMMARY},
            },
            "client": "rungs",
            "client_url": "https://rungs.example/v1/alerts/id-a",
        });
        assert_eq!(fired, expected);
        assert_eq!((&event(1)["event_action"], &event(1)["dedup_key"]), (&json!("resolve"), &fired["dedup_key"]));
    }
}

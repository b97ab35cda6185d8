//! Tells receivers without the database what it cannot take: above all, that it is down or full.
//!
//! Nothing is known then of silences, groups and earlier messages: each alert is told by itself, once, and so is its end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::group::{Entry, Message};
use super::life::Alert;
use super::webhook::{Caller, Outcome, queue, schedule};
use super::{Event, Fingerprint};
use crate::config::{AlertsConfig, ReceiverConfig};

/// Alerts whose beginning was told, and who is being told of it.
#[derive(Debug, Default)]
pub(super) struct Direct(BTreeMap<Fingerprint, (Alert, AlertsConfig, Vec<Telling>)>);

/// A receiver that is told of an alert's beginning; true when it has taken it.
type Telling = (ReceiverConfig, JoinHandle<bool>);

/// Alerts that are told at most; whatever is told beyond says the same thing.
const MOST: usize = 50;

impl Direct {
    /// Tells every receiver that this is so, unless they were told before.
    pub(super) fn fire(&mut self, event: &Event, config: &AlertsConfig) {
        let fingerprint = event.fingerprint();
        if self.0.len() >= MOST || self.0.contains_key(&fingerprint) {
            return;
        }
        let alert = Alert::firing(event.clone(), Timestamp::now());
        let message = message(&alert, config);
        let tell = |receiver: &ReceiverConfig| {
            (receiver.clone(), tokio::spawn(told(receiver.clone(), config.clone(), message.clone())))
        };
        let telling = config.receivers.iter().map(tell).collect();
        self.0.insert(fingerprint, (alert, config.clone(), telling));
    }

    /// Tells those who were told of its beginning that it is over.
    pub(super) fn resolve(&mut self, fingerprint: &Fingerprint) {
        let Some((alert, config, telling)) = self.0.remove(fingerprint) else { return };
        let message = message(&alert.end(Timestamp::now()), &config);
        for (receiver, began) in telling {
            let (config, message) = (config.clone(), message.clone());
            tokio::spawn(async move { began.await.unwrap_or(false) && told(receiver, config, message).await });
        }
    }
}

fn message(alert: &Alert, config: &AlertsConfig) -> Message {
    let labels = alert.event.labels().into_iter();
    Message {
        group: labels.filter(|(name, _)| config.group_by.contains(name)).collect(),
        alerts: vec![Entry::of(alert)],
        truncated: 0,
        public_url: config.public_url.clone().unwrap_or_default(),
    }
}

/// Tells a receiver, with the pauses that the queue would make. Whether it has taken all that it wants.
async fn told(receiver: ReceiverConfig, config: AlertsConfig, message: Message) -> bool {
    let caller = match Caller::new(&receiver, &config) {
        Ok(caller) => caller,
        Err(error) => {
            tracing::error!(error, "a receiver of alerts cannot be told anything");
            return false;
        }
    };
    for message in queue::messages(&receiver, &message) {
        if !delivered(&caller, &receiver.name, &config, &message).await {
            return false;
        }
    }
    true
}

async fn delivered(caller: &Caller, receiver: &str, config: &AlertsConfig, message: &Message) -> bool {
    let id = format!("msg_{}", Uuid::now_v7().simple());
    for attempts in 1.. {
        let (error, retry_after) = match caller.call(&id, message).await {
            Outcome::Delivered(_) => return true,
            Outcome::Gone => return false,
            Outcome::Failed { error, retry_after, .. } => (error, retry_after),
        };
        let now = Timestamp::now();
        let Some(at) = schedule::next(&config.retry_s, attempts, retry_after, fastrand::f64(), now) else { break };
        tracing::warn!(receiver, id, attempts, error, next = %at, "a webhook was not delivered");
        tokio::time::sleep(at.duration_since(now).unsigned_abs()).await;
    }
    tracing::error!(receiver, id, "A WEBHOOK COULD NOT BE DELIVERED, and the database cannot keep it");
    false
}

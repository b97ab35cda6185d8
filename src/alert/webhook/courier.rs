//! Works off the queue of deliveries. Every router does; what is being tried is claimed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::call::{Caller, Outcome};
use super::queue::{self, Delivery, Settled};
use super::schedule;
use crate::config::{AlertsConfig, ReceiverConfig};
use crate::database::Database;
use crate::decisions::StoreError;
use crate::trouble::Trouble;

/// From one look at the queue to the next, where it was empty.
const PERIOD: Duration = Duration::from_millis(500);

/// Deliveries that are tried at once.
const AT_ONCE: i64 = 8;

/// Delivers until the token is cancelled, by whatever configuration is in force. An attempt that has begun is ended.
pub fn start(database: Database, config: impl Fn() -> AlertsConfig + Send + 'static, stop: CancellationToken) {
    tokio::spawn(async move {
        let mut callers = Callers::default();
        let mut trouble = Trouble::default();
        while timeout(PERIOD, stop.cancelled()).await.is_err() {
            let config = config();
            callers.bring_up_to_date(&config);
            if let Some(error) = trouble.news(&work_off(&database, &config, &callers, &stop).await) {
                tracing::warn!(error, "webhooks wait for the database");
            }
        }
    });
}

/// Callers of the receivers whose configuration can be used.
#[derive(Debug, Default)]
struct Callers {
    known: HashMap<String, (ReceiverConfig, Option<Arc<Caller>>)>,
}

impl Callers {
    fn bring_up_to_date(&mut self, config: &AlertsConfig) {
        self.known.retain(|name, _| config.receivers.iter().any(|receiver| receiver.name == *name));
        for receiver in &config.receivers {
            if self.known.get(&receiver.name).is_some_and(|(known, _)| known == receiver) {
                continue;
            }
            let caller = Caller::new(receiver, config).map_err(|error| {
                tracing::error!(error, "a receiver of alerts cannot be told anything");
            });
            self.known.insert(receiver.name.clone(), (receiver.clone(), caller.ok().map(Arc::new)));
        }
    }

    fn usable(&self) -> Vec<&str> {
        self.known.iter().filter(|(_, (_, caller))| caller.is_some()).map(|(name, _)| name.as_str()).collect()
    }

    fn of(&self, receiver: &str) -> Option<&Arc<Caller>> {
        self.known.get(receiver)?.1.as_ref()
    }
}

/// Tries what is due until nothing is.
async fn work_off(
    database: &Database,
    config: &AlertsConfig,
    callers: &Callers,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    while !stop.is_cancelled() {
        let claimed = queue::claim(database, &callers.usable(), AT_ONCE, Timestamp::now()).await?;
        if claimed.is_empty() {
            break;
        }
        let tries = claimed.iter().filter_map(|delivery| Some((delivery, callers.of(&delivery.receiver)?)));
        let settled = tries.map(|(delivery, caller)| deliver(database, config, delivery, caller));
        join_all(settled).await.into_iter().collect::<Result<(), StoreError>>()?;
    }
    Ok(())
}

async fn deliver(
    database: &Database,
    config: &AlertsConfig,
    delivery: &Delivery,
    caller: &Caller,
) -> Result<(), StoreError> {
    let Delivery { id, receiver, message, attempts } = delivery;
    let settled = match caller.call(id, message).await {
        Outcome::Delivered(status) => Settled::Delivered { status },
        Outcome::Gone => {
            tracing::error!(receiver, "a receiver of alerts is gone (410): it is told nothing until it is enabled");
            return queue::disable(database, receiver, Timestamp::now()).await;
        }
        Outcome::Failed { status, error, retry_after } => {
            match schedule::next(&config.retry_s, *attempts, retry_after, fastrand::f64(), Timestamp::now()) {
                Some(at) => {
                    tracing::warn!(receiver, id, attempts, error, next = %at, "a webhook was not delivered");
                    Settled::Again { at, status, error }
                }
                None => {
                    tracing::error!(
                        receiver,
                        id,
                        attempts,
                        error,
                        "A WEBHOOK COULD NOT BE DELIVERED: rungs alerts redeliver"
                    );
                    Settled::Dead { status, error }
                }
            }
        }
    };
    queue::settle(database, id, &settled).await
}

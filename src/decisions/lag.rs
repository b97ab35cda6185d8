//! Raises an alert while records wait for the database, or are lost.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{DecisionStore, LogState};
use crate::alert::event::Lag;
use crate::alert::{Alerts, Event, Fingerprint};

/// From one look at the log to the next.
const PERIOD: Duration = Duration::from_secs(1);

/// How long the database may take no records before that is worth an alert: a server that is restarted is none.
const GRACE: Duration = Duration::from_secs(5);

/// How often the numbers of an alert are brought up to date.
const RENEW: Duration = Duration::from_secs(60);

/// Watches the log until `stop`, and tells of it where the router in force does.
pub async fn work(store: Arc<dyn DecisionStore>, alerts: impl Fn() -> Alerts, stop: CancellationToken) {
    let (mut lost, mut told) = (0, None::<(Timestamp, Fingerprint)>);
    while timeout(PERIOD, stop.cancelled()).await.is_err() {
        let (state, now) = (store.state(), Timestamp::now());
        match lag(&state, lost, now) {
            Some(lag) if told.as_ref().is_none_or(|(at, _)| passed(*at, now) >= RENEW) => {
                let event = Event::DecisionLogLagging(lag);
                told = Some((now, event.fingerprint()));
                alerts().fire(event);
            }
            Some(_) => {}
            None => told.take().into_iter().for_each(|(_, alert)| alerts().resolve(alert)),
        }
        lost = state.lost;
    }
}

/// What is wrong with the log; `lost` records were lost when it was looked at before.
fn lag(state: &LogState, lost: u64, now: Timestamp) -> Option<Lag> {
    let waits = state.down_since.filter(|since| passed(*since, now) >= GRACE);
    let since = waits.or_else(|| (state.lost > lost).then(|| state.down_since.unwrap_or(now)))?;
    Some(Lag { pending: state.pending, lost: state.lost, since, error: state.error.clone() })
}

fn passed(since: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(since).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_no_alarm_and_a_loss_always_is() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let ago = |seconds: i64| Some(now.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap());
        let down = |seconds| LogState { pending: 7, down_since: ago(seconds), ..LogState::default() };
        assert_eq!(lag(&LogState::default(), 0, now), None);
        assert_eq!(lag(&down(2), 0, now), None);
        assert_eq!(lag(&down(6), 0, now).map(|lag| (lag.pending, Some(lag.since))), Some((7, ago(6))));
        let lost = LogState { lost: 3, ..down(1) };
        assert_eq!(lag(&lost, 0, now).map(|lag| lag.lost), Some(3));
        assert_eq!(lag(&lost, 3, now), None);
    }
}

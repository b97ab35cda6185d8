//! What a receiver is told, and how often it is tried.

use std::time::{Duration, Instant};

use rungs::alert::webhook::queue::{self, Delivered};
use rungs::alert::webhook::{Caller, start};
use rungs::alert::{Alerts, Signal, table};
use rungs::config::AlertsConfig;
use rungs::database::Statement;
use tokio_util::sync::CancellationToken;

use super::{Place, drift};
use crate::support::hook::Hook;
use crate::support::postgres::with_database;

/// Works off the queue until it is dropped.
struct Courier(CancellationToken);

impl Courier {
    fn start(place: &Place, config: &AlertsConfig) -> Self {
        let (stop, config) = (CancellationToken::new(), config.clone());
        start(place.database(), move || config.clone(), stop.clone());
        Self(stop)
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The deliveries, as soon as the first one is in this state.
async fn settled(place: &Place, state: &str) -> Vec<Delivered> {
    let start = Instant::now();
    loop {
        let all = queue::list(&place.database(), None, 100).await.unwrap();
        if all.iter().any(|delivery| delivery.state == state) {
            return all;
        }
        assert!(start.elapsed() < Duration::from_secs(90), "{all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn failures_are_made_good(place: Place) {
    let hook = Hook::start(&[(500, None), (429, Some("1")), (302, Some("/elsewhere"))]).await;
    let config = place.config(&hook.url());
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&config, 0).await;
    let _courier = Courier::start(&place, &config);
    let calls = hook.told(4).await;
    assert!(calls.iter().all(|call| call.is_signed));
    let ids: Vec<_> = calls.iter().map(|call| call.headers["webhook-id"].to_str().unwrap()).collect();
    assert!(ids[0].starts_with("msg_") && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(calls.iter().all(|call| call.body == calls[0].body));
    assert!(calls[2].at - calls[1].at >= Duration::from_millis(900), "Retry-After is kept");
    let alert = &calls[0].body["alerts"][0];
    assert_eq!((&calls[0].body["version"], &alert["labels"]["alertname"]), (&"4".into(), &"QualityDrift".into()));
    let delivered = settled(&place, "delivered").await;
    assert_eq!((delivered.len(), delivered[0].attempts), (1, 4));
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_until_it_takes_it_on_sqlite() {
    failures_are_made_good(Place::new().await).await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_until_it_takes_it_on_postgres() {
    with_database(|config| async move { failures_are_made_good(Place::with(config).await).await }).await;
}

#[tokio::test]
async fn a_receiver_that_is_down_is_told_when_it_is_back() {
    let place = Place::new().await;
    let hook = Hook::start(&[]).await;
    let (config, address) = (place.config(&hook.url()), hook.address);
    let config = AlertsConfig { retry_s: [vec![0.0], vec![0.3; 200]].concat(), ..config };
    drop(hook);
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&config, 0).await;
    let _courier = Courier::start(&place, &config);
    let waiting = loop {
        let pending = settled(&place, "pending").await;
        if pending[0].error.is_some() {
            break pending;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(waiting[0].status.is_none() && waiting[0].next_at.is_some(), "{waiting:?}");
    let hook = Hook::at(address, &[]).await;
    assert!(hook.told(1).await[0].is_signed);
    settled(&place, "delivered").await;
}

#[tokio::test]
async fn what_nobody_takes_is_dead_until_it_is_redelivered() {
    let place = Place::new().await;
    let hook = Hook::start(&[(500, None); 4]).await;
    let config = place.config(&hook.url());
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&config, 0).await;
    let _courier = Courier::start(&place, &config);
    let dead = settled(&place, "dead").await;
    assert_eq!((dead[0].attempts, dead[0].status), (4, Some(500)));
    let redeliver = queue::redeliver(&place.database(), Some(&dead[0].id), jiff::Timestamp::now()).await;
    assert_eq!(redeliver.unwrap(), 1);
    settled(&place, "delivered").await;
    let ids: Vec<_> = hook.calls().iter().map(|call| call.headers["webhook-id"].clone()).collect();
    assert!(ids.len() == 5 && ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_until_it_is_enabled() {
    let place = Place::new().await;
    let hook = Hook::start(&[(410, None)]).await;
    let config = place.config(&hook.url());
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&config, 0).await;
    let courier = Courier::start(&place, &config);
    settled(&place, "dead").await;
    place.tell(&Signal::Fire(drift("b"))).await;
    place.round(&config, 10).await;
    assert_eq!(queue::list(&place.database(), None, 100).await.unwrap().len(), 1, "nothing more is queued");
    assert!(queue::enable(&place.database(), "ops").await.unwrap());
    place.tell(&Signal::Fire(drift("c"))).await;
    place.round(&config, 20).await;
    let told = hook.told(2).await;
    assert!(told[1].body.to_string().contains("\"c\""), "{}", told[1].body);
    drop(courier);
}

#[tokio::test]
async fn a_group_is_told_once_and_its_end_too() {
    let place = Place::new().await;
    let hook = Hook::start(&[]).await;
    let config = AlertsConfig { group_s: 30.0, ..place.config(&hook.url()) };
    let _courier = Courier::start(&place, &config);
    for route in ["a", "b"] {
        place.tell(&Signal::Fire(drift(route))).await;
        place.round(&config, 0).await;
    }
    place.round(&config, 31).await;
    let told = hook.told(1).await;
    assert_eq!(
        (told[0].body["status"].as_str(), told[0].body["alerts"].as_array().unwrap().len()),
        (Some("firing"), 2)
    );
    for route in ["a", "b"] {
        place.tell(&Signal::Resolve(drift(route).fingerprint())).await;
    }
    place.round(&config, 40).await;
    place.round(&config, 71).await;
    let told = hook.told(2).await;
    assert_eq!(told[1].body["status"], "resolved");
    assert_ne!(told[0].headers["webhook-id"], told[1].headers["webhook-id"]);
    place.round(&config, 7_200).await;
    assert_eq!(hook.calls().len(), 2);
    assert_eq!(table::open(&place.database()).await.unwrap(), []);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let place = Place::new().await;
    let config = place.config("http://127.0.0.1:9/hook");
    assert!(Caller::new(&config.receivers[0], &config).is_ok());
    let refused = |url: &str| {
        let receiver = rungs::config::ReceiverConfig { allow_private: false, ..place.config(url).receivers[0].clone() };
        Caller::new(&receiver, &config)
    };
    assert!(refused("http://127.0.0.1:9/hook").unwrap_err().contains("allow_private"));
    // A name may point anywhere, and elsewhere later: it is looked at when it is called.
    let named = refused("http://localhost:9/hook").unwrap();
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&config, 0).await;
    let delivery = queue::claim(&place.database(), &["ops"], 1, jiff::Timestamp::now()).await.unwrap().remove(0);
    let outcome = named.call(&delivery.id, &delivery.message).await;
    assert!(format!("{outcome:?}").contains("private address"), "{outcome:?}");
    let again = queue::claim(&place.database(), &["ops"], 1, jiff::Timestamp::now()).await.unwrap();
    assert!(again.is_empty(), "what is being tried is nobody else's");
}

#[tokio::test]
async fn what_the_database_cannot_take_is_told_directly_and_so_is_its_end() {
    let place = Place::new().await;
    let hook = Hook::start(&[(500, None)]).await;
    let (config, database) = (place.config(&hook.url()), place.database());
    let rename = async |from: &str, to: &str| {
        database.execute(Statement::new(format!("ALTER TABLE {from} RENAME TO {to}"))).await.unwrap();
    };
    rename("alert_signals", "away").await;
    let alerts = Alerts::start(Some(place.database()), move || config.clone());
    alerts.fire(drift("a"));
    alerts.fire(drift("a"));
    let told = hook.told(2).await;
    let ids: Vec<_> = told.iter().map(|call| call.headers["webhook-id"].clone()).collect();
    assert!(ids[0] == ids[1] && told.iter().all(|call| call.is_signed), "one that failed, and its second attempt");
    assert_eq!(told[1].body["status"], "firing");

    rename("away", "alert_signals").await;
    alerts.resolve(drift("a").fingerprint());
    let told = hook.told(3).await;
    assert_eq!(
        (&told[2].body["status"], &told[2].body["alerts"][0]["labels"]["route"]),
        (&"resolved".into(), &"a".into())
    );
    assert_eq!(told[2].body["alerts"][0]["fingerprint"], told[1].body["alerts"][0]["fingerprint"]);
    let start = Instant::now();
    while database.read(Statement::new("SELECT id FROM alert_signals")).await.unwrap().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(10), "what waited is written in the end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(hook.calls().len(), 3, "once is enough");
}

//! `rungs alerts` as its users run it.

use rungs::alert::{Signal, Status, table};
use serde_json::Value;

use super::{Place, drift};
use crate::support::command::{json_of, refusal, said, text};
use crate::support::hook::{Hook, SECRET};

/// The place with a configuration for the command line beside it.
async fn place(url: &str) -> (Place, String) {
    let place = Place::new().await;
    let folder = place.folder.path();
    let file = folder.join("rungs.toml");
    let toml = format!(
        "data_dir = {folder:?}\n[alerts]\ngroup_s = 0.0\n[[alerts.receivers]]\nname = 'ops'\nurl = '{url}'\n\
         secret_file = [{:?}]\nallow_private = true\n",
        folder.join("secret")
    );
    std::fs::write(&file, toml).unwrap();
    (place, text(&file).to_owned())
}

fn alerts<'a>(what: &[&'a str], config: &'a str) -> Vec<&'a str> {
    [&["alerts"], what, &["--config", config]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_listed_and_acknowledged() {
    let (place, config) = place("http://127.0.0.1:9/").await;
    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&place.config("http://127.0.0.1:9/"), 0).await;
    let listed = json_of(&alerts(&["list", "--json"], &config));
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["status"]), (1, &"firing".into()), "{listed}");
    assert_eq!(json_of(&alerts(&["list", "--status", "resolved", "--json"], &config)), Value::Array(Vec::new()));
    let (shown, _) = said(&alerts(&["list"], &config));
    assert!(shown.contains(id) && shown.contains("QualityDrift"), "{shown}");

    let (code, error) = refusal(&alerts(&["ack", "nobody"], &config));
    assert!(code == 2 && error.contains("nobody"), "{error}");
    said(&alerts(&["ack", id, "--comment", "on it"], &config));
    place.round(&place.config("http://127.0.0.1:9/"), 5).await;
    let alert = table::get(&place.database(), id).await.unwrap().unwrap();
    assert_eq!(alert.acknowledged.unwrap().comment.as_deref(), Some("on it"));
    assert!(said(&alerts(&["list"], &config)).0.contains("(acknowledged)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_keeps_an_alert_quiet_until_it_is_ended() {
    let (place, config) = place("http://127.0.0.1:9/").await;
    let receivers = place.config("http://127.0.0.1:9/");
    let deliveries = || json_of(&alerts(&["deliveries", "--json"], &config)).as_array().unwrap().len();
    for bad in [&["silence", "--for", "-1h", "route=a"][..], &["silence", "--for", "1h", "route"]] {
        assert_eq!(refusal(&alerts(bad, &config)).0, 2);
    }
    said(&alerts(&["silence", "--for", "2h", "--comment", "known", "route=a"], &config));
    let silences = json_of(&alerts(&["silences", "--json"], &config));
    assert_eq!((&silences[0]["labels"]["route"], &silences[0]["comment"]), (&"a".into(), &"known".into()));
    place.tell(&Signal::Fire(drift("a"))).await;
    place.tell(&Signal::Fire(drift("b"))).await;
    place.round(&receivers, 0).await;
    place.round(&receivers, 1).await;
    let (told, _) = said(&alerts(&["deliveries"], &config));
    assert_eq!(deliveries(), 1, "only of b: {told}");
    let open = table::open(&place.database()).await.unwrap();
    assert!(open.len() == 2 && open.iter().all(|alert| alert.status == Status::Firing), "silence keeps quiet, no more");

    let id = silences[0]["id"].as_str().unwrap();
    said(&alerts(&["unsilence", id], &config));
    assert_eq!(refusal(&alerts(&["unsilence", id], &config)).0, 2, "it is over");
    assert!(said(&alerts(&["silences"], &config)).0.contains("no silences"));
    place.round(&receivers, 2).await;
    place.round(&receivers, 3).await;
    assert_eq!(deliveries(), 2, "what was silenced is told when the silence is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_are_tried_and_what_is_dead_is_told_anew() {
    let hook = Hook::start(&[(200, None), (500, None)]).await;
    let (place, config) = place(&hook.url()).await;
    let answers = json_of(&alerts(&["test", "--json"], &config));
    assert_eq!((&answers[0]["receiver"], &answers[0]["delivered"]), (&"ops".into(), &true.into()), "{answers}");
    assert!(hook.calls()[0].is_signed && hook.calls()[0].body.to_string().contains("TEST"));
    let output = crate::support::command::rungs(&alerts(&["test", "--receiver", "ops"], &config));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("ops") && !error.contains(SECRET), "{error}");
    assert_eq!(refusal(&alerts(&["test", "--receiver", "nobody"], &config)).0, 2);
    for bad in [["redeliver", "msg_none"], ["enable", "ops"]] {
        assert_eq!(refusal(&alerts(&bad, &config)).0, 2, "{bad:?}");
    }

    place.tell(&Signal::Fire(drift("a"))).await;
    place.round(&place.config(&hook.url()), 0).await;
    let dead = "UPDATE deliveries SET state = 'dead'";
    place.database().execute(rungs::database::Statement::new(dead)).await.unwrap();
    let listed = json_of(&alerts(&["deliveries", "--state", "dead", "--json"], &config));
    let id = listed[0]["id"].as_str().unwrap();
    assert!(said(&alerts(&["redeliver", id], &config)).0.contains("1 deliveries"));
    assert_eq!(json_of(&alerts(&["deliveries", "--state", "pending", "--json"], &config))[0]["id"], listed[0]["id"]);
    place.store.close().await.unwrap();
}

#[test]
fn a_new_secret_is_one_that_receivers_take() {
    let (secret, other) = (said(&["alerts", "new-secret"]).0, said(&["alerts", "new-secret"]).0);
    assert!(secret != other && standardwebhooks::Webhook::new(secret.trim()).is_ok(), "{secret}");
}

//! A router that is killed while it tells somebody.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rungs::alert::Signal;
use rungs::alert::webhook::queue;
use rungs::database::Statement;

use super::{Place, drift};
use crate::support::hook::Hook;

/// Starts `rungs serve` over the folder's log.
fn serve(place: &Place, url: &str) -> Child {
    let folder = place.folder.path();
    let config = folder.join("rungs.toml");
    let text = format!(
        "data_dir = '{}'\n[server]\nbind = '127.0.0.1:0'\n[alerts]\ngroup_s = 0.0\ncool_down_s = 0.0\nretry_s = [0.0, 0.2, 0.2, 0.2, \
         0.2, 0.2]\n[[alerts.receivers]]\nname = 'ops'\nurl = '{url}'\nsecret_file = ['{}']\nallow_private = true\n",
        folder.display(),
        folder.join("secret").display()
    );
    std::fs::write(&config, text).unwrap();
    let program = assert_cmd::cargo::cargo_bin("rungs");
    let mut command = Command::new(program);
    command.env_remove("RUNGS_DATA_DIR").args(["serve", "--config"]).arg(config).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Five signals, and the router killed once for each: most often after a delivery was made and before that was written down.
#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_what_is_to_be_told() {
    let place = Place::new().await;
    // The first answers have to be tried again.
    let hook = Hook::start(&[(500, None); 4]).await;
    for kill in 0..5 {
        place.tell(&Signal::Fire(drift(&format!("route-{kill}")))).await;
        let mut router = serve(&place, &hook.url());
        let before = hook.calls().len();
        let start = Instant::now();
        while hook.calls().len() == before && start.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        router.kill().unwrap();
        router.wait().unwrap();
        // What the dead process had claimed would be free only when its lease is over.
        let free = Statement::new("UPDATE deliveries SET leased_until = 0 WHERE state = 'pending'");
        place.database().execute(free).await.unwrap();
    }
    let mut router = serve(&place, &hook.url());
    let start = Instant::now();
    let told = loop {
        let all = queue::list(&place.database(), None, 100).await.unwrap();
        let text: String =
            hook.calls().iter().filter(|call| call.is_signed).map(|call| call.body.to_string()).collect();
        let routes = (0..5).filter(|kill| text.contains(&format!("route-{kill}"))).count();
        if routes == 5 && !all.is_empty() && all.iter().all(|delivery| delivery.state == "delivered") {
            break routes;
        }
        assert!(start.elapsed() < Duration::from_secs(90), "{routes} of 5 routes were told: {all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    router.kill().unwrap();
    router.wait().unwrap();
    assert_eq!(told, 5);
}

//! What stands in `deploy/`, as far as it can be tried here.

use rungs::config::Config;

#[test]
fn the_configuration_to_start_from_is_a_good_one() {
    let config = Config::load(Some("deploy/rungs.toml".as_ref())).unwrap();
    assert_eq!(config.tiers.len(), 2);
    assert!(config.auth.check_bind(config.server.bind.ip()).is_ok());
}

#[cfg(feature = "train")]
#[test]
fn a_launched_client_knows_where_the_router_is() {
    let arguments =
        ["launch", "--url", "http://127.0.0.1:7/v1", "--", "sh", "-c", "echo $OPENAI_BASE_URL $ANTHROPIC_BASE_URL"];
    let (said, _) = crate::support::command::said(&arguments);
    assert_eq!(said.trim(), "http://127.0.0.1:7/v1 http://127.0.0.1:7");
    let (code, error) = crate::support::command::refusal(&["launch", "--", "no-such-program-here"]);
    assert!(code == 1 && error.contains("no-such-program-here"), "{error}");
    assert_eq!(crate::support::command::refusal(&["launch", "--url", "nowhere", "true"]).0, 2);
}

#[test]
fn what_retrains_by_the_clock_asks_for_what_there_is() {
    let service = std::fs::read_to_string("deploy/rungs-retrain.service").unwrap();
    let command = service.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/rungs ")).unwrap();
    assert_eq!(command, "retrain --config /etc/rungs/rungs.toml");
    let job = std::fs::read_to_string("deploy/kubernetes-retrain.yaml").unwrap();
    let document = rungs::http::openapi::document().unwrap();
    let path = "/admin/retrain";
    assert!(job.contains(&format!("http://rungs{path}")) && document["paths"][path]["post"].is_object());
}

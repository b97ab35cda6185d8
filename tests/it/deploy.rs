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

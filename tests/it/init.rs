//! `rungs init`: a configuration from what is at hand.

use std::process::Output;

use assert_cmd::Command;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::command::text;

const SECRET: &str = "sk-never-to-be-written";

/// A table of one provider with a key and one server on this machine.
fn table(local: &str) -> String {
    format!(
        "published = '2026-06-30'
         [[providers]]
         name = 'far'
         base_url = 'https://api.example.com/v1'
         key_env = 'RUNGS_TEST_FAR_KEY'
         [[providers]]
         name = 'near'
         base_url = '{local}/v1'
         local = true
         [[models]]
         provider = 'far'
         model = 'large'
         price = {{ input = 2.0, output = 8.0, cached_input = 0.5 }}
         context_window = 128000
         lacks = ['vision']
         logprobs = true
         frontier = true
         [[models]]
         provider = 'far'
         model = 'mini'
         price = {{ input = 0.2, output = 0.8 }}
         context_window = 64000"
    )
}

async fn ollama() -> MockServer {
    let server = MockServer::start().await;
    let models = r#"{"object":"list","data":[{"id":"qwen3:4b","object":"model"},{"id":"llama3.2","object":"model"}]}"#;
    Mock::given(path("/v1/models"))
        .respond_with(ResponseTemplate::new(200).set_body_string(models))
        .mount(&server)
        .await;
    server
}

fn init(dir: &tempfile::TempDir, local: &str, key: Option<&str>, more: &[&str]) -> Output {
    let models = dir.path().join("models.toml");
    std::fs::write(&models, table(local)).unwrap();
    let mut command = Command::cargo_bin("rungs").unwrap();
    command.args(["init", "--models", text(&models), "--out", text(&dir.path().join("rungs.toml"))]).args(more);
    command.env_remove("RUNGS_TEST_FAR_KEY").envs(key.map(|key| ("RUNGS_TEST_FAR_KEY", key))).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_model_and_a_providers_best_become_a_configuration_that_can_be_served() {
    let (dir, server) = (tempfile::tempdir().unwrap(), ollama().await);
    let output = init(&dir, &server.uri(), Some(SECRET), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("near/qwen3:4b → far/large"), "{said}");
    let file = dir.path().join("rungs.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("as of 2026-06-30") && !written.contains(SECRET) && !said.contains(SECRET));
    let config = rungs::config::Config::load(Some(&file)).unwrap();
    let [small, large] = &config.tiers[..] else { panic!("{written}") };
    assert_eq!((small.model.as_str(), small.price, small.context_window), ("qwen3:4b", None, None));
    assert_eq!((large.model.as_str(), large.context_window, large.logprobs), ("large", Some(128_000), true));
    assert_eq!(large.price.unwrap().cached_input, Some(0.5));
    assert_eq!(large.lacks.len(), 1);
    assert_eq!(large.api_key_env.as_deref(), Some("RUNGS_TEST_FAR_KEY"));

    // What is there stays as it is.
    let again = init(&dir, &server.uri(), Some(SECRET), &["--cheap", "mini"]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_can_be_named() {
    let (dir, server) = (tempfile::tempdir().unwrap(), ollama().await);
    let output = init(&dir, &server.uri(), Some(SECRET), &["--cheap", "llama3.2", "--frontier", "far/mini"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config = rungs::config::Config::load(Some(&dir.path().join("rungs.toml"))).unwrap();
    assert_eq!(config.tiers.iter().map(|tier| tier.model.as_str()).collect::<Vec<_>>(), ["llama3.2", "mini"]);
}

#[test]
fn what_cannot_be_is_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = "http://127.0.0.1:9";
    for (key, more, expected) in [
        (None, &[][..], "set one of RUNGS_TEST_FAR_KEY, or start a server at http://127.0.0.1:9/v1"),
        (Some(" "), &[][..], "two models are needed"),
        (Some(SECRET), &["--cheap", "huge"][..], "--cheap: `huge` is not at hand; there are: far/large, far/mini"),
        (Some(SECRET), &["--cheap", "mini", "--frontier", "mini"][..], "far/mini cannot be both tiers"),
    ] {
        let output = init(&dir, nowhere, key, more);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!dir.path().join("rungs.toml").exists());
    }
}

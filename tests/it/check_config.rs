//! `rungs check-config`: what `serve` would refuse is refused here.

use crate::support::command::{refusal, said, text};
use crate::support::router::two_tiers;

/// Writes a configuration; `more` comes first.
fn written(folder: &tempfile::TempDir, more: &str, base_url: &str) -> String {
    let file = folder.path().join("rungs.toml");
    let head = format!("data_dir = {:?}\n{more}", folder.path());
    std::fs::write(&file, two_tiers(&head, base_url, "http://127.0.0.1:1/v1")).unwrap();
    text(&file).to_owned()
}

#[test]
fn a_configuration_that_can_be_served_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "", "http://127.0.0.1:1/v1");
    let (printed, told) = said(&["check-config", &file]);
    assert!(printed.is_empty() && told.contains("good (2 tiers, fingerprint"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is made by looking");
}

#[test]
fn what_serve_would_refuse_is_refused_and_named() {
    let judge = |model: &str| {
        format!("[judge.tier]\nname = \"judge\"\nmodel = \"{model}\"\nbase_url = \"http://127.0.0.1:1/v1\"")
    };
    let receiver = "[[alerts.receivers]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1\"";
    let cases = [
        ("polcy = 1", "polcy"),
        ("[policy]\nrouted_share = 2.0", "policy.routed_share"),
        ("[server]\nbind = \"0.0.0.0:8080\"", "rungs new-key"),
        ("[log]\nurl_env = \"RUNGS_TEST_NOT_SET\"", "RUNGS_TEST_NOT_SET"),
        ("[model]\npath = \"/no/such/model\"", "/no/such/model"),
        ("[telemetry]\nlog_format = \"xml\"", "xml"),
        ("[telemetry]\notlp_url = \"nowhere\"", "telemetry.otlp_url"),
        ("[routes.a.judge]\nmust_match = \"(\"", "must_match"),
        (&judge("large-1"), "large"),
        (receiver, "alerts.receivers.ops"),
    ];
    for (more, named) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (code, told) = refusal(&["check-config", &written(&folder, more, "http://127.0.0.1:1/v1")]);
        assert!(code == 2 && told.contains(named), "{more}: {code} {told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = refusal(&["check-config", &written(&folder, "", "not an address")]);
    assert!(code == 2 && told.contains("small"), "{told}");
    let keyed = written(&folder, "", "http://127.0.0.1:1/v1");
    let config = std::fs::read_to_string(&keyed).unwrap();
    std::fs::write(&keyed, config.replace("logprobs = true", "api_key_env = \"RUNGS_TEST_NOT_SET\"")).unwrap();
    let (code, told) = refusal(&["check-config", &keyed]);
    assert!(code == 2 && told.contains("small") && told.contains("RUNGS_TEST_NOT_SET"), "{told}");
}
